"""Telling WebSub hubs which feeds have changed: one ping per feed and hub, until it is taken.

A change is noted in the transaction that records the files as written, and told after it; so a
kill in between costs a ping that is sent twice, never one that is not sent. The network is used in
threads, the database in the thread that called. A ping that failed is tried again, ever more
seldom, for about a day; the feed's next change asks the hub anew in any case.

Knows addresses only: not what feeds hold, nor what is said to a hub (`hubs`).
"""

from __future__ import annotations

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

from publisher.database import Database
from publisher.syndication import websub_queue
from publisher.syndication.websub_client import (
    HubResponse,
    HubResult,
    PublishRequest,
    printable_address,
    timed_out,
)

log = structlog.get_logger()

# More at once would look like an attack to a small hub.
MAX_CONCURRENT_PINGS = 8
# A hub that can't be reached twice is not tried with its other topics in this turn.
MAX_HUB_FAILURES = 2
# Seconds. A turn is part of a cycle, which has more to do.
TOTAL_SECONDS = 20.0
# Seconds for one ping, redirect and all; some hubs look at the feed before they answer.
PING_TIMEOUT = 8.0
# Topics of one hub in one turn.
TOPICS_PER_HUB = 200

FIRST_PING_RETRY = timedelta(minutes=1)
LONGEST_PING_RETRY = timedelta(hours=6)
# The last of these is made about 23 hours after the first. Attempts are counted, not hours, so
# that a night in which the program does not run gives up nothing.
MAX_PING_ATTEMPTS = 13


@dataclass(frozen=True, slots=True)
class HubReport:
    """What a turn came to: pings taken, pings given up, pings that wait for a later turn."""

    told: int = 0
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
    turn: float = TOTAL_SECONDS,
) -> HubReport:
    """Send the pings that are due: at most `limit` topics of each hub.

    `timeout` and `turn` are seconds, for one ping and for all of them; what was not reached when
    the turn is over stays as it is. Rows of hubs other than `hubs` are dropped.
    """
    websub_queue.drop_pings_to_other_hubs(database, hubs)
    with database.reading() as connection:
        due = [
            _Hub(deque(websub_queue.due_pings(connection, hub, now, limit)))
            for hub in dict.fromkeys(hubs)
        ]
    run = _Turn(database, now, timeout, time.monotonic() + turn)
    run.run(due)
    with database.reading() as connection:
        left = websub_queue.count_waiting_pings(connection)
    return HubReport(run.told, sum(map(len, run.lost.values())), left, _problems(run.lost))


def _after(row: websub_queue.QueuedPing, answer: HubResponse, now: datetime) -> dict[str, Any]:
    """Decide what a ping's row says after an answer."""
    tried = {"state": "pending", "attempts": row.attempts + 1, "answer": answer.words}
    if answer.verdict is HubResult.TOLD:
        return tried | {"state": "told", "told_at": now}
    if answer.verdict is HubResult.REFUSED:
        return tried | {"state": "failed"}
    if row.attempts + 1 >= MAX_PING_ATTEMPTS:
        words = f"given up after {MAX_PING_ATTEMPTS} attempts; the last: {answer.words}"
        return tried | {"state": "failed", "answer": words}
    return tried | {"due_at": now + max(_back_off(row), answer.wait)}


def _put_off(
    row: websub_queue.QueuedPing, answer: HubResponse, now: datetime
) -> dict[str, Any]:
    """Decide about a ping that is not tried because of what came of another.

    A hub that can't be reached has failed them all. One that asks for time has failed none.
    """
    if not answer.crowded:
        return _after(row, answer, now)
    until = now + max(answer.wait, FIRST_PING_RETRY)
    return {"state": "pending", "due_at": until, "answer": f"put off: {answer.words}"}


def _back_off(row: websub_queue.QueuedPing) -> timedelta:
    """Give how long to wait: double each time, less up to a quarter.

    The quarter is drawn from the row: topics spread out, and the instant can be foretold.
    """
    wait = min(FIRST_PING_RETRY * (1 << row.attempts), LONGEST_PING_RETRY)
    seed = f"{row.hub}\n{row.topic}\n{row.attempts}".encode()
    part = int.from_bytes(hashlib.sha256(seed).digest()[:4], "big") / 2**32
    return wait - wait * part / 4


def _problems(lost: Mapping[tuple[str, str], list[str]]) -> list[str]:
    """Write a line per hub and answer, however many topics it is about."""
    lines = []
    for (hub, answer), topics in lost.items():
        others = f" and {len(topics) - 1} more" if topics[1:] else ""
        lines.append(f"{hub}: could not be told of {topics[0]}{others}: {answer}")
    return lines


