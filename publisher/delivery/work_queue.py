"""Where the clerk and the couriers meet: marked rows one way, outcomes the other.

Nothing is decided here. A courier has a place, with a short queue of what it was promised; how
short depends on how fast it sends, since what is promised when the program is killed is in
doubt. Knows no database, no message and no transport.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from time import monotonic

from publisher.delivery.ledger.claims import Claim
from publisher.delivery.outcomes import ANSWERS, Outcome
from publisher.delivery.transports.base import Unreachable

# Seconds of work that a courier may be promised ahead.
AHEAD = 0.1
# Seconds after which outcomes are written down though nobody wants more: they share a commit.
TOGETHER = 0.05
# How much a single message says about the pace.
WEIGHT = 0.2

SendResult = tuple[Claim, Outcome]


@dataclass(slots=True)
class WorkerSlot:
    """A courier's: what it was promised, what it is doing, and what holds it up."""

    wake: threading.Condition
    queue: deque[Claim] = field(default_factory=deque)
    current: Claim | None = None
    # Rows that it has reported or returned, until the clerk takes them: they are still marked.
    lying: int = 0
    is_ready: bool = False
    # Seconds that a message takes of late, once there was one.
    pace: float | None = None
    failures: int = 0
    trouble: Unreachable | None = None

    def size(self, most: int) -> int:
        """Say how many rows may be marked for it: what it is doing is one, what comes next another.

        More only once it is known how fast it sends.
        """
        if self.pace is None:
            return min(most, 2)
        return min(most, max(2, int(AHEAD / self.pace))) if self.pace else most

    @property
    def marked(self) -> int:
        """How many rows are marked for it."""
        return len(self.queue) + (self.current is not None) + self.lying


class WorkQueue:
    """The table between them; every method is for one side, and any thread of it."""

    def __init__(self, couriers: int, prefetch: int) -> None:
        lock = threading.Lock()
        self._clerk = threading.Condition(lock)
        self._places = [WorkerSlot(threading.Condition(lock)) for _ in range(couriers)]
        self._prefetch = prefetch
        self._results: list[SendResult] = []
        self._first_result = 0.0
        self._returned: list[Claim] = []
        self._called = False
        self._closed = False
        self._fault: BaseException | None = None

    # --- the couriers' side

    def ready(self, courier: int) -> None:
        """Say that there is a connection."""
        place = self._places[courier]
        with self._clerk:
            place.is_ready = True
            self._call()

    def take(self, courier: int) -> Claim | None:
        """Wait for something to send; None: go home."""
        place = self._places[courier]
        with self._clerk:
            while not place.queue and not self._closed:
                self._call()
                place.wake.wait()
            if self._closed:
                return None
            place.current = place.queue.popleft()
            if 2 * len(place.queue) < place.size(self._prefetch):
                self._call()
            return place.current

    def next_message(self, courier: int) -> Claim | None:
        """Say what will be taken next, if that is known."""
        place = self._places[courier]
        with self._clerk:
            return place.queue[0] if place.queue and not self._closed else None

    def report(self, courier: int, outcome: Outcome, seconds: float) -> None:
        """Tell what became of what was taken, and how long it took."""
        place = self._places[courier]
        with self._clerk:
            assert place.current is not None  # noqa: S101  # only what was taken is reported
            if not self._results:
                self._first_result = monotonic()
                self._clerk.notify()
            self._results.append((place.current, outcome))
            place.current = None
            place.lying += 1
            before = place.pace or 0.0
            place.pace = before + (seconds - before) * (WEIGHT if before else 1)
            if outcome.status in ANSWERS:
                place.failures, place.trouble = 0, None

    def return_one(self, courier: int) -> None:
        """Return what was taken, since its issue is not being sent any more."""
        place = self._places[courier]
        with self._clerk:
            if place.current:
                self._returned.append(place.current)
                place.current = None
                place.lying += 1
            self._call()

    def give_back(self, courier: int, trouble: Unreachable | None = None) -> None:
        """Return what was not begun, because there is no connection any more, and say why."""
        place = self._places[courier]
        with self._clerk:
            self._empty(place)
            place.is_ready = False
            if trouble:
                place.failures += 1
                place.trouble = trouble
            self._call()

    def rest(self, courier: int, seconds: float) -> bool:
        """Wait before the next try; says whether there will be one."""
        deadline = monotonic() + seconds
        with self._clerk:
            while not self._closed and (left := deadline - monotonic()) > 0:
                self._places[courier].wake.wait(left)
            return not self._closed

    def broke(self, courier: int, fault: BaseException) -> None:
        """Report a fault of the program; the clerk raises it."""
        with self._clerk:
            place = self._places[courier]
            self._empty(place)
            place.is_ready = False
            self._fault = self._fault or fault
            self._call()

    # --- the clerk's side

    def wait(self, seconds: float) -> None:
        """Wait until somebody wants something, or outcomes have lain here for long enough."""
        deadline = monotonic() + seconds
        with self._clerk:
            while not self._called:
                until = deadline
                if self._results:
                    until = min(until, self._first_result + TOGETHER)
                if (left := until - monotonic()) <= 0:
                    return
                self._clerk.wait(left)

    def collect(self) -> tuple[list[SendResult], list[Claim]]:
        """Take what lies here: outcomes, and rows that were returned unbegun."""
        with self._clerk:
            results, returned = self._results, self._returned
            self._results, self._returned = [], []
            for place in self._places:
                place.lying = 0
            self._called = False
            return results, returned

    def raise_fault(self) -> None:
        """Raise what broke a courier, if anything did."""
        with self._clerk:
            if self._fault:
                raise self._fault

    def demand(self) -> dict[int, int]:
        """Say how many more each courier may be promised; those who need none are left out.

        What lies here was not written down yet, and counts: a kill would leave it in doubt.
        """
        with self._clerk:
            wanted = {
                number: place.size(self._prefetch) - place.marked
                for number, place in enumerate(self._places)
                if place.is_ready
            }
        return {number: count for number, count in wanted.items() if count > 0}

    def hand_out(self, portions: Mapping[int, Iterable[Claim]]) -> list[Claim]:
        """Promise marked rows to couriers; gives those of couriers that left meanwhile."""
        late: list[Claim] = []
        with self._clerk:
            for number, claims in portions.items():
                place = self._places[number]
                if not place.is_ready:
                    late += claims
                    continue
                place.queue.extend(claims)
                place.wake.notify()
        return late

    def troubles(self) -> list[tuple[int, Unreachable]]:
        """List what holds couriers up: how often in a row, and the last reason."""
        with self._clerk:
            return [(p.failures, p.trouble) for p in self._places if p.trouble]

    @property
    def size(self) -> int:
        """How many couriers there are."""
        return len(self._places)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is promised, under way or unreported."""
        with self._clerk:
            busy = any(place.queue or place.current for place in self._places)
            return not (busy or self._results or self._returned)

    def close(self) -> None:
        """Send the couriers home; each ends what it has begun."""
        with self._clerk:
            self._closed = True
            for place in self._places:
                self._returned += place.queue
                place.queue.clear()
                place.wake.notify_all()

    def _call(self) -> None:
        self._called = True
        self._clerk.notify()

    def _empty(self, place: WorkerSlot) -> None:
        unbegun = ([place.current] if place.current else []) + list(place.queue)
        self._returned += unbegun
        place.lying += len(unbegun)
        place.current = None
        place.queue.clear()
