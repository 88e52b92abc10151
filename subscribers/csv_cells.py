"""Read and write CSV (RFC 4180) as numbered rows of cells.

The bytes must be UTF-8, with or without a byte order mark. A row's number is the line of the file
on which it starts, as an editor shows it. `subscribers.csv_rows` interprets the cells.

Formulas: a spreadsheet runs a cell that starts with `=`, `+`, `-`, `@`, a tab or a line break as a
formula, and a subscriber can choose any name. Such a cell is written with an apostrophe before it;
one that has apostrophes before the sign gets one more. Reading removes one apostrophe again, so
that every cell is read as it was.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Final

from subscribers.errors import BadFileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TextIO

# A spreadsheet in Japanese treats the full-width signs like the plain ones.
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")

_BOM: Final = "\N{BYTE ORDER MARK}"

# Messages of the csv module, and what they mean in the file.
_CAUSES: Final = {
    "unexpected end of data": "a quoted cell that starts in this row is never closed",
    "field larger than field limit": "a cell is over 128 KiB; is a quote left open?",
    "expected after": "text follows a closing quote; a quote inside a cell is doubled",
    "new-line character seen in unquoted field": "lines must end with LF or CR LF, not CR alone",
}


def read_cells(lines: Iterable[bytes | str]) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the number of its first line, from 1, without empty rows.

    `lines` is an open file, binary or text (`newline=""`), or any lines with their ends. Bytes that
    are not UTF-8 become lone surrogates. Raise `BadFileError` where the file is not CSV.
    """
    parser = csv.reader(_text(lines), strict=True)
    while True:
        start = parser.line_num + 1
        try:
            cells = next(parser, None)
        except csv.Error as error:
            raise BadFileError(start, _cause(error)) from error
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield start, [_unguarded(cell) for cell in cells]


def write_cells(rows: Iterable[Sequence[str]], out: TextIO) -> int:
    """Write rows with CR LF ends and escaped formulas. Return how many.

    `out` is open for text with `newline=""`.
    """
    writer = csv.writer(out)
    count = 0
    for count, row in enumerate(rows, start=1):  # noqa: B007 -- the last number is the count
        writer.writerow([_guarded(cell) for cell in row])
    return count


def _text(lines: Iterable[bytes | str]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        # Bytes that are not UTF-8 become lone surrogates; `csv_rows` refuses rows with them.
        text = line if isinstance(line, str) else line.decode("utf-8", "surrogateescape")
        if "\0" in text:
            raise BadFileError(number, "a NUL byte; this is no text file")
        yield text.removeprefix(_BOM) if number == 1 else text


def _cause(error: csv.Error) -> str:
    message = str(error)
    return next((cause for part, cause in _CAUSES.items() if part in message), message)


def _guarded(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _unguarded(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
