"""CSV as text and numbered cells: one file format (RFC 4180), read line by line.

The bytes must be UTF-8, with or without a byte order mark. A row is numbered by the physical
line that it starts on, because that is what an editor shows. What the cells mean is not known
here.

Cells and formulas. A spreadsheet takes a cell that starts with `=`, `+`, `-`, `@`, a tab or a
line break for a formula, so a reader could name herself into one. Such a cell is written with an
apostrophe before it, and one that already has apostrophes before the sign gets one more; reading
takes one away again. So what was written is read back unchanged, whatever it was.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Final

from subscribers.errors import BadFileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TextIO

# The full-width forms count too: a spreadsheet in Japanese takes them for the plain ones.
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")

_BOM: Final = "\N{BYTE ORDER MARK}"

# What the csv module has found out, in words for somebody who looks at the file.
_CAUSES: Final = {
    "unexpected end of data": "a quoted cell that starts in this row is never closed",
    "field larger than field limit": "a cell is over 128 KiB; is a quote left open?",
    "expected after": "text follows a closing quote; a quote inside a cell is doubled",
    "new-line character seen in unquoted field": "lines must end with LF or CR LF, not CR alone",
}


def read_cells(lines: Iterable[bytes | str]) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the number of its first line (from 1); empty rows are passed over.

    `lines` is a file open for reading, binary or text (`newline=""`), or any lines with their
    ends. Bytes that are not UTF-8 come as lone surrogates.
    Raises `BadFileError` where the file stops being CSV.
    """
    reader = csv.reader(_text(lines), strict=True)
    while True:
        start = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise BadFileError(start, _cause(error)) from error
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield start, [_unguarded(cell) for cell in cells]


def write_cells(rows: Iterable[Sequence[str]], out: TextIO) -> int:
    """Write rows with CR LF ends, formulas disarmed, and return how many.

    `out` is open for text with `newline=""`.
    """
    writer = csv.writer(out)
    count = 0
    for count, row in enumerate(rows, start=1):  # noqa: B007 -- the last number is the count
        writer.writerow([_guarded(cell) for cell in row])
    return count


def _text(lines: Iterable[bytes | str]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        # Bytes that are not UTF-8 go on as lone surrogates, which make their row a bad one.
        text = line if isinstance(line, str) else line.decode("utf-8", "surrogateescape")
        if "\0" in text:
            raise BadFileError(number, "a NUL byte; this is no text file")
        yield text.removeprefix(_BOM) if number == 1 else text


def _cause(error: csv.Error) -> str:
    said = str(error)
    return next((words for sign, words in _CAUSES.items() if sign in said), said)


def _guarded(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _unguarded(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
