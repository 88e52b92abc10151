"""Import subscribers from CSV with a report, and export them.

`rows` describes the format, `batches` decides what a row changes. The report says what an import
found in a list, and what became of each row.

`import_in_portions` opens many short transactions, so that other writers wait for some milliseconds
only. A file that is broken on its last line changes nothing. Memory stays flat: 1,000 rows are held
at a time at most, and the addresses of the file so far are in a temporary table.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from tempfile import TemporaryFile
from typing import IO, Final, NamedTuple, TextIO

from sqlalchemy import Connection

from subscribers.consent import may_receive_mail
from subscribers.errors import BadFileError, BadRow, RowReason, joined_reasons
from subscribers.lists import batches
from subscribers.lists.cells import read_cells, write_cells
from subscribers.lists.columns import OWN_COLUMNS, ColumnPlan, plan_columns
from subscribers.lists.rows import ListPublication, SubscriberRow, parse_rows, subscriber_cells
from subscribers.store import AddressDigest, is_anybody_erased, list_subscribers, readmit

# Bad rows, and notes, that a report lists at most: it is held in memory. Each is a `Reject`, too.
_MAX_REPORTED: Final = 10_000
_MAX_REASONS: Final = 100  # kinds of reasons that are counted apart: people read them


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

    `kept` counts subscribers whom the row would have brought back, and who were not changed; `notes` lists them, and
    whatever else was not applied. `refused` counts the bad rows; `erased` of them have addresses that were erased.
    `reasons` counts both by the kind of reason. `bad` and `notes` have at most 10,000 entries each.

    `statuses`, `languages` and `consented`, those that say when somebody agreed, count the rows that are not bad, or
    erased. `without_mail` counts those of people who get no mail, by status and the column that tells it.
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
        for row in rows:
            person = row.subscriber
            self.statuses[person.status.value] += 1
            self.languages[person.language] += 1
            self.consented += row.consented_at is not None
            if not may_receive_mail(person.status):
                self.without_mail[person.status.value, row.stated_by] += 1

    def add_bad(self, bad: Iterable[BadRow]) -> None:
        for row in bad:
            self.refused += 1
            self._add_reason(row.text)
            if len(self.bad) < _MAX_REPORTED:
                self.bad.append(row)

    def add_imported(self, imported: batches.ImportedRow) -> tuple[RowReason, ...]:
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


def first_columns(
    rows: Iterable[tuple[int, Sequence[str]]], fields: Sequence[str] = ()
) -> ColumnPlan:
    """Return what the columns of numbered rows are read as, by the first one. Raise BadFileError."""
    line, first = next(iter(rows), (1, []))
    return plan_columns(line, first, fields)


BATCH_ROWS: Final = 1_000
"""Rows of a batch. Larger batches are not faster, and this one needs less than 1 MB."""

FIRST_PORTION: Final = 100
"""Rows of the first transaction of an import in portions; the others follow from its time."""

BAD_ROWS: Final = 1_000
"""After so many bad rows and no good one, a file is taken for something else. Nothing was stored then."""

SMALLEST_PORTION: Final = 50
"""Rows of a transaction at least: a slow disk takes as long for one row."""

PORTION_SECONDS: Final = 0.02
"""How long a transaction of an import in portions is meant to last. Others wait for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """What an import is asked.

    With `digest`, rows of addresses that were erased are left out, except the identities in `returned`. With
    `dry_run`, the report is as it would be, and nothing is stored. `begun` is called in the first
    transaction, before a row is stored; `progress` after each one with the number of rows done so far, and
    of all; `rejected` with each row that was left out, or not wholly applied.
    """

    now: datetime
    digest: AddressDigest | None = None
    returned: Collection[str] = ()
    dry_run: bool = False
    begun: Callable[[Connection], None] = lambda _connection: None
    progress: Callable[[int, int], None] = lambda _done, _of: None
    rejected: Callable[[Reject], object] = lambda _row: None


