"""What an import found in a list, and what became of each row."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from subscribers.consent import may_receive_mail
from subscribers.csv_columns import ColumnPlan, plan_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from subscribers.csv_rows import SubscriberRow
    from subscribers.errors import BadRow
    from subscribers.import_batches import ImportedRow
    from subscribers.reasons import RowReason

# Bad rows, and notes, that a report lists at most: it is held in memory. Each is a `Reject`, too.
_MAX_REPORTED: Final = 10_000
# Kinds of reasons that are counted apart: people read them.
_MAX_REASONS: Final = 100


class Reject(NamedTuple):
    """A row that was left out, or of which something was not applied: its first line, cells, and why."""

    line: int
    cells: Sequence[str]
    reason: RowReason


@dataclass(frozen=True, slots=True)
class ImportNote:
    """Something in a good row that was not applied: the row's first line, the address, and why."""

    line: int
    email: str
    text: RowReason

    def __str__(self) -> str:
        return f"line {self.line}: {self.email}: {self.text}"


@dataclass(slots=True)
class ImportReport:
    """The result of an import, or what it would be. Each row is in exactly one of the five counts.

    `kept` counts subscribers whom the row would have brought back, and who were not changed;
    `notes` lists them, and whatever else was not applied. `refused` counts the bad rows; `erased` of
    them have addresses that were erased. `reasons` counts both by the kind of reason. `bad` and
    `notes` have at most 10,000 entries each.

    `statuses`, `languages` and `consented`, those that say when somebody agreed, count the rows that
    are not bad, or erased. `without_mail` counts those of people who get no mail, by status and the
    column that tells it.
    """

    columns: ColumnPlan = field(default_factory=lambda: ColumnPlan((), ()))
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    kept: int = 0
    refused: int = 0
    erased: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    without_mail: Counter[tuple[str, str]] = field(default_factory=Counter)
    consented: int = 0
    bad: list[BadRow] = field(default_factory=list)
    notes: list[ImportNote] = field(default_factory=list)

    @property
    def taken(self) -> int:
        """The number of rows that are stored now, or were before."""
        return self.added + self.updated + self.unchanged + self.kept

    @property
    def suppressed(self) -> int:
        """The number of rows of people who get no mail, whatever a list says."""
        return self.kept + self.erased

    def add_rows(self, rows: Iterable[SubscriberRow]) -> None:
        """Count what good rows say."""
        for row in rows:
            person = row.subscriber
            self.statuses[person.status.value] += 1
            self.languages[person.language] += 1
            self.consented += row.consented_at is not None
            if not may_receive_mail(person.status):
                self.without_mail[person.status.value, row.stated_by] += 1

    def add_bad(self, bad: Iterable[BadRow]) -> None:
        """Count bad rows."""
        for row in bad:
            self.refused += 1
            self._add_reason(row.text)
            if len(self.bad) < _MAX_REPORTED:
                self.bad.append(row)

    def add_imported(self, imported: ImportedRow) -> tuple[RowReason, ...]:
        """Count a row that was applied. Return what of it was not."""
        person, notes = imported.merged
        if imported.before is None:
            self.added += 1
        elif imported.before != person:
            self.updated += 1
        elif notes:
            self.kept += 1
        else:
            self.unchanged += 1
        for text in notes:
            self._add_reason(text)
            if len(self.notes) < _MAX_REPORTED:
                self.notes.append(ImportNote(imported.row.line, person.email, text))
        return notes

    def _add_reason(self, reason: RowReason) -> None:
        kind = reason.kind
        is_known = kind in self.reasons or len(self.reasons) < _MAX_REASONS
        self.reasons[kind if is_known else "…"] += 1


def first_columns(rows: Iterable[tuple[int, Sequence[str]]]) -> ColumnPlan:
    """Return what the columns of numbered rows are read as, by the first one. Raise BadFileError."""
    line, first = next(iter(rows), (1, []))
    return plan_columns(line, first)
