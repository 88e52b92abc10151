"""Notify WebSub hubs of changed feeds: one ping per feed and hub, retried until it is accepted.

The queue in the database says which hub has to be notified of which topic. The transaction that
records a feed's files as written also queues its pings. So a killed process may send a ping twice,
but never loses one. Threads use the network, the calling thread uses the database. Failed pings are
retried with increasing delays for about a day. The next change of the feed queues a new ping in any
case.
"""

import hashlib
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from typing import Any

import structlog
from sqlalchemy import (
    Connection,
    delete,
    func,
    literal_column,
    select,
    update,
)

from publisher.database import Database
from publisher.database.dialect.sql import upsert
from publisher.fault_isolation import explain_fault
from publisher.syndication.tables import websub_ping as table
from publisher.syndication.websub_client import (
    HubResponse,
    HubResult,
    PublishRequest,
    printable_address,
    timed_out,
)

# A literal, not a parameter: only then is the partial index used.
_PENDING = table.c.state == literal_column("'pending'")
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class QueuedPing:
    """A pending ping as it was read; `update_ping` compares with it."""

    hub: str
    topic: str
    attempts: int
    due_at: datetime


def enqueue_pings(
    connection: Connection, hubs: Sequence[str], topics: Sequence[str], now: datetime
) -> None:
    """Queue a ping of each hub for each topic (the address of a feed).

    Call it in the transaction that records the feed as written. A topic that is pending already
    gets no second ping; its ping starts again and is due now.
    """
    untried = _untried_pings(connection, hubs, now)
    # A ping that is being sent was read with its due_at, and its result must not be recorded for
    # the new one. So make due_at different: one second earlier is also due.
    rows = [
        {
            "hub": hub,
            "topic": topic,
            "state": "pending",
            "attempts": 0,
            "due_at": untried.get((hub, topic), now + _SECOND) - _SECOND,
        }
        for hub in dict.fromkeys(hubs)
        for topic in dict.fromkeys(topics)
    ]
    if not rows:
        return
    statement = upsert(connection, table)
    new = statement.excluded
    renewed = {
        "state": new.state,
        "attempts": new.attempts,
        "due_at": new.due_at,
        "last_response": None,
    }
    statement = statement.on_conflict_do_update(index_elements=["hub", "topic"], set_=renewed)
    connection.execute(statement, rows)


def _untried_pings(
    connection: Connection, hubs: Sequence[str], now: datetime
) -> dict[tuple[str, str], datetime]:
    """Return when the pings were due that are due and were not tried, by hub and topic."""
    query = select(table.c.hub, table.c.topic, table.c.due_at).where(
        _PENDING, table.c.attempts == 0, table.c.due_at <= now, table.c.hub.in_(hubs)
    )
    return {(hub, topic): due_at for hub, topic, due_at in connection.execute(query)}


def count_waiting_pings(connection: Connection) -> int:
    """Return the number of pending pings."""
    query = select(func.count()).select_from(table).where(_PENDING)
    return connection.execute(query).scalar_one()


def failed_pings(connection: Connection) -> list[tuple[str, str, str]]:
    """Return the pings that were given up: printable hub, topic, last response."""
    query = (
        select(table.c.hub, table.c.topic, func.coalesce(table.c.last_response, ""))
        .where(table.c.state == "failed")
        .order_by(table.c.hub, table.c.topic)
    )
    rows = connection.execute(query)
    return [(printable_address(hub), topic, response) for hub, topic, response in rows]


def drop_pings_to_other_hubs(database: Database, hubs: Sequence[str]) -> None:
    """Delete the pings to hubs that are no longer in the settings."""
    others = table.c.hub.not_in(hubs)
    with database.reading() as connection:
        found = connection.execute(select(table.c.hub).where(others).limit(1)).first()
    # Usually there are none, and no write transaction is needed.
    if found:
        with database.writing() as connection:
            connection.execute(delete(table).where(others))


def due_pings(connection: Connection, hub: str, now: datetime, limit: int) -> list[QueuedPing]:
    """Return the pings of a hub that are due, the oldest first."""
    query = (
        select(table.c.hub, table.c.topic, table.c.attempts, table.c.due_at)
        .where(_PENDING, table.c.hub == hub, table.c.due_at <= now)
        .order_by(table.c.due_at, table.c.topic)
        .limit(limit)
    )
    return [QueuedPing(*row) for row in connection.execute(query)]


def update_ping(connection: Connection, ping: QueuedPing, values: Mapping[str, Any]) -> bool:
    """Update a ping if it is unchanged since it was read; return whether it was."""
    statement = update(table).where(
        table.c.hub == ping.hub,
        table.c.topic == ping.topic,
        _PENDING,
        table.c.attempts == ping.attempts,
        table.c.due_at == ping.due_at,
    )
    return connection.execute(statement.values(**values)).rowcount == 1


