"""Import subscribers from CSV with a report, and export them.

`subscribers.csv_rows` describes the format, `subscribers.import_merge` what a row changes.

`import_in_portions` opens many short transactions, so that other writers wait for some milliseconds
only. A file that is broken on its last line changes nothing. Memory stays flat: 1,000 rows are held at a
time at most, and the addresses of the file so far are in a temporary table.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Final

from subscribers.csv_cells import read_cells, write_cells
from subscribers.csv_rows import CSV_COLUMNS, SubscriberRow, parse_rows, subscriber_cells
from subscribers.erasure import AddressDigest, is_anybody_erased
from subscribers.errors import BadRow
from subscribers.import_batches import (
    ImportedRow,
    apply_rows,
    clear_seen_addresses,
    split_erased,
    split_repeated,
)
from subscribers.store import list_subscribers

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime
    from typing import IO, TextIO

    from sqlalchemy import Connection

__all__ = [
    "ImportNote",
    "ImportReport",
    "export_csv",
    "import_in_portions",
    "parse_rows",
]

BATCH_ROWS: Final = 1_000
"""Rows of a batch. Larger batches are not faster, and this one needs less than 1 MB."""

FIRST_PORTION: Final = 100
"""Rows of the first transaction of an import in portions; the others follow from its time."""

PORTION_SECONDS: Final = 0.03
"""How long a transaction of an import in portions is meant to last. Others wait for it."""

MAX_REPORTED: Final = 10_000
"""Bad rows, and notes, that a report lists at most. A file with more is wrong as a whole, and the
report is held in memory."""


@dataclass(frozen=True, slots=True)
class ImportNote:
    """Something in a good row that was not applied: the row's first line, the address, and why."""

    line: int
    email: str
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.email}: {self.text}"


@dataclass(slots=True)
class ImportReport:
    """The result of an import. Each row is in exactly one of the five counts.

    `kept` counts subscribers whom the row would have brought back, and who were not changed;
    `notes` lists them, and whatever else was not applied. `refused` counts the bad rows. `bad` and
    `notes` have at most 10,000 entries each.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    kept: int = 0
    refused: int = 0
    bad: list[BadRow] = field(default_factory=list)
    notes: list[ImportNote] = field(default_factory=list)

    @property
    def taken(self) -> int:
        """The number of rows that are stored now, or were before."""
        return self.added + self.updated + self.unchanged + self.kept


def import_in_portions(  # noqa: PLR0913 -- the same names as in `parse_rows`
    transaction: Callable[[], AbstractContextManager[Connection]],
    file: Iterable[bytes | str],
    *,
    languages: Callable[[str], str | None],
    default_language: str,
    known_newsletters: Sequence[str],
    now: datetime,
    digest: AddressDigest | None = None,
    returned: Collection[str] = (),
    begun: Callable[[Connection], None] | None = None,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Add and correct subscribers from a CSV file, in many transactions on one connection.

    `file` is open in binary mode, or yields lines of text. `begun` is called in the first transaction,
    before a row is stored; `progress` after each one with the number of rows done so far. Bad rows are reported and left out, and with
    `digest` also rows of addresses that were erased, except the identities in `returned`. Raise
    `BadFileError`, before anything is stored, where the file is not CSV.

    An import that was interrupted has stored the first rows; a second import of the file changes
    nothing of these, and stores the others.
    """
    report, done, portion = ImportReport(), 0, FIRST_PORTION
    with _checked(file) as lines:
        parsed = parse_rows(
            read_cells(lines),
            languages=languages,
            default_language=default_language,
            known_newsletters=known_newsletters,
        )
        # Parsed before the transaction, which others wait for.
        batch = list(islice(parsed, portion))
        with transaction() as connection:
            clear_seen_addresses(connection)
            if begun is not None:
                begun(connection)
        while batch:
            with transaction() as connection:
                begin = time.monotonic()
                _import_rows(connection, batch, report, now, digest, returned)
                portion = _next_portion(len(batch), time.monotonic() - begin)
            done += len(batch)
            if progress is not None:
                progress(done)
            batch = list(islice(parsed, portion))
    with transaction() as connection:
        clear_seen_addresses(connection)
    return report


def _next_portion(rows: int, seconds: float) -> int:
    """Return how many rows the next transaction gets, by how long the last one took."""
    wanted = int(rows * PORTION_SECONDS / max(seconds, 0.001))
    return max(1, min(wanted, 2 * rows, BATCH_ROWS))


@contextmanager
def _checked(file: Iterable[bytes | str]) -> Iterator[IO[bytes]]:
    """Yield a copy of the file once all of it was found to be CSV; raise BadFileError before."""
    with TemporaryFile() as copy:
        copy.writelines(
            line.encode("utf-8", "surrogatepass") if isinstance(line, str) else line
            for line in file
        )
        copy.seek(0)
        for _line in read_cells(copy):
            pass
        copy.seek(0)
        yield copy


def _import_rows(
    connection: Connection,
    batch: Sequence[SubscriberRow | BadRow],
    report: ImportReport,
    now: datetime,
    digest: AddressDigest | None,
    returned: Collection[str],
) -> None:
    rows, repeats = split_repeated(
        connection, [row for row in batch if isinstance(row, SubscriberRow)]
    )
    refused = [row for row in batch if isinstance(row, BadRow)] + repeats
    if digest is not None and is_anybody_erased(connection):
        rows, erased = split_erased(connection, rows, digest, returned)
        refused += erased
    _refuse(report, refused)
    for imported in apply_rows(connection, rows, now):
        _count(report, imported)


def export_csv(connection: Connection, out: TextIO) -> int:
    """Write all subscribers as CSV, in the order of their ids. Return how many.

    `out` is open for text in UTF-8 with `newline=""` (`utf-8-sig` for spreadsheets). An import of
    the file into an empty database gives the same subscribers and subscriptions.
    """
    write_cells([CSV_COLUMNS], out)
    return write_cells(map(subscriber_cells, list_subscribers(connection)), out)


def _refuse(report: ImportReport, bad: list[BadRow]) -> None:
    report.refused += len(bad)
    room = MAX_REPORTED - len(report.bad)
    report.bad += sorted(bad, key=lambda row: row.line)[:room]


def _count(report: ImportReport, imported: ImportedRow) -> None:
    person, notes = imported.merged
    if imported.before is None:
        report.added += 1
    elif imported.before != person:
        report.updated += 1
    elif notes:
        report.kept += 1
    else:
        report.unchanged += 1
    room = MAX_REPORTED - len(report.notes)
    report.notes += [ImportNote(imported.row.line, person.email, text) for text in notes][:room]
