"""Notify WebSub hubs of changed feeds: one ping per feed and hub, retried until it is accepted.

The retry queue says which hub has to be notified of which topic. The transaction that records a feed's files as
written also queues its pings. So a killed process may send a ping twice, but never loses one. Failed pings are
retried with increasing delays for about a day. The next change of the feed queues a new ping in any case.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import structlog
from sqlalchemy import Connection, delete, func, select

from publisher.database import Database, retry_queue
from publisher.database.retry_queue import (
    FAILED,
    QueueItem,
    QueuePolicy,
    Settlement,
    queue_item,
)
from publisher.syndication import websub_client
from publisher.webhooks.targets import TargetRun

log = structlog.get_logger()

# Requests at the same time, to all hubs together.
MAX_CONCURRENT_PINGS = 8
# Connection errors of a hub in one run.
MAX_HUB_FAILURES = 2
# For all pings of one run, since the cycle has other work to do.
TOTAL_SECONDS = 20.0
# In seconds, for one ping with its redirect. Some hubs fetch the feed before they respond.
PING_TIMEOUT = 8.0
# In one run.
TOPICS_PER_HUB = 200

# The last attempt comes about 23 hours after the first. Attempts are counted, not hours, so that
# no ping is given up while the program is not running.
MAX_PING_ATTEMPTS = 13
_KIND = "websub"
_ACCEPTED = "accepted"
PING_POLICY = QueuePolicy(
    kinds=(_KIND,),
    delays=[timedelta(minutes=min(2**number, 360)) for number in range(MAX_PING_ATTEMPTS - 1)],
    # Topics are spread out.
    jitter=-0.25,
    most_attempts=MAX_PING_ATTEMPTS,
    # Longer than a run.
    lease=timedelta(minutes=1),
)
_c = queue_item.c
_IS_PING = _c.kind == _KIND


def enqueue_pings(
    connection: Connection, hubs: Sequence[str], topics: Sequence[str], now: datetime
) -> None:
    """Queue a ping of each hub for each topic (the address of a feed).

    Call it in the transaction that records the feed as written. A topic that is pending already
    gets no second ping; its ping starts again and is due now.
    """
    for hub in dict.fromkeys(hubs):
        for topic in dict.fromkeys(topics):
            key = f"{hub} {topic}"
            retry_queue.enqueue(
                connection, _KIND, {"topic": topic}, now, key=key, target=hub, renews=True
            )


def count_waiting_pings(connection: Connection) -> int:
    query = select(func.count()).select_from(queue_item)
    return connection.execute(query.where(_IS_PING, _c.next_at.is_not(None))).scalar_one()


def failed_pings(connection: Connection) -> list[tuple[str, str, str]]:
    """Return the pings that were given up: printable hub, topic, last response."""
    query = select(queue_item).where(_IS_PING, _c.state == FAILED)
    return [
        (websub_client.printable_address(item.target), _topic(item), item.reason or "")
        for item in retry_queue.load_items(connection, query.order_by(_c.key))
    ]


def _topic(item: QueueItem) -> str:
    return str(item.payload["topic"])


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
    # A ping that begins later would not have its full timeout.
    last_start = time.monotonic() + total - timeout
    run = _PingRun(database, lambda: now, time.monotonic, last_start, timeout)
    run.run(_reserve(database, hubs, now, limit))
    run.log()
    with database.reading() as connection:
        waiting = count_waiting_pings(connection)
    counts = Counter[str]()
    for (state, _hub, _response), topics in run.outcomes.items():
        counts[state] += len(topics)
    return HubReport(counts[_ACCEPTED], counts[FAILED], waiting, _problems(run.outcomes))


def _reserve(
    database: Database, hubs: Sequence[str], now: datetime, limit: int
) -> list[QueueItem]:
    others = _IS_PING & _c.target.not_in(hubs)
    with database.reading() as connection:
        has_others = connection.execute(select(_c.id).where(others).limit(1)).first()
        # Usually there is nothing to do, and no write transaction is needed.
        if not has_others and not retry_queue.has_work(connection, PING_POLICY, now):
            return []
    with database.writing() as connection:
        connection.execute(delete(queue_item).where(others))
        return retry_queue.reserve_by_target(connection, PING_POLICY, now, limit)


def _problems(outcomes: Mapping[tuple[str, str, str], list[str]]) -> list[str]:
    """Return one line per hub and response, whatever the number of topics."""
    return [
        f"{hub}: could not be notified of {topics[0]}"
        + (f" and {len(topics) - 1} more" if topics[1:] else "")
        + f": {response}"
        for (state, hub, response), topics in outcomes.items()
        if state == FAILED
    ]


@dataclass
class _PingRun(TargetRun):
    """One run: two pings of a hub until it has answered, then more at the same time."""

    timeout: float
    # Topics by state, hub and response.
    outcomes: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)
    # A small hub might take more for an attack.
    threads = width = MAX_CONCURRENT_PINGS
    # The other topics of a hub that can't be reached wait for a later run.
    probes = MAX_HUB_FAILURES

    @property
    def patience(self) -> float:
        # The names of the hub, and of where it redirects to, are looked up besides.
        return 2 * self.timeout

    def send(self, item: QueueItem) -> websub_client.HubResponse:
        return websub_client.PublishRequest().send(
            item.target, _topic(item), self.timeout, self.now()
        )

    def answer_of_fault(self, item: QueueItem, why: str) -> websub_client.HubResponse:  # noqa: ARG002  # it is logged
        return websub_client.HubResponse(websub_client.HubResult.UNREACHABLE, why)

    def late_answer(self) -> websub_client.HubResponse:
        return websub_client.ping_timed_out(self.timeout)

    def settlement(
        self, item: QueueItem, answer: websub_client.HubResponse, now: datetime
    ) -> Settlement:
        if answer.result is websub_client.HubResult.ACCEPTED:
            return Settlement(_ACCEPTED, reason=answer.text)
        if answer.result is websub_client.HubResult.REJECTED:
            return Settlement(FAILED, reason=answer.text)
        next_at = retry_queue.next_attempt(PING_POLICY, item, now, answer.retry_after)
        if next_at is None:
            text = f"given up after {MAX_PING_ATTEMPTS} attempts; the last: {answer.text}"
            return Settlement(FAILED, reason=text)
        return Settlement(retry_queue.DEFERRED, next_at, reason=answer.text)

    def effect(
        self, answer: websub_client.HubResponse
    ) -> Literal["answered", "silent", "stop"]:
        if answer.result is websub_client.HubResult.UNREACHABLE:
            return "silent"
        return "stop" if answer.is_rate_limited else "answered"

    def put_back(
        self, items: Sequence[QueueItem], answer: websub_client.HubResponse | None
    ) -> None:
        # If the hub can't be reached, this counts as an attempt; if it limits the rate, it doesn't.
        if answer is None:
            super().put_back(items, answer)
        elif not answer.is_rate_limited:
            self.record(items, answer)
        else:
            until = self.now() + max(answer.retry_after, PING_POLICY.delays[0])
            reason = f"put off: {answer.text}"
            with self.database.writing() as connection:
                for item in items:
                    retry_queue.release(connection, item, self.now(), until, reason)
                    self._keep(item, retry_queue.DEFERRED, reason)

    def note(
        self,
        connection: Connection,  # noqa: ARG002  # nothing is stored
        item: QueueItem,
        answer: websub_client.HubResponse,
        settlement: Settlement,
    ) -> None:
        self._keep(item, settlement.state, settlement.reason or answer.text)

    def _keep(self, item: QueueItem, state: str, reason: str) -> None:
        outcome = state, websub_client.printable_address(item.target), reason
        self.outcomes.setdefault(outcome, []).append(_topic(item))

    def log(self) -> None:
        """Log one line per hub and response, since a hub usually fails for all its topics."""
        for (state, hub, response), topics in self.outcomes.items():
            line = log.bind(hub=hub, response=response, topics=len(topics), first=topics[0])
            if state == _ACCEPTED:
                line.info("hub notified")
            elif state == FAILED:
                line.error("hub not notified; given up until the feed changes again")
            else:
                line.warning("hub not notified; will be retried")
