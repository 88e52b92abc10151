"""Read and write CSV (RFC 4180) as numbered rows of cells.

The bytes must be UTF-8, with or without a byte order mark, or UTF-16 with one. Cells are separated by
commas, semicolons or tabs, whichever sets the column of addresses apart in the header. A file
without a header, of addresses alone or of lines like `Ann Example <ann@example.org>`, is what
Mailman exports; it is read as if it had a header. A row's number is the line of the file
on which it starts, as an editor shows it. `subscribers.lists.rows` interprets the cells.

Formulas: a spreadsheet runs a cell that starts with `=`, `+`, `-`, `@`, a tab or a line break as a formula, and a
subscriber can choose any name. Such a cell is written with an apostrophe before it; one that has apostrophes before the
sign gets one more. Reading removes one apostrophe again, so that every cell is read as it was.
"""

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final, TextIO

from subscribers.errors import BadFileError, RowReason, english

# A spreadsheet in Japanese treats the full-width signs like the plain ones.
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")

ADDRESS_COLUMNS: Final = ("email", "email address", "e-mail", "e-mail address", "address")
"""Names of the column of addresses, as keys."""

# A line of a list without a header: an address, perhaps with a name before it.
_MEMBER: Final = re.compile(
    r'(?:(?P<name>"(?:[^"\\]|\\.)*" *|[^"<>@]*)<)?'
    r'(?P<address>[^\s",;<>@]{1,320}@[^\s",;<>@]{1,320}\.[^\s",;<>@]{1,320})>?'
)
_UTF_16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

# What files begin with that people take for lists, and what to do.
_OTHER_FILES: Final = {
    b"PK\x03\x04": RowReason("this is a ZIP archive or a spreadsheet; save the list as CSV"),
    b"\xd0\xcf\x11\xe0": RowReason("this is a spreadsheet; save the list as CSV"),
    b"\x1f\x8b": RowReason("this is a compressed file; unpack it first"),
    b"%PDF": RowReason("this is a PDF; save the list as CSV"),
}

MAX_COLUMNS: Final = 200
"""Columns of a list. Exports have some dozens; each one costs time and memory in all rows."""

_BOM: Final = "\N{BYTE ORDER MARK}"

# Messages of the csv module, and what they mean in the file.
_CAUSES: Final = {
    "unexpected end of data": RowReason(
        "a quoted cell that starts in this row is never closed"
    ),
    "field larger than field limit": RowReason("a cell is over 128 KiB; is a quote left open?"),
    "expected after": RowReason(
        "text follows a closing quote; a quote inside a cell is doubled"
    ),
    "new-line character seen in unquoted field": RowReason(
        "lines must end with LF or CR LF, not CR alone"
    ),
}


def read_cells(lines: Iterable[bytes | str]) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the number of its first line, from 1, without empty rows.

    `lines` is an open file, binary or text (`newline=""`), or any lines with their ends. Bytes that
    are not UTF-8 become lone surrogates. Raise `BadFileError` where the file is not CSV.
    """
    text = _text(lines)
    first = next(text, "")
    if _member(first):
        yield from _list_of_members(chain([first], text))
        return
    skipped = 0
    if first.casefold().startswith("sep="):
        first, skipped = next(text, ""), 1
    if max(map(first.count, ",;\t")) >= MAX_COLUMNS:
        raise BadFileError(
            1 + skipped, RowReason("the file has more than 200 columns; remove some")
        )
    delimiter = next((one for one in ",;\t" if _has_address(first, one)), ",")
    parser = csv.reader(chain([first], text), strict=True, delimiter=delimiter)
    while True:
        start = parser.line_num + 1 + skipped
        try:
            cells = next(parser, None)
        except csv.Error as error:
            causes = (cause for part, cause in _CAUSES.items() if part in str(error))
            raise BadFileError(start, next(causes, english(str(error)))) from error
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield start, [_unguarded(cell) for cell in cells]


def write_cells(rows: Iterable[Sequence[str]], out: TextIO) -> int:
    """Write rows with CR LF and escaped formulas to `out`, which is open with `newline=""`; return how many."""
    writer = csv.writer(out)
    count = 0
    for count, row in enumerate(rows, start=1):  # noqa: B007 -- the last number is the count
        writer.writerow([f"'{cell}" if _FORMULA.match(cell) else cell for cell in row])
    return count


def column_key(name: str) -> str:
    """Return the name of a column in lower case, with spaces for underlines."""
    return " ".join(name.casefold().replace("_", " ").split())


def _has_address(header: str, delimiter: str) -> bool:
    """Return whether a header has a column of addresses if it is split at this character."""
    names = (column_key(cell.strip(' \t\r\n"')) for cell in header.split(delimiter))
    return any(name in ADDRESS_COLUMNS for name in names)


def _list_of_members(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield a header and a row for each line that has an address, with or without a name."""
    yield 1, ["email", "name"]
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, _member(line) or [line.strip(), ""]


def _member(line: str) -> list[str] | None:
    """Return address and name of a line of a list of members, or None if it is none.

    A spreadsheet puts the whole line into quotes and doubles those in it.
    """
    text = line.strip()
    found = _MEMBER.fullmatch(text)
    if not found and len(text) > 1 and text[0] == text[-1] == '"':
        found = _MEMBER.fullmatch(text[1:-1].replace('""', '"'))
    if not found:
        return None
    name = (found["name"] or "").strip()
    if name.startswith('"'):
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return [found["address"], name]


def _decoded(lines: Iterable[bytes | str]) -> Iterator[bytes | str]:
    """Yield lines; those of UTF-16 as text, since their ends are not those of its bytes."""
    rest = iter(lines)
    first = next(rest, b"")
    start = first.encode("utf-8", "replace") if isinstance(first, str) else first
    for mark, cause in _OTHER_FILES.items():
        if start.startswith(mark):
            raise BadFileError(1, cause)
    if isinstance(first, str) or not first.startswith(_UTF_16_MARKS):
        yield from chain([first], rest)
        return
    chunks = (one.encode() if isinstance(one, str) else one for one in chain([first], rest))
    pending, number = "", 1
    try:
        for chunk in codecs.iterdecode(chunks, "utf-16"):
            *whole, pending = (pending + chunk).split("\n")
            number += len(whole)
            yield from (f"{line}\n" for line in whole)
    except UnicodeError:
        reason = RowReason("it is not UTF-16, though it begins like it")
        raise BadFileError(number, reason) from None
    yield pending


def _text(lines: Iterable[bytes | str]) -> Iterator[str]:
    for number, line in enumerate(_decoded(lines), start=1):
        # Bytes that are not UTF-8 become lone surrogates; `rows` refuses rows with them.
        text = line if isinstance(line, str) else line.decode("utf-8", "surrogateescape")
        if "\0" in text:
            raise BadFileError(number, RowReason("a NUL byte; this is no text file"))
        yield text.removeprefix(_BOM) if number == 1 else text


def _unguarded(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
