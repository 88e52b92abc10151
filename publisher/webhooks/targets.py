"""Send reserved rows of the retry queue to several targets at once: webhooks, hubs.

Threads use the network, the calling thread uses the database.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal

from sqlalchemy import Connection

from publisher.database import Database
from publisher.database.retry_queue import QueueItem, Settlement, release, settle
from publisher.fault_isolation import explain_fault
from publisher.log import log


@dataclass(slots=True)
class _TargetRows:
    waiting: deque[QueueItem] = field(default_factory=deque)
    running: int = 0
    silent: int = 0
    has_answered: bool = False


@dataclass
class TargetRun(ABC):
    """Sends reserved rows while there is time: `timer` returns seconds, and after `last_start` no row is begun.

    A target gets `width` rows at once after its first answer, and `probes` until then. After so many that it did
    not answer it gets no more. `send` has a deadline of its own.
    """

    database: Database
    now: Callable[[], datetime]
    timer: Callable[[], float]
    last_start: float
    threads: ClassVar[int] = 8
    width: ClassVar[int] = 1
    probes: ClassVar[int] = 1

    @abstractmethod
    def send(self, item: QueueItem) -> Any:
        """Send one row, in a thread, and return the answer."""

    @abstractmethod
    def answer_of_fault(self, item: QueueItem, why: str) -> Any:
        """Return what counts as the answer to a row that the program failed to send."""

    @abstractmethod
    def settlement(self, item: QueueItem, answer: Any, now: datetime) -> Settlement:
        """Return what becomes of a row after an answer. Pure."""

    @abstractmethod
    def effect(self, answer: Any) -> Literal["answered", "silent", "stop"]:
        """Return what an answer says about its target. Pure."""

    @abstractmethod
    def note(
        self, connection: Connection, item: QueueItem, answer: Any, settlement: Settlement
    ) -> None:
        """Do what follows from a settlement, in its transaction."""

    def put_back(self, items: Sequence[QueueItem], answer: Any) -> None:  # noqa: ARG002  # the same for most
        """Write what becomes of the other rows of a target: after an answer that stopped it, or None at the end."""
        with self.database.writing() as connection:
            for item in items:
                release(connection, item, self.now())

    def record(self, items: Sequence[QueueItem], answer: Any) -> None:
        """Write what becomes of rows, except of those that somebody has renewed or ended meanwhile."""
        now = self.now()
        with self.database.writing() as connection:
            for item in items:
                settlement = self.settlement(item, answer, now)
                if settle(connection, item, settlement, now):
                    self.note(connection, item, answer, settlement)

    def run(self, items: Iterable[QueueItem]) -> None:
        targets: dict[str, _TargetRows] = {}
        for item in items:
            targets.setdefault(item.target, _TargetRows()).waiting.append(item)
        pool = ThreadPoolExecutor(self.threads)
        running: dict[Future[Any], QueueItem] = {}
        try:
            self._start(pool, targets, running)
            while running:
                for answer in wait(running, return_when=FIRST_COMPLETED).done:
                    item = running.pop(answer)
                    self._settle(targets[item.target], item, answer)
                self._start(pool, targets, running)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        if left := [item for target in targets.values() for item in target.waiting]:
            self.put_back(left, None)

    def _start(
        self,
        pool: ThreadPoolExecutor,
        targets: Mapping[str, _TargetRows],
        running: dict[Future[Any], QueueItem],
    ) -> None:
        """Begin as many rows as are allowed; the target with the fewest under way goes first.

        Of several, one whose last row was not accepted goes last: those that are dead delay no other.
        """
        while len(running) < self.threads and self.timer() <= self.last_start:
            ready = [target for target in targets.values() if self._may_start(target)]
            if not ready:
                return
            target = min(ready, key=lambda one: (one.running, one.waiting[0].attempts > 1))
            target.running += 1
            item = target.waiting.popleft()
            running[pool.submit(self.send, item)] = item

    def _may_start(self, target: _TargetRows) -> bool:
        allowed = self.width if target.has_answered else self.probes - target.silent
        return bool(target.waiting) and target.running < allowed

    def _settle(self, target: _TargetRows, item: QueueItem, future: Future[Any]) -> None:
        try:
            answer = future.result()
        except Exception as error:
            log.exception("not sent for a fault of the program", kind=item.kind, number=item.id)
            answer = self.answer_of_fault(item, explain_fault(error))
        self.record([item], answer)
        effect = self.effect(answer)
        target.running -= 1
        target.has_answered |= effect == "answered"
        target.silent += effect == "silent"
        if (effect == "stop" or target.silent >= self.probes) and target.waiting:
            self.put_back([*target.waiting], answer)
            target.waiting.clear()
