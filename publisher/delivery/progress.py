"""What is shown of a turn of delivering while it goes on. Knows no row but the first counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from time import monotonic
from typing import Protocol

from publisher.database import Database
from publisher.delivery.job import Job
from publisher.delivery.ledger.counts import count_done, count_rows
from publisher.delivery.ledger_writer import LedgerWriter
from publisher.delivery.states import OPEN_STATES, DeliveryState

# Seconds between two tellings: people read no faster, and a log should not fill.
BETWEEN = 0.25
# What is worth a word besides how many are done.
TROUBLES = {
    DeliveryState.DEFERRED: "deferred",
    DeliveryState.BOUNCED: "bounced",
    DeliveryState.FAILED: "failed",
    DeliveryState.IN_DOUBT: "in doubt",
    DeliveryState.SUPPRESSED: "left",
}


class Progress(Protocol):
    """Told how far a step is: its name, how many are done, of how many, and what to add."""

    def __call__(self, step: str, done: int, of: int, note: str = "", /) -> None:
        """Show it; may raise to stop the work at its next safe place."""
        ...


class ProgressReporter:
    """How far each issue is, as the clerk writes it down."""

    def __init__(
        self,
        database: Database,
        jobs: Mapping[int, Job],
        clerk: LedgerWriter,
        progress: Progress | None,
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._clerk = clerk
        self._progress = progress
        self._told_at = 0.0
        before = self._counted() if progress else {}
        self._done = {number: count_done(count) for number, count in before.items()}
        self._total = {number: sum(count.values()) for number, count in before.items()}

    def tell(self) -> None:
        """Tell how far each issue is, if the last time is long enough ago."""
        if not self._progress or monotonic() - self._told_at < BETWEEN:
            return
        self._told_at = monotonic()
        for number in self._jobs:
            moved = self._moved(number)
            ended = sum(n for state, n in moved.items() if state not in OPEN_STATES)
            self._show(number, self._done[number] + ended, moved)

    def tell_the_end(self) -> None:
        """Tell how far each issue has come, from the rows: others may have moved some, too."""
        if self._progress:
            for number, count in self._counted().items():
                self._show(number, count_done(count), self._moved(number))

    def _show(self, number: int, told: int, moved: Mapping[DeliveryState, int]) -> None:
        assert self._progress  # noqa: S101  # asked before
        name = self._jobs[number].issue.name
        words = (describe_failures(moved), *self._clerk.dealer.held_by)
        self._progress(name, told, self._total[number], ", ".join(filter(None, words)))

    def _counted(self) -> dict[int, Counter[str]]:
        with self._database.reading() as connection:
            return count_rows(connection, [*self._jobs])

    def _moved(self, number: int) -> Counter[DeliveryState]:
        return Counter(
            {state: n for (of, state), n in self._clerk.moved.items() if of == number}
        )


def describe_failures(moved: Mapping[DeliveryState, int]) -> str:
    """Write what is worth a word: `3 deferred, 1 bounced`."""
    return ", ".join(f"{moved[s]} {word}" for s, word in TROUBLES.items() if moved.get(s))
