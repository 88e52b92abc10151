"""Decide which recipients are next, and which worker gets whom; the queues between the ledger and the workers.

Rows of each issue are claimed in turn, pass the rate limits, are reserved (`attempting`) and distributed, in the
caller's transaction. The result, an Allocation, takes effect in `commit`, after it: if it fails, nothing has changed.
A worker's queue is as short as its speed allows, because everything in it is in doubt after a crash.
"""

import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil
from random import Random
from time import monotonic
from typing import Self

from sqlalchemy import Connection

from publisher.clock import Clock, Timer
from publisher.delivery.ledger import attempts, claims
from publisher.delivery.ledger.claims import Claim
from publisher.delivery.rates.limiter import RateLimiter
from publisher.delivery.states import DeliveryState
from publisher.delivery.transports.base import ANSWERS, Outcome, Unreachable
from publisher.log import log

# A run waits this long for a rate limit. What takes longer is left to a later run.
MAX_RATE_WAIT = timedelta(minutes=1)
CLAIM_SIZE = 500  # rows claimed at a time: their addresses are read with one query
# Claims per allocation: where one domain's rate holds back most recipients, others are found.
_CLAIMS_PER_ALLOCATION = 4
RESERVE_ROUNDS = 4  # tries to fill the demand: recipients who unsubscribed leave gaps
# Share of each batch that is reserved for deferred recipients whose retry time has passed.
OVERDUE_SHARE = 0.2


@dataclass(slots=True)
class Allocation:
    """What one transaction reserved and learned; what it learned is where the next one begins."""

    rows: dict[int, list[Claim]] = field(default_factory=dict)  # reserved rows, by worker
    claimed: deque[Claim] = field(default_factory=deque)  # those that are not reserved yet
    # Seconds until the transport's rate allows more, if that is the limit.
    rate_wait: float | None = None
    # What recipients wait for, for people: the transport's rate, and those of domains, in order.
    transport_limit: str = ""
    domain_limits: dict[str, None] = field(default_factory=dict)
    # Whether nothing more can be claimed now, and when a postponed row can be.
    is_drained: bool = False
    next_due: datetime | None = None
    # The instants to which rate limits have postponed deferred rows.
    retries: set[datetime] = field(default_factory=set)

    def next(self) -> Self:
        """Return a copy for the next transaction, which has reserved nothing yet."""
        return replace(
            self,
            rows={},
            claimed=self.claimed.copy(),
            rate_wait=None,
            domain_limits=self.domain_limits.copy(),
            retries=self.retries.copy(),
        )


