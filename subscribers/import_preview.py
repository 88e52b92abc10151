"""What an import of a file would find in it, without a database."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from subscribers.consent import may_receive_mail
from subscribers.csv_cells import read_cells
from subscribers.csv_columns import ColumnPlan, plan_columns
from subscribers.csv_rows import parse_rows
from subscribers.errors import BadRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

# Bad rows that a preview lists. A file with more is wrong as a whole.
_MAX_LISTED = 10_000


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """The columns of a file, its good rows by status, and its bad rows.

    `consented` is the number of rows that say when somebody agreed; `refused` that of all bad rows.
    `without_mail` counts the rows of people who get no mail, by status and the column that tells it.
    """

    columns: ColumnPlan
    statuses: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    without_mail: Counter[tuple[str, str]] = field(default_factory=Counter)
    consented: int = 0
    refused: int = 0
    bad: list[BadRow] = field(default_factory=list)


def read_columns(file: Iterable[bytes | str]) -> ColumnPlan:
    """Return what the columns of a file are read as. Raise BadFileError."""
    line, first = next(read_cells(file), (1, []))
    return plan_columns(line, first)


def preview_csv(
    file: Iterable[bytes | str],
    *,
    languages: Callable[[str], str | None],
    default_language: str,
    known_newsletters: Sequence[str],
) -> ImportPreview:
    """Return what the rows of a file say. Raise BadFileError where it is not CSV."""
    rows = read_cells(file)
    line, first = next(rows, (1, []))
    columns = plan_columns(line, first)
    parsed = parse_rows(
        chain([(line, first)], rows),
        languages=languages,
        default_language=default_language,
        known_newsletters=known_newsletters,
    )
    statuses, tags, bad = Counter[str](), Counter[str](), list[BadRow]()
    without_mail = Counter[tuple[str, str]]()
    seen, refused, consented = dict[str, int](), 0, 0
    for row in parsed:
        if not isinstance(row, BadRow):
            person, former = row.subscriber, seen.setdefault(row.subscriber.email, row.line)
            if former == row.line:
                statuses[person.status.value] += 1
                if not may_receive_mail(person.status):
                    without_mail[person.status.value, row.stated_by] += 1
                tags[person.language] += 1
                consented += row.consented_at is not None
                continue
            row = BadRow(row.line, "email", f"same address as line {former}")  # noqa: PLW2901
        refused += 1
        bad += [row] if len(bad) < _MAX_LISTED else []
    return ImportPreview(columns, statuses, tags, without_mail, consented, refused, bad)
