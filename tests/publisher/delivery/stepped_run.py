"""Runs without threads: each step of a process that delivers is made by hand, in any order.

A run has a ledger writer, a work queue and workers, as in `publisher.delivery.worker_pool`. It
can be cut off between any two steps, be left standing for as long as one likes, and go on afterwards.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from publisher.clock import Timer
from publisher.delivery.job import Job
from publisher.delivery.lease_holder import HeldLease, hold_lease
from publisher.delivery.ledger import leases, lifecycle
from publisher.delivery.ledger.claims import Claim, LedgerRecheck
from publisher.delivery.ledger_writer import (
    CircuitBreaker,
    LeaseLost,
    LedgerBatch,
    LedgerWriter,
)
from publisher.delivery.lineage.quarantine import AgeCheck
from publisher.delivery.lineage.witness import open_witness
from publisher.delivery.queues import WorkQueue
from publisher.delivery.rates.limiter import RateLimiter
from publisher.delivery.transports.base import Outcome, TransportConnection, Unreachable
from publisher.delivery.worker_pool import _UNSUBSCRIBED, FENCE
from publisher.testing import FakeTimer, MemoryTransport
from tests.publisher.conftest import PublicationFolder

WORKERS = 2


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
class StepWorker:
    """A worker's state: idle, with a row, or with a row and its outcome."""

    connection: TransportConnection | None = None
    claim: Claim | None = None
    outcome: Outcome | None = None


class RolledBackError(Exception):
    """A transaction that fails at its commit."""


class SteppedRun:
    """One process that delivers."""

    def __init__(
        self,
        publication: PublicationFolder,
        transport: MemoryTransport,
        jobs: Mapping[int, Job],
        times: Times,
        rates: RateLimiter | None = None,
    ) -> None:
        self._publication = publication
        self._transport = transport
        self._times = times
        self.jobs = jobs
        self._stack = ExitStack()
        self.place: HeldLease = self._stack.enter_context(
            hold_lease(publication.settings, publication.database, transport, times.wall)
        )
        self._fence = times.passed.time() + FENCE * leases.LEASE_SECONDS
        self.queue = WorkQueue(WORKERS, transport.prefetch)
        self.writer = LedgerWriter(
            lease_id=self.place.id,
            transport=transport,
            jobs=jobs,
            queue=self.queue,
            limiter=rates or RateLimiter(publication.settings.delivery, transport.name),
            witness=open_witness(publication.settings),
            is_old=AgeCheck(publication.settings, publication.database),
            clock=HandClock(times.wall),
            timer=times.wall,
            breaker=_breaker(publication, jobs),
        )
        self.workers = [StepWorker() for _ in range(WORKERS)]
        self._look = LedgerRecheck(publication.database, HandClock(times.wall))
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
        return self.writer.is_done and self.queue.is_idle

    @property
    def hands(self) -> Iterator[Claim]:
        """Return all rows that this process holds, with or without an outcome."""
        for place in self.queue._slots:
            yield from place.queue
            if place.current:
                yield place.current
        for claim, _outcome in (*self.queue._results, *self.writer._results):
            yield claim
        yield from (*self.queue._returned, *self.writer._returned)

    # --- the writer

    @contextmanager
    def batch(self, *, acts: bool = True) -> Iterator[LedgerBatch]:
        """Write a batch and apply it once it is committed. Raises LeaseLost.

        What is raised within stands for a failure before the commit.
        """
        since = self._times.passed.time()
        self.writer.drain()
        with self._publication.database.writing() as connection:
            batch = self.writer.write(connection)
            yield batch
        if acts:
            self._fence = since + FENCE * leases.LEASE_SECONDS
            self.writer.after_commit(batch)

    # --- the workers

    def step(
        self, number: int, hand_over: Callable[[Claim, TransportConnection], Outcome]
    ) -> None:
        """Let a worker make one step: connect, take, send, or finish."""
        worker_number = self.workers[number]
        if worker_number.connection is None:
            worker_number.connection = self._transport.connect(
                self.number, lambda: self.fence_is_open
            )
            self.queue.connected(number)
        elif worker_number.outcome is not None:
            self.queue.finish(number, worker_number.outcome, 0.0)
            worker_number.claim = worker_number.outcome = None
        elif worker_number.claim is not None:
            worker_number.outcome = hand_over(worker_number.claim, worker_number.connection)
        elif self.queue.peek(number):
            self._take(number)

    def _take(self, number: int) -> None:
        claim = self.queue.take(number)
        assert claim is not None
        wanted = self._look(claim)
        if wanted is None:
            self.queue.return_current(number)
        elif not wanted:
            self.queue.finish(number, _UNSUBSCRIBED, 0.0)
        else:
            self.workers[number].claim = claim

    def hang_up(self, number: int) -> None:
        """Lose a worker's connection before its message was begun."""
        worker_number = self.workers[number]
        if worker_number.connection and not worker_number.outcome:
            worker_number.connection.close()
            worker_number.connection = worker_number.claim = None
            self.queue.disconnected(number, Unreachable("the line is dead"))

    # --- the end

    def crash(self) -> None:
        """Be killed: the kernel frees the lock, and nothing is written any more."""
        self._stack.close()

    def end(self, hand_over: Callable[[Claim, TransportConnection], Outcome]) -> None:
        """End as a run does: messages under way are finished and recorded, the rest is released."""
        has_ended = self.is_done
        self.queue.close()
        for number, worker_number in enumerate(self.workers):
            while worker_number.claim:
                self.step(number, hand_over)
        self.writer.drain()
        with self._publication.database.writing() as connection:
            batch = self.writer.write_last(connection, ran_to_end=has_ended, all_stopped=True)
            leases.release_lease(connection, self.number)
        self.place.is_released = True
        self.writer.after_commit(batch)
        self._stack.close()


def _breaker(publication: PublicationFolder, jobs: Mapping[int, Job]) -> CircuitBreaker:
    with publication.database.reading() as connection:
        return CircuitBreaker(lifecycle.issues_with_sent(connection, jobs))


__all__ = ["WORKERS", "HandClock", "LeaseLost", "RolledBackError", "SteppedRun", "Times"]