@dataclass(slots=True)
class FairQueue:
    """The order of one run's rows. For one thread."""

    lease_id: int
    issues: Sequence[int]
    limiter: RateLimiter
    clock: Clock
    timer: Timer
    _turns: deque[int] = field(init=False)
    # Mixes recipients, guards nothing.
    _random: Random = field(init=False, default_factory=Random)
    # That of the last transaction which was committed.
    _last: Allocation = field(init=False, default_factory=Allocation)
    # Until then the transport's own rate allows nothing.
    _transport_opens_at: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._turns = deque(self.issues)

    @property
    def may_have_rows(self) -> bool:
        next_due = self._last.next_due
        is_due = next_due is not None and next_due <= self.clock.now()
        return (not self._last.is_drained or is_due) and self.rate_wait == 0

    @property
    def is_done(self) -> bool:
        if self.rate_wait > MAX_RATE_WAIT.total_seconds():
            return True
        next_due = self._last.next_due
        is_due_soon = next_due and next_due <= self.clock.now() + MAX_RATE_WAIT
        return self._last.is_drained and not (self._last.claimed or is_due_soon)

    @property
    def is_empty(self) -> bool:
        """Whether no recipient waits here, be it for a rate or for a turn."""
        waits = self._last.claimed or self._last.next_due or self.rate_wait
        return self._last.is_drained and not waits

    @property
    def rate_wait(self) -> float:
        """Seconds until the transport's rate allows more; 0 if it does now."""
        return max(0.0, self._transport_opens_at - self.timer.time())

    @property
    def waiting_for(self) -> tuple[str, ...]:
        domain_limits = self._last.domain_limits if self._last.next_due else ()
        return (*domain_limits, *([self._last.transport_limit] if self.rate_wait else []))

    def allocate(
        self, connection: Connection, demand: Mapping[int, int], now: datetime
    ) -> Allocation:
        allocation = self._last.next()
        reserved = self._reserve(connection, sum(demand.values()), now, allocation)
        allocation.rows = round_robin(reserved, demand)
        return allocation

    def commit(self, allocation: Allocation, *, rows_returned: bool) -> None:
        """Apply an allocation after its commit. `rows_returned`: the transaction also made rows claimable again."""
        allocation.is_drained = allocation.is_drained and not rows_returned
        self._last = allocation
        self._transport_opens_at = self.timer.time() + (allocation.rate_wait or 0.0)

    def release(self, connection: Connection, now: datetime) -> None:
        claims.release_claims(connection, self._last.claimed, now)

    def _reserve(
        self, connection: Connection, count: int, now: datetime, allocation: Allocation
    ) -> list[Claim]:
        reserved: list[Claim] = []
        for _ in range(RESERVE_ROUNDS):
            chosen = self._choose(connection, count - len(reserved), now, allocation)
            if not chosen:
                break
            marked, unsubscribed = attempts.begin_attempts(connection, chosen, now)
            reserved += marked
            if unused := len(chosen) - len(marked):
                self.limiter.refund_quota(connection, unused, self.timer.time())
            if unsubscribed:
                log.info("recipients unsubscribed", count=unsubscribed)
        return reserved

    def _choose(
        self, connection: Connection, count: int, now: datetime, allocation: Allocation
    ) -> list[Claim]:
        chosen: list[Claim] = []
        claims_left = _CLAIMS_PER_ALLOCATION
        while len(chosen) < count and allocation.rate_wait is None:
            if not allocation.claimed and claims_left:
                claims_left -= 1
                allocation.claimed.extend(self._claim(connection, now, allocation))
            if not allocation.claimed:
                break
            size = min(count - len(chosen), len(allocation.claimed))
            some = [allocation.claimed.popleft() for _ in range(size)]
            chosen += self._apply_rates(connection, some, now, allocation)
        return chosen

    def _apply_rates(
        self,
        connection: Connection,
        some: Sequence[Claim],
        now: datetime,
        allocation: Allocation,
    ) -> list[Claim]:
        domains = [one.domain for one in some]
        grant = self.limiter.grant(connection, domains, self.timer.time())
        if grant.postponed:
            instants = {
                some[number]: now + timedelta(seconds=ceil(wait))
                for number, wait in grant.postponed.items()
            }
            claims.postpone_claims(connection, instants, now)
            allocation.retries.update(
                at for one, at in instants.items() if one.was is DeliveryState.DEFERRED
            )
        allocation.claimed.extendleft(some[number] for number in reversed(grant.held))
        allocation.rate_wait = grant.transport_wait
        domain_limits = [*grant.reasons]
        if grant.transport_wait is not None:
            # The transport's own is the last one.
            allocation.transport_limit = domain_limits.pop()
        allocation.domain_limits |= dict.fromkeys(domain_limits)
        return [some[number] for number in grant.allowed]

    def _claim(
        self, connection: Connection, now: datetime, allocation: Allocation
    ) -> list[Claim]:
        """Claim rows from the next issue that has any due; issues take turns."""
        allocation.is_drained = False
        for _ in range(len(self._turns)):
            issue_id = self._turns[0]
            self._turns.rotate(-1)
            if claimed := self._claim_from(connection, issue_id, now):
                return claimed
        allocation.is_drained = True
        # What is deferred for other reasons is left to a later run.
        allocation.retries = {at for at in allocation.retries if at > now}
        waiting = claims.next_due_at(connection, self.issues)
        allocation.next_due = min(filter(None, (waiting, *allocation.retries)), default=None)
        return []

    def _claim_from(self, connection: Connection, issue_id: int, now: datetime) -> list[Claim]:
        most = int(CLAIM_SIZE * OVERDUE_SHARE)
        overdue = claims.claim_overdue(connection, issue_id, self.lease_id, now, most)
        most = CLAIM_SIZE - len(overdue)
        others = claims.claim(connection, issue_id, self.lease_id, now, most)
        return interleave(overdue, others, OVERDUE_SHARE, self._random)