log = structlog.get_logger()

# Requests at the same time, to all hubs together. A small hub might take more for an attack.
MAX_CONCURRENT_PINGS = 8
# After so many connection errors in one run, the other topics of a hub wait for a later run.
MAX_HUB_FAILURES = 2
# For all pings of one run, since the cycle has other work to do.
TOTAL_SECONDS = 20.0
# In seconds, for one ping with its redirect. Some hubs fetch the feed before they respond.
PING_TIMEOUT = 8.0
# In one run.
TOPICS_PER_HUB = 200

FIRST_PING_RETRY = timedelta(minutes=1)
LONGEST_PING_RETRY = timedelta(hours=6)
# The last attempt comes about 23 hours after the first. Attempts are counted, not hours, so that
# no ping is given up while the program is not running.
MAX_PING_ATTEMPTS = 13


@dataclass(frozen=True, slots=True)
class HubReport:
    """The number of pings that were accepted, given up, and left for a later run."""

    accepted: int = 0
    failed: int = 0
    waiting: int = 0
    problems: list[str] = field(default_factory=list)


def notify_hubs(
    database: Database,
    hubs: Sequence[str],
    now: datetime,
    *,
    limit: int = TOPICS_PER_HUB,
    timeout: float = PING_TIMEOUT,
    total: float = TOTAL_SECONDS,
) -> HubReport:
    """Send the pings that are due, at most `limit` topics per hub.

    `timeout` and `total` are seconds, for one ping and for all of them. Pings that were not sent
    when the time is over stay queued. Pings to hubs that are not in `hubs` are deleted.
    """
    drop_pings_to_other_hubs(database, hubs)
    with database.reading() as connection:
        due = [
            _HubState(deque(due_pings(connection, hub, now, limit)))
            for hub in dict.fromkeys(hubs)
        ]
    run = _PingRun(database, now, timeout, time.monotonic() + total)
    run.run(due)
    with database.reading() as connection:
        waiting = count_waiting_pings(connection)
    failed = run.topics_in("failed")
    return HubReport(
        accepted=sum(map(len, run.topics_in("accepted").values())),
        failed=sum(map(len, failed.values())),
        waiting=waiting,
        problems=_problems(failed),
    )


def _after_response(ping: QueuedPing, response: HubResponse, now: datetime) -> dict[str, Any]:
    """Return the new values of a ping's row."""
    tried = {"state": "pending", "attempts": ping.attempts + 1, "last_response": response.text}
    if response.result is HubResult.ACCEPTED:
        return tried | {"state": "accepted", "accepted_at": now}
    if response.result is HubResult.REJECTED:
        return tried | {"state": "failed"}
    if ping.attempts + 1 >= MAX_PING_ATTEMPTS:
        text = f"given up after {MAX_PING_ATTEMPTS} attempts; the last: {response.text}"
        return tried | {"state": "failed", "last_response": text}
    return tried | {"due_at": now + max(_backoff(ping), response.retry_after)}


def _postponed(ping: QueuedPing, response: HubResponse, now: datetime) -> dict[str, Any]:
    """Return the new values of a ping that is not sent because another one to its hub failed.

    If the hub can't be reached, this counts as an attempt; if the hub limits the rate, it doesn't.
    """
    if not response.is_rate_limited:
        return _after_response(ping, response, now)
    until = now + max(response.retry_after, FIRST_PING_RETRY)
    return {"state": "pending", "due_at": until, "last_response": f"put off: {response.text}"}


def _backoff(ping: QueuedPing) -> timedelta:
    """Return the delay before the next attempt: doubled each time, minus up to a quarter.

    A hash of the row sets the fraction. So topics are spread out, and the result is reproducible.
    """
    delay = min(FIRST_PING_RETRY * (1 << ping.attempts), LONGEST_PING_RETRY)
    seed = f"{ping.hub}\n{ping.topic}\n{ping.attempts}".encode()
    fraction = int.from_bytes(hashlib.sha256(seed).digest()[:4], "big") / 2**32
    return delay - delay * fraction / 4


def _problems(failed: Mapping[tuple[str, str], list[str]]) -> list[str]:
    """Return one line per hub and response, whatever the number of topics."""
    lines = []
    for (hub, response), topics in failed.items():
        others = f" and {len(topics) - 1} more" if topics[1:] else ""
        lines.append(f"{hub}: could not be notified of {topics[0]}{others}: {response}")
    return lines


