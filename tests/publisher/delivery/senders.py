"""Senders without threads: each step of a process that delivers is taken by hand, in any order.

A sender is a clerk, a desk and couriers as `publisher.delivery.worker_pool` has them. It can be cut
off between any two steps, be left standing for as long as one likes, and go on afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from publisher.clock import Timer
from publisher.delivery.job import Job
from publisher.delivery.lease_holder import HeldLease, hold_lease
from publisher.delivery.ledger import counts, leases
from publisher.delivery.ledger.claims import Claim
from publisher.delivery.ledger.recheck import LedgerRecheck
from publisher.delivery.ledger_writer import LeaseLost, LedgerBatch, LedgerWriter
from publisher.delivery.outcomes import Outcome
from publisher.delivery.rates.limiter import RateLimiter
from publisher.delivery.transports.base import TransportConnection, Unreachable
from publisher.delivery.work_queue import WorkQueue
from publisher.delivery.worker import HAS_UNSUBSCRIBED
from publisher.delivery.worker_pool import FENCE
from publisher.testing import FakeTimer, MemoryTransport
from tests.publisher.conftest import House

COURIERS = 2


class HandClock:
    """The date, as a timer has it."""

    def __init__(self, timer: Timer) -> None:
        self._timer = timer

    def now(self) -> datetime:
        return datetime.fromtimestamp(int(self._timer.time()), UTC)


@dataclass
class Times:
    """The clock on the wall, which somebody may set, and the time that has really passed."""

    wall: FakeTimer
    passed: FakeTimer = field(default_factory=lambda: FakeTimer(0.0))

    def advance(self, seconds: float) -> None:
        self.wall.advance(seconds)
        self.passed.advance(seconds)


@dataclass
class Courier:
    """What a courier is about: nothing, a message that it took, or one whose fate it knows."""

    connection: TransportConnection | None = None
    claim: Claim | None = None
    outcome: Outcome | None = None


class RolledBackError(Exception):
    """A transaction that fails at its commit."""


class Sender:
    """One process that delivers."""

    def __init__(
        self,
        house: House,
        transport: MemoryTransport,
        jobs: Mapping[int, Job],
        times: Times,
        rates: RateLimiter | None = None,
    ) -> None:
        self._house = house
        self._transport = transport
        self._times = times
        self.jobs = jobs
        self._stack = ExitStack()
        self.place: HeldLease = self._stack.enter_context(
            hold_lease(house.settings, house.database, transport, times.wall)
        )
        self._fence = times.passed.time() + FENCE * leases.LEASE_SECONDS
        self.desk = WorkQueue(COURIERS, transport.prefetch)
        self.clerk = LedgerWriter(
            lease_id=self.place.id,
            transport=transport,
            jobs=jobs,
            queue=self.desk,
            limiter=rates or RateLimiter(house.settings.delivery, transport.name),
            clock=HandClock(times.wall),
            timer=times.wall,
            issues_with_sent=_issues_with_sent(house, jobs),
        )
        self.couriers = [Courier() for _ in range(COURIERS)]
        self._look = LedgerRecheck(house.database.path)
        self._stack.callback(self._look.close)

    @property
    def number(self) -> int:
        return self.place.id

    @property
    def fence_is_open(self) -> bool:
        return self._times.passed.time() < self._fence

    @property
    def is_done(self) -> bool:
        """Whether a run would end by itself now."""
        return self.clerk.is_done and self.desk.is_idle

    @property
    def hands(self) -> Iterator[Claim]:
        """Give what it was promised and what it knows the fate of, wherever that lies."""
        for place in self.desk._slots:
            yield from place.queue
            if place.current:
                yield place.current
        for claim, _outcome in (*self.desk._results, *self.clerk._results):
            yield claim
        yield from (*self.desk._returned, *self.clerk._returned)

    # --- the clerk

    @contextmanager
    def page(self, *, acts: bool = True) -> Iterator[LedgerBatch]:
        """Write a page, and act on it once it is committed; raises Fenced.

        What is raised within stands for a failure before the commit.
        """
        since = self._times.passed.time()
        self.clerk.drain()
        with self._house.database.writing() as connection:
            page = self.clerk.write(connection)
            yield page
        if acts:
            self._fence = since + FENCE * leases.LEASE_SECONDS
            self.clerk.after_commit(page)

    # --- the couriers

    def step(
        self, number: int, hand_over: Callable[[Claim, TransportConnection], Outcome]
    ) -> None:
        """Take a courier one step on: it connects, takes, hands over, or reports."""
        courier = self.couriers[number]
        if courier.connection is None:
            courier.connection = self._transport.connect(
                self.number, lambda: self.fence_is_open
            )
            self.desk.connected(number)
        elif courier.outcome is not None:
            self.desk.finish(number, courier.outcome, 0.0)
            courier.claim = courier.outcome = None
        elif courier.claim is not None:
            courier.outcome = hand_over(courier.claim, courier.connection)
        elif self.desk.peek(number):
            self._take(number)

    def _take(self, number: int) -> None:
        claim = self.desk.take(number)
        assert claim is not None
        wanted = self._look(claim)
        if wanted is None:
            self.desk.return_current(number)
        elif not wanted:
            self.desk.finish(number, HAS_UNSUBSCRIBED, 0.0)
        else:
            self.couriers[number].claim = claim

    def hang_up(self, number: int) -> None:
        """Lose a courier's connection, before what it took was begun."""
        courier = self.couriers[number]
        if courier.connection and not courier.outcome:
            courier.connection.close()
            courier.connection = courier.claim = None
            self.desk.disconnected(number, Unreachable("the line is dead"))

    # --- the end

    def crash(self) -> None:
        """Be killed: the kernel frees the lock, and nobody hears anything more."""
        self._stack.close()

    def end(self, hand_over: Callable[[Claim, TransportConnection], Outcome]) -> None:
        """End as a run does: what was begun is ended and written down, the rest given back."""
        has_ended = self.is_done
        self.desk.close()
        for number, courier in enumerate(self.couriers):
            while courier.claim:
                self.step(number, hand_over)
        self.clerk.drain()
        with self._house.database.writing() as connection:
            page = self.clerk.write_last(connection, ran_to_end=has_ended, all_stopped=True)
            leases.release_lease(connection, self.number)
        self.place.is_released = True
        self.clerk.after_commit(page)
        self._stack.close()


def _issues_with_sent(house: House, jobs: Mapping[int, Job]) -> set[int]:
    with house.database.reading() as connection:
        return counts.issues_with_sent(connection, jobs)


__all__ = ["COURIERS", "HandClock", "LeaseLost", "RolledBackError", "Sender", "Times"]