def interleave(
    first: Sequence[Claim], second: Sequence[Claim], share: float, random: Random
) -> list[Claim]:
    """Merge two queues in random order; `share` is the first one's. Each keeps its order."""
    one, other, both = deque(first), deque(second), list[Claim]()
    while one and other:
        both.append((one if random.random() < share else other).popleft())
    return [*both, *one, *other]


def round_robin(reserved: Sequence[Claim], demand: Mapping[int, int]) -> dict[int, list[Claim]]:
    """Distribute rows over workers in turn, up to the demand of each."""
    rows: dict[int, list[Claim]] = {number: [] for number in demand}
    hungry = deque(demand)
    for claim in reserved:
        number = hungry[0]
        rows[number].append(claim)
        hungry.rotate(-1)
        if len(rows[number]) >= demand[number]:
            hungry.remove(number)
    return {number: some for number, some in rows.items() if some}


_PREFETCH_SECONDS = 0.1  # how many seconds of work a worker may hold in advance
# Seconds after which results are committed even if no worker needs rows: they share a commit.
_COMMIT_DELAY = 0.05
# A worker needs three rows to send without a pause: the one it sends, the next one, whose commands
# go out with the end of this one, and the last one, which is reserved until its result is committed.
_LEAST_ROWS = 3
_SMOOTHING = 0.2  # the weight of the last message in the moving average of a worker's speed

SendResult = tuple[Claim, Outcome]


@dataclass(slots=True)
class WorkerSlot:
    """One worker's queue, its current row and its last connection error."""

    wake: threading.Condition
    queue: deque[Claim] = field(default_factory=deque)
    current: Claim | None = None
    # Rows that it finished or returned since the last drain: the ledger still has them reserved.
    undrained: int = 0
    is_connected: bool = False
    # Moving average of the seconds that a message takes. None before the first one.
    seconds_per_message: float | None = None
    failures: int = 0
    error: Unreachable | None = None

    def prefetch_limit(self, most: int) -> int:
        """Return how many rows this worker may reserve. More than three once its speed is known."""
        if self.seconds_per_message is None:
            return min(most, _LEAST_ROWS)
        if not self.seconds_per_message:
            return most
        return min(most, max(_LEAST_ROWS, int(_PREFETCH_SECONDS / self.seconds_per_message)))

    @property
    def reserved(self) -> int:
        return len(self.queue) + (self.current is not None) + self.undrained

    def empty(self) -> list[Claim]:
        unfinished = ([self.current] if self.current else []) + list(self.queue)
        self.undrained += len(unfinished)
        self.current = None
        self.queue.clear()
        return unfinished