@dataclass(frozen=True, slots=True)
class _Import:
    """What an import does with each portion of rows."""

    report: ImportReport
    options: ImportOptions
    # Cells of the rows of a portion, by line, for rows that are left out.
    cells: dict[int, Sequence[str]] = field(default_factory=dict)

    def store(
        self,
        transaction: Callable[[], AbstractContextManager[Connection]],
        batch: Sequence[SubscriberRow | BadRow],
    ) -> tuple[list[Reject], int]:
        """Take a portion in a transaction. Return its rejects, and how many rows the next one gets."""
        with transaction() as connection:
            begin = time.monotonic()
            rejects = self.take(connection, batch)
        self.cells.clear()
        # With the commit: others wait until its end.
        return rejects, _next_portion(len(batch), time.monotonic() - begin)

    def take(
        self, connection: Connection, batch: Sequence[SubscriberRow | BadRow]
    ) -> list[Reject]:
        """Store a portion, or find out what storing would do. Return the rows that were left out."""
        rows, bad = batches.split_repeated(
            connection, [row for row in batch if isinstance(row, SubscriberRow)]
        )
        bad += [row for row in batch if isinstance(row, BadRow)]
        self.report.add_rows(rows)
        if self.options.digest is not None and is_anybody_erased(connection):
            rows, erased = self._without_erased(connection, rows, self.options.digest)
            self.report.erased += len(erased)
            bad += erased
        bad.sort(key=lambda row: row.line)
        self.report.add_bad(bad)
        rejects = [(row.line, row.text) for row in bad]
        applied = batches.merge_rows(connection, rows)
        if not self.options.dry_run:
            batches.apply_rows(connection, applied, self.options.now)
        rejects += [
            (imported.row.line, joined_reasons(notes))
            for imported in applied
            if (notes := self.report.add_imported(imported))
        ]
        return [Reject(line, self.cells[line], reason) for line, reason in sorted(rejects)]

    def _without_erased(
        self, connection: Connection, rows: Sequence[SubscriberRow], digest: AddressDigest
    ) -> tuple[list[SubscriberRow], list[BadRow]]:
        returned = self.options.returned
        allowed, erased, back = batches.split_erased(connection, rows, digest, returned)
        if back and not self.options.dry_run:
            readmit(connection, back, digest)
        return allowed, erased


def import_in_portions(
    transaction: Callable[[], AbstractContextManager[Connection]],
    file: Iterable[bytes | str],
    publication: ListPublication,
    options: ImportOptions,
) -> ImportReport:
    """Add and correct subscribers from a CSV file, in many transactions on one connection.

    `file` is open in binary mode, or yields lines of text. Bad rows are reported and left out. Raise
    `BadFileError`, before anything is stored, where the file is not CSV.

    An import that was interrupted has stored the first rows; a second import of the file changes
    nothing of these, and stores the others.
    """
    with TemporaryFile() as copy:
        names = [one.name for one in publication.fields]
        columns, total = _copy_checked(file, copy, names)
        run = _Import(ImportReport(columns), options)
        rows = _of_a_list(parse_rows(_kept(read_cells(copy), run.cells), publication))
        with transaction() as connection:
            batches.clear_seen_addresses(connection)
            options.begun(connection)
        options.progress(0, total)
        done, portion = 0, FIRST_PORTION
        # Parsed before the transaction, which others wait for.
        while batch := list(islice(rows, portion)):
            rejects, portion = run.store(transaction, batch)
            for reject in rejects:
                options.rejected(reject)
            done += len(batch)
            options.progress(done, total)
    with transaction() as connection:
        batches.clear_seen_addresses(connection)
    return run.report


def read_columns(file: Iterable[bytes | str]) -> ColumnPlan:
    return first_columns(read_cells(file))


def _of_a_list(rows: Iterable[SubscriberRow | BadRow]) -> Iterator[SubscriberRow | BadRow]:
    """Yield rows; raise BadFileError after BAD_ROWS of them if all were bad."""
    is_list = False
    for number, row in enumerate(rows):
        is_list = is_list or isinstance(row, SubscriberRow)
        if number >= BAD_ROWS and not is_list:
            reason = RowReason("no row so far can be read; is this the right file?")
            raise BadFileError(row.line, reason)
        yield row


def _kept(
    rows: Iterable[tuple[int, list[str]]], cells: dict[int, Sequence[str]]
) -> Iterator[tuple[int, list[str]]]:
    """Yield numbered rows, and keep their cells until they are removed."""
    for line, row in rows:
        cells[line] = row
        yield line, row


def _next_portion(rows: int, seconds: float) -> int:
    """Return how many rows the next transaction gets, by how long the last one took."""
    wanted = int(rows * PORTION_SECONDS / max(seconds, 0.001))
    return max(min(wanted, 2 * rows, BATCH_ROWS), min(SMALLEST_PORTION, BATCH_ROWS))


def _copy_checked(
    file: Iterable[bytes | str], copy: IO[bytes], fields: Sequence[str]
) -> tuple[ColumnPlan, int]:
    """Copy a file, and return its columns and how many rows follow; raise BadFileError if it is not CSV to its end."""
    copy.writelines(
        line.encode("utf-8", "surrogatepass") if isinstance(line, str) else line
        for line in file
    )
    copy.seek(0)
    numbered = read_cells(copy)
    columns = first_columns(numbered, fields)
    rows = sum(1 for _row in numbered)
    copy.seek(0)
    return columns, rows


def export_csv(connection: Connection, out: TextIO, fields: Sequence[str] = ()) -> int:
    """Write all subscribers as CSV, in the order of their ids, with some of their fields. Return how many.

    `out` is open for text in UTF-8 with `newline=""` (`utf-8-sig` for spreadsheets). An import of
    the file into an empty database gives the same subscribers and subscriptions.
    """
    write_cells([(*OWN_COLUMNS, *fields)], out)
    people = list_subscribers(connection)
    return write_cells((subscriber_cells(one, fields) for one in people), out)
