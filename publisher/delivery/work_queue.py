"""Bounded queues between the ledger writer and the send workers.

Reserved rows go out, results come back. Each worker has a short queue of its own. How short
depends on how fast it sends, because everything in it is in doubt after a crash. Nothing is
decided here.
"""

import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from time import monotonic

from publisher.delivery.ledger.claims import Claim
from publisher.delivery.transports.base import ANSWERS, Outcome, Unreachable

# How many seconds of work a worker may hold in advance.
_PREFETCH_SECONDS = 0.1
# Seconds after which results are committed even if no worker needs rows: they share a commit.
_COMMIT_DELAY = 0.05
# A worker needs three rows to send without a pause: the one it sends, the next one, whose commands
# go out with the end of this one, and the last one, which is reserved until its result is committed.
_LEAST_ROWS = 3
# The weight of the last message in the moving average of a worker's speed.
_SMOOTHING = 0.2

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
        """How many rows are reserved for this worker."""
        return len(self.queue) + (self.current is not None) + self.undrained

    def empty(self) -> list[Claim]:
        """Remove and return the rows that were not finished."""
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
        """Note that a worker has a connection and may be given rows."""
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
        """Return the row that `take` will return next, if there is one already."""
        slot = self._slots[worker]
        with self._writer:
            return slot.queue[0] if slot.queue and not self._closed else None

    def finish(self, worker: int, outcome: Outcome, seconds: float) -> None:
        """Record the outcome of the row that was taken, and how long it took."""
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
        """Return the row that was taken: its issue is no longer being sent."""
        slot = self._slots[worker]
        with self._writer:
            if slot.current:
                self._returned.append(slot.current)
                slot.current = None
                slot.undrained += 1
            self._notify_writer()

    def disconnected(self, worker: int, error: Unreachable | None = None) -> None:
        """Return a worker's unfinished rows, because it has no connection any more."""
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
        """Wait until a worker needs the writer, or until results are due to be committed."""
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
        """Remove and return the results, and the rows that were returned unsent."""
        with self._writer:
            results, returned = self._results, self._returned
            self._results, self._returned = [], []
            for slot in self._slots:
                slot.undrained = 0
            self._needs_writer = False
            return results, returned

    def raise_fault(self) -> None:
        """Raise the fault that ended a worker, if there is one."""
        with self._writer:
            if self._fault:
                raise self._fault

    def demand(self) -> dict[int, int]:
        """Return how many more rows each worker may be given, without those that need none.

        Results that are not committed yet count as reserved: a kill leaves them in doubt.
        """
        with self._writer:
            wanted = {
                number: slot.prefetch_limit(self._prefetch) - slot.reserved
                for number, slot in enumerate(self._slots)
                if slot.is_connected
            }
        return {number: count for number, count in wanted.items() if count > 0}

    def put(self, rows: Mapping[int, Iterable[Claim]]) -> list[Claim]:
        """Give workers reserved rows. Returns those of workers that have disconnected."""
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
        """List the workers that can't connect: failures in a row, and the last error."""
        with self._writer:
            return [(slot.failures, slot.error) for slot in self._slots if slot.error]

    @property
    def workers(self) -> int:
        """The number of workers."""
        return len(self._slots)

    @property
    def is_idle(self) -> bool:
        """Whether no row is queued, being sent, or waiting for a drain."""
        with self._writer:
            busy = any(slot.queue or slot.current for slot in self._slots)
            return not (busy or self._results or self._returned)

    def close(self) -> None:
        """Stop the workers. Each one finishes its current message."""
        with self._writer:
            self._closed = True
            for slot in self._slots:
                self._returned += slot.queue
                slot.queue.clear()
                slot.wake.notify_all()

    def _notify_writer(self) -> None:
        self._needs_writer = True
        self._writer.notify()