class WorkQueue:
    """The queues of all workers. The first methods are the workers', the others the writer's."""

    def __init__(self, workers: int, prefetch: int) -> None:
        lock = threading.Lock()
        self._writer = threading.Condition(lock)
        self._slots = [WorkerSlot(threading.Condition(lock)) for _ in range(workers)]
        self._prefetch = prefetch
        self._results: list[SendResult] = []
        self._first_result = 0.0
        self._returned: list[Claim] = []
        self._needs_writer = False
        self._closed = False
        self._fault: BaseException | None = None

    # --- for workers

    def connected(self, worker: int) -> None:
        with self._writer:
            self._slots[worker].is_connected = True
            self._notify_writer()

    def take(self, worker: int) -> Claim | None:
        """Wait for the next row. Returns None when the queue is closed."""
        slot = self._slots[worker]
        with self._writer:
            while not slot.queue and not self._closed:
                self._notify_writer()
                slot.wake.wait()
            if self._closed:
                return None
            slot.current = slot.queue.popleft()
            if 2 * len(slot.queue) < slot.prefetch_limit(self._prefetch):
                self._notify_writer()
            return slot.current

    def peek(self, worker: int) -> Claim | None:
        slot = self._slots[worker]
        with self._writer:
            return slot.queue[0] if slot.queue and not self._closed else None

    def finish(self, worker: int, outcome: Outcome, seconds: float) -> None:
        slot = self._slots[worker]
        with self._writer:
            assert slot.current is not None  # noqa: S101  # only a taken row has an outcome
            if not self._results:
                self._first_result = monotonic()
                self._writer.notify()
            self._results.append((slot.current, outcome))
            slot.current = None
            slot.undrained += 1
            before = slot.seconds_per_message or 0.0
            weight = _SMOOTHING if before else 1
            slot.seconds_per_message = before + (seconds - before) * weight
            if outcome.status in ANSWERS:
                slot.failures, slot.error = 0, None

    def return_current(self, worker: int) -> None:
        slot = self._slots[worker]
        with self._writer:
            if slot.current:
                self._returned.append(slot.current)
                slot.current = None
                slot.undrained += 1
            self._notify_writer()

    def disconnected(self, worker: int, error: Unreachable | None = None) -> None:
        slot = self._slots[worker]
        with self._writer:
            self._returned += slot.empty()
            slot.is_connected = False
            if error:
                slot.failures += 1
                slot.error = error
            self._notify_writer()

    def pause(self, worker: int, seconds: float) -> bool:
        """Wait before the next connection. Returns False as soon as the queue is closed."""
        deadline = monotonic() + seconds
        with self._writer:
            while not self._closed and (left := deadline - monotonic()) > 0:
                self._slots[worker].wake.wait(left)
            return not self._closed

    def fail(self, worker: int, fault: BaseException) -> None:
        """Record a fault of the program. `raise_fault` raises it in the writer's thread."""
        self._fault = self._fault or fault
        self.disconnected(worker)

    # --- for the ledger writer

    def wait(self, seconds: float) -> None:
        deadline = monotonic() + seconds
        with self._writer:
            while not self._needs_writer:
                until = deadline
                if self._results:
                    until = min(until, self._first_result + _COMMIT_DELAY)
                if (left := until - monotonic()) <= 0:
                    return
                self._writer.wait(left)

    def drain(self) -> tuple[list[SendResult], list[Claim]]:
        with self._writer:
            results, returned = self._results, self._returned
            self._results, self._returned = [], []
            for slot in self._slots:
                slot.undrained = 0
            self._needs_writer = False
            return results, returned

    def raise_fault(self) -> None:
        with self._writer:
            if self._fault:
                raise self._fault

    def demand(self) -> dict[int, int]:
        """Return how many rows workers may still be given. Uncommitted results count as reserved: a kill leaves them in doubt."""
        with self._writer:
            wanted = {
                number: slot.prefetch_limit(self._prefetch) - slot.reserved
                for number, slot in enumerate(self._slots)
                if slot.is_connected
            }
        return {number: count for number, count in wanted.items() if count > 0}

    def put(self, rows: Mapping[int, Iterable[Claim]]) -> list[Claim]:
        late: list[Claim] = []
        with self._writer:
            for number, claims in rows.items():
                slot = self._slots[number]
                if not slot.is_connected:
                    late += claims
                    continue
                slot.queue.extend(claims)
                slot.wake.notify()
        return late

    def connection_errors(self) -> list[tuple[int, Unreachable]]:
        with self._writer:
            return [(slot.failures, slot.error) for slot in self._slots if slot.error]

    @property
    def workers(self) -> int:
        return len(self._slots)

    @property
    def is_idle(self) -> bool:
        with self._writer:
            busy = any(slot.queue or slot.current for slot in self._slots)
            return not (busy or self._results or self._returned)

    def close(self) -> None:
        with self._writer:
            self._closed = True
            for slot in self._slots:
                self._returned += slot.queue
                slot.queue.clear()
                slot.wake.notify_all()

    def _notify_writer(self) -> None:
        self._needs_writer = True
        self._writer.notify()