@dataclass(slots=True)
class _HubState:
    """The pings of one hub in one run."""

    waiting: deque[QueuedPing]
    in_flight: int = 0
    failures: int = 0
    has_responded: bool = False

    def may_start(self) -> bool:
        allowed = (
            MAX_CONCURRENT_PINGS if self.has_responded else MAX_HUB_FAILURES - self.failures
        )
        return bool(self.waiting) and self.in_flight < allowed


@dataclass(frozen=True, eq=False, slots=True)
class _InFlight:
    """A ping that is being sent; `deadline` is monotonic time."""

    hub: _HubState
    ping: QueuedPing
    deadline: float
    request: PublishRequest = field(default_factory=PublishRequest)


class _PingRun:
    """Send from threads; decide and write in the calling thread."""

    def __init__(
        self, database: Database, now: datetime, timeout: float, deadline: float
    ) -> None:
        self._database = database
        self._now = now
        self._timeout = timeout
        # A later one would not have its full timeout.
        self._last_start = deadline - timeout
        # In the order of their deadlines.
        self._in_flight: dict[_InFlight, None] = {}
        self._responses: SimpleQueue[tuple[_InFlight, HubResponse]] = SimpleQueue()
        # Topics by state, hub and response.
        self._outcomes: dict[tuple[str, str, str], list[str]] = {}

    def run(self, hubs: Sequence[_HubState]) -> None:
        self._start(hubs)
        while self._in_flight:
            sent, response = self._next_response()
            # A ping may still respond after its timeout, which has been recorded.
            if sent in self._in_flight:
                del self._in_flight[sent]
                self._settle(sent, response)
            self._start(hubs)
        self._log()

    def topics_in(self, state: str) -> dict[tuple[str, str], list[str]]:
        """Return the topics whose pings got into this state, by hub and response."""
        return {
            (hub, response): topics
            for (found, hub, response), topics in self._outcomes.items()
            if found == state
        }

    def _start(self, hubs: Sequence[_HubState]) -> None:
        """Start as many pings as allowed; the hub with the fewest in flight goes first."""
        while (
            len(self._in_flight) < MAX_CONCURRENT_PINGS and time.monotonic() <= self._last_start
        ):
            ready = [hub for hub in hubs if hub.may_start()]
            if not ready:
                return
            hub = min(ready, key=lambda one: one.in_flight)
            hub.in_flight += 1
            sent = _InFlight(hub, hub.waiting.popleft(), time.monotonic() + self._timeout)
            self._in_flight[sent] = None
            # A daemon, so that a thread that can't be aborted does not keep the process alive.
            threading.Thread(target=self._send, args=(sent,), daemon=True).start()

    def _send(self, sent: _InFlight) -> None:
        ping = sent.ping
        try:
            response = sent.request.send(ping.hub, ping.topic, self._timeout, self._now)
        except Exception as error:
            log.exception("a hub was not notified for a fault of the program")
            response = HubResponse(HubResult.UNREACHABLE, explain_fault(error))
        self._responses.put((sent, response))

    def _next_response(self) -> tuple[_InFlight, HubResponse]:
        """Wait for a response, or until the oldest ping times out."""
        oldest = next(iter(self._in_flight))
        try:
            return self._responses.get(timeout=max(oldest.deadline - time.monotonic(), 0))
        except Empty:
            oldest.request.abort()
            return oldest, timed_out(self._timeout)

    def _settle(self, sent: _InFlight, response: HubResponse) -> None:
        hub = sent.hub
        hub.in_flight -= 1
        if response.result is HubResult.UNREACHABLE:
            hub.failures += 1
        else:
            hub.has_responded = True
        changes = [(sent.ping, _after_response(sent.ping, response, self._now))]
        if hub.failures >= MAX_HUB_FAILURES or response.is_rate_limited:
            changes += [(ping, _postponed(ping, response, self._now)) for ping in hub.waiting]
            hub.waiting.clear()
        self._record(changes)

    def _record(self, changes: Iterable[tuple[QueuedPing, dict[str, Any]]]) -> None:
        """Update the rows, except those that a newer change of the feed has replaced."""
        with self._database.writing() as connection:
            recorded = [change for change in changes if update_ping(connection, *change)]
        for ping, values in recorded:
            outcome = (values["state"], printable_address(ping.hub), values["last_response"])
            self._outcomes.setdefault(outcome, []).append(ping.topic)

    def _log(self) -> None:
        """Log one line per hub and response, since a hub usually fails for all its topics."""
        for (state, hub, response), topics in self._outcomes.items():
            line = log.bind(hub=hub, response=response, topics=len(topics), first=topics[0])
            if state == "accepted":
                line.info("hub notified")
            elif state == "failed":
                line.error("hub not notified; given up until the feed changes again")
            else:
                line.warning("hub not notified; will be retried")
