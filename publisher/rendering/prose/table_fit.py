"""Whether a table fits the screen of a phone, or is written row by row."""

from __future__ import annotations

import re
from collections.abc import Callable

from publisher.articles.content.blocks import (
    TableBlock,
    TableCell,
    TableRow,
    TextBlock,
    TextKind,
)
from publisher.rendering.plaintext import BREAK_ANYWHERE, display_width

# CSS pixels: the narrowest phone has 320, of which the padding of a mail takes 44.
_PHONE_PIXELS = 276
# CSS pixels: a letter in the type of a cell, and the padding and border of a cell.
_LETTER_PIXELS = 8
_CELL_PIXELS = 17
# More columns than these are hard to follow when their lines are wrapped.
_MAX_WRAPPED_COLUMNS = 6

# Text without a place to break. Scripts without spaces break between any two letters.
_UNBROKEN = re.compile(rf"(?:(?!{BREAK_ANYWHERE})\S)+")
_WIDE_LETTER_COLUMNS = 2


def fits_phone(table: TableBlock, lost: int) -> bool:
    """Return whether a table can be read on a phone, less `lost` CSS pixels of its width.

    Either no line needs wrapping, or there are few columns and their longest words fit.
    """
    if not all(map(_is_plain, table.cells)):
        return False
    room, columns = _PHONE_PIXELS - lost, _column_count(table)
    if _needed(table, columns, _longest_line) <= room:
        return True
    return columns <= _MAX_WRAPPED_COLUMNS and _needed(table, columns, _longest_word) <= room


def _column_count(table: TableBlock) -> int:
    """Return the columns of the widest row."""
    return max(sum(cell.columns for cell in row.cells) for row in table.rows)


def has_column_heads(table: TableBlock) -> bool:
    """Return whether the first row has a head of one line for each column, and no cell spans two."""
    first = table.rows[0]
    return (
        is_heading_row(first)
        and all(is_one_line(cell) or not cell.blocks for cell in first.cells)
        and all(cell.columns == cell.rows == 1 for cell in table.cells)
        and all(len(row.cells) == len(first.cells) for row in table.rows)
    )


def is_heading_row(row: TableRow) -> bool:
    """Return whether a row has only header cells."""
    return all(cell.header for cell in row.cells)


def is_one_line(cell: TableCell) -> bool:
    """Return whether a cell is one paragraph of text."""
    kinds = [block.kind for block in cell.blocks if isinstance(block, TextBlock)]
    return len(cell.blocks) == 1 and kinds == [TextKind.PARAGRAPH]


def _is_plain(cell: TableCell) -> bool:
    return all(
        isinstance(block, TextBlock) and block.kind != TextKind.VERBATIM
        for block in cell.blocks
    )


def _needed(table: TableBlock, columns: int, measure: Callable[[str], int]) -> int:
    """Return the CSS pixels that the columns need; a spanning cell is shared among its columns."""
    if columns * _CELL_PIXELS > _PHONE_PIXELS:
        return columns * _CELL_PIXELS
    needed = [0.0] * columns
    for row in table.rows:
        at = 0
        for cell in row.cells:
            share = _widest(cell, measure) / cell.columns
            span = range(at, at + cell.columns)
            needed[at : span.stop] = [max(needed[n], share) for n in span]
            at = span.stop
    return round(sum(needed)) * _LETTER_PIXELS + columns * _CELL_PIXELS


def _widest(cell: TableCell, measure: Callable[[str], int]) -> int:
    lines = [
        line
        for block in cell.blocks
        if isinstance(block, TextBlock)
        for line in block.words.splitlines()
    ]
    return max(map(measure, lines), default=0)


def _longest_line(line: str) -> int:
    return display_width(line)


def _longest_word(line: str) -> int:
    return max(
        (display_width(word) for word in _UNBROKEN.findall(line)), default=_WIDE_LETTER_COLUMNS
    )
