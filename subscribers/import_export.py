"""Readers in and out as CSV: the two commands, and the report of the first.

The format is described in `subscribers.csv_rows`, what it does to a reader in `subscribers.import_merge`.

An import runs in the caller's one transaction. A file that turns out broken on its last line then
leaves nothing behind, a rehearsal is a rollback, and nobody meets half a list. The price is that
other writers wait until it is through. Memory stays flat: 1,000 rows are held at a time, and the
addresses already met lie in a temporary table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from subscribers.csv_cells import read_cells, write_cells
from subscribers.csv_rows import CSV_COLUMNS, SubscriberRow, parse_rows, subscriber_cells
from subscribers.errors import BadRow
from subscribers.import_batches import (
    ImportedRow,
    apply_rows,
    clear_seen_addresses,
    split_repeated,
)
from subscribers.store import list_subscribers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime
    from typing import TextIO

    from sqlalchemy import Connection

__all__ = ["ImportNote", "ImportReport", "export_csv", "import_csv", "parse_rows"]

BATCH_ROWS: Final = 1_000
"""Rows per round trip: the statements' fixed cost is spread thin, and a batch is under 1 MB."""

MAX_REPORTED: Final = 10_000
"""Bad rows, and notes, that a report spells out. Past that the file as a whole is wrong, and a
report of a million lines would be held in memory for nobody."""


@dataclass(frozen=True, slots=True)
class ImportNote:
    """What of a good row was not followed: its first line, the reader, and why."""

    line: int
    email: str
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.email}: {self.text}"


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of the rows; each is counted once, so the five counts add up to all of them.

    `kept` are readers whom the row would have brought back and who were left alone; `notes` tell
    which, and also what else was not followed. `refused` counts the bad rows; `bad` and `notes`
    hold the first 10,000 each.
    """

    added: int
    updated: int
    unchanged: int
    kept: int
    refused: int
    bad: tuple[BadRow, ...]
    notes: tuple[ImportNote, ...]


def import_csv(  # noqa: PLR0913 -- the publication's three facts are named as in `parse`
    connection: Connection,
    file: Iterable[bytes | str],
    *,
    languages: Callable[[str], str | None],
    default_language: str,
    known_newsletters: Sequence[str],
    now: datetime,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Add and correct readers from a CSV file and report on each row.

    `file` is open in binary mode, or gives lines of text. `progress` is called after each batch
    with the number of rows done so far. Bad rows are reported and left out; `BadFileError` is
    raised where the file cannot be read on, and the caller then rolls back.
    """
    tally = _Tally()
    clear_seen_addresses(connection)
    parsed = parse_rows(
        read_cells(file),
        languages=languages,
        default_language=default_language,
        known_newsletters=known_newsletters,
    )
    for batch in _batches(parsed):
        rows, repeats = split_repeated(
            connection, [row for row in batch if isinstance(row, SubscriberRow)]
        )
        tally.refuse([row for row in batch if isinstance(row, BadRow)] + repeats)
        for fate in apply_rows(connection, rows, now):
            tally.count(fate)
        if progress is not None:
            progress(tally.rows)
    clear_seen_addresses(connection)
    return tally.report()


def export_csv(connection: Connection, out: TextIO) -> int:
    """Write every reader as CSV in the order of their ids and return how many.

    `out` is open for text in UTF-8 with `newline=""` (`utf-8-sig` if a spreadsheet is to open
    it). Imported into an empty database, the file gives the same readers and subscriptions.
    """
    write_cells([CSV_COLUMNS], out)
    return write_cells(map(subscriber_cells, list_subscribers(connection)), out)


def _batches(
    parsed: Iterator[SubscriberRow | BadRow],
) -> Iterator[list[SubscriberRow | BadRow]]:
    while batch := list(islice(parsed, BATCH_ROWS)):
        yield batch


@dataclass(slots=True)
class _Tally:
    """The report while it is being counted."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    kept: int = 0
    refused: int = 0
    bad: list[BadRow] = field(default_factory=list)
    notes: list[ImportNote] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return self.added + self.updated + self.unchanged + self.kept + self.refused

    def refuse(self, bad: list[BadRow]) -> None:
        self.refused += len(bad)
        room = MAX_REPORTED - len(self.bad)
        self.bad += sorted(bad, key=lambda row: row.line)[:room]

    def count(self, fate: ImportedRow) -> None:
        reader, notes = fate.merged
        if fate.before is None:
            self.added += 1
        elif fate.before != reader:
            self.updated += 1
        elif notes:
            self.kept += 1
        else:
            self.unchanged += 1
        room = MAX_REPORTED - len(self.notes)
        self.notes += [ImportNote(fate.row.line, reader.email, text) for text in notes][:room]

    def report(self) -> ImportReport:
        return ImportReport(
            added=self.added,
            updated=self.updated,
            unchanged=self.unchanged,
            kept=self.kept,
            refused=self.refused,
            bad=tuple(self.bad),
            notes=tuple(self.notes),
        )