@dataclass(slots=True)
class _Hub:
    """How one hub fares in one turn."""

    waiting: deque[websub_queue.QueuedPing]
    flying: int = 0
    failures: int = 0
    answered: bool = False

    def has_room(self) -> bool:
        allowed = MAX_CONCURRENT_PINGS if self.answered else MAX_HUB_FAILURES - self.failures
        return bool(self.waiting) and self.flying < allowed


@dataclass(frozen=True, eq=False, slots=True)
class _Flight:
    """One ping under way, and when its time is over."""

    hub: _Hub
    row: websub_queue.QueuedPing
    ends: float
    call: PublishRequest = field(default_factory=PublishRequest)


class _Turn:
    """Sends from threads; decides and writes in the thread that runs it."""

    def __init__(self, database: Database, now: datetime, timeout: float, ends: float) -> None:
        self._database = database
        self._now = now
        self._timeout = timeout
        # Later ones would not have their whole time.
        self._last_start = ends - timeout
        # In the order in which their time is over.
        self._flying: dict[_Flight, None] = {}
        self._answers: SimpleQueue[tuple[_Flight, HubResponse]] = SimpleQueue()
        # The topics of each state, hub and answer.
        self._outcomes: dict[tuple[str, str, str], list[str]] = {}

    def run(self, hubs: Sequence[_Hub]) -> None:
        self._start(hubs)
        while self._flying:
            flight, answer = self._next()
            # One that was cut may still answer; what was recorded then holds.
            if flight in self._flying:
                del self._flying[flight]
                self._settle(flight, answer)
            self._start(hubs)
        self._say()

    def _start(self, hubs: Sequence[_Hub]) -> None:
        """Start what may be, the hub with the fewest under way first."""
        while len(self._flying) < MAX_CONCURRENT_PINGS and time.monotonic() <= self._last_start:
            ready = [hub for hub in hubs if hub.has_room()]
            if not ready:
                return
            hub = min(ready, key=lambda one: one.flying)
            hub.flying += 1
            flight = _Flight(hub, hub.waiting.popleft(), time.monotonic() + self._timeout)
            self._flying[flight] = None
            # A daemon: one that is stuck where it can't be cut must not keep the program alive.
            threading.Thread(target=self._send, args=(flight,), daemon=True).start()

    def _send(self, flight: _Flight) -> None:
        row = flight.row
        answer = flight.call.tell(row.hub, row.topic, self._timeout, self._now)
        self._answers.put((flight, answer))

    def _next(self) -> tuple[_Flight, HubResponse]:
        """Wait for an answer, or until the time of the oldest ping is over."""
        oldest = next(iter(self._flying))
        try:
            return self._answers.get(timeout=max(oldest.ends - time.monotonic(), 0))
        except Empty:
            oldest.call.cut()
            return oldest, timed_out(self._timeout)

    def _settle(self, flight: _Flight, answer: HubResponse) -> None:
        hub = flight.hub
        hub.flying -= 1
        if answer.verdict is HubResult.UNREACHED:
            hub.failures += 1
        else:
            hub.answered = True
        changes = [(flight.row, _after(flight.row, answer, self._now))]
        if hub.failures >= MAX_HUB_FAILURES or answer.crowded:
            changes += [(row, _put_off(row, answer, self._now)) for row in hub.waiting]
            hub.waiting.clear()
        self._record(changes)

    def _record(
        self, changes: Iterable[tuple[websub_queue.QueuedPing, dict[str, Any]]]
    ) -> None:
        """Write rows that are still as they were read; a newer change of a feed stands."""
        with self._database.writing() as connection:
            kept = [
                change for change in changes if websub_queue.update_ping(connection, *change)
            ]
        for row, values in kept:
            self._count(row, values)

    def _count(self, row: websub_queue.QueuedPing, values: Mapping[str, Any]) -> None:
        outcome = (values["state"], printable_address(row.hub), values["answer"])
        self._outcomes.setdefault(outcome, []).append(row.topic)

    @property
    def told(self) -> int:
        """How many pings were taken."""
        return sum(
            len(topics) for (state, *_), topics in self._outcomes.items() if state == "told"
        )

    @property
    def lost(self) -> dict[tuple[str, str], list[str]]:
        """The topics that were given up, by hub and answer."""
        return {
            (hub, answer): topics
            for (state, hub, answer), topics in self._outcomes.items()
            if state == "failed"
        }

    def _say(self) -> None:
        """Log a line per hub and answer: a hub that is away is away for all its topics."""
        for (state, hub, answer), topics in self._outcomes.items():
            line = log.bind(hub=hub, answer=answer, topics=len(topics), first=topics[0])
            if state == "told":
                line.info("hub told")
            elif state == "failed":
                line.error("hub not told")
            else:
                line.warning("hub to be told later")
