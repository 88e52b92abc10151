"""Whether a table fits a phone, or has to be told row by row. Knows no HTML."""

from __future__ import annotations

import re
from collections.abc import Callable

from publisher.rendering.plaintext import BREAK_ANYWHERE, display_width
from publisher.rendering.prose.blocks import (
    TableBlock,
    TableCell,
    TableRow,
    TextBlock,
    TextKind,
)

# The narrowest phone has 320 CSS pixels, of which a mail's sides take 44.
PHONE = 276
# CSS pixels: a letter in a cell's type, and a cell's padding with one of its lines.
LETTER = 8
CELL = 17
# Of more columns than these nobody keeps track whose lines are wrapped.
FEW_COLUMNS = 6

# What no line break divides. Scripts without spaces break between any two letters.
UNBROKEN = re.compile(rf"(?:(?!{BREAK_ANYWHERE})\S)+")
WIDE_LETTER = 2


def fits_phone(table: TableBlock, lost: int) -> bool:
    """Say if a table can be read on a phone, of whose width `lost` CSS pixels are taken.

    Either nothing in it needs wrapping, or it has few columns and their longest words fit.
    """
    if not all(map(_is_plain, table.cells)):
        return False
    room, columns = PHONE - lost, column_count(table)
    if _needed(table, columns, _longest_line) <= room:
        return True
    return columns <= FEW_COLUMNS and _needed(table, columns, _longest_word) <= room


def column_count(table: TableBlock) -> int:
    """Count the columns of the widest row."""
    return max(sum(cell.columns for cell in row.cells) for row in table.rows)


def is_heading_row(row: TableRow) -> bool:
    """Say if a row names the columns below it."""
    return all(cell.header for cell in row.cells)


def _is_plain(cell: TableCell) -> bool:
    return all(
        isinstance(block, TextBlock) and block.kind != TextKind.VERBATIM
        for block in cell.blocks
    )


def _needed(table: TableBlock, columns: int, measure: Callable[[str], int]) -> int:
    """Add up the CSS pixels that the columns need; one that cells span over counts by its part."""
    if columns * CELL > PHONE:
        return columns * CELL
    needed = [0.0] * columns
    for row in table.rows:
        at = 0
        for cell in row.cells:
            share = _widest(cell, measure) / cell.columns
            span = range(at, at + cell.columns)
            needed[at : span.stop] = [max(needed[n], share) for n in span]
            at = span.stop
    return round(sum(needed)) * LETTER + columns * CELL


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
    return max((display_width(word) for word in UNBROKEN.findall(line)), default=WIDE_LETTER)
