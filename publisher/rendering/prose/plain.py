"""Blocks as plain text: lists with hyphens and numbers, quotations indented, tables by the row.

What is not a word (a marker, a bar, an indent) stands outside of passages, so that each can be
found whole. Lines are wrapped here, since only here it is known how far later lines of an item
are indented. Knows no link: text that is read has none within its words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from publisher.languages import direction
from publisher.rendering.plaintext import TEXT_COLUMNS, display_width, isolate, wrap_line
from publisher.rendering.prose.blocks import (
    Block,
    BlockQuote,
    HorizontalRule,
    IndentedBlock,
    ListBlock,
    ListItem,
    TableBlock,
    TableCell,
    TableRow,
    TextBlock,
    TextKind,
    text_blocks,
)
from publisher.rendering.prose.prose import ArticleContent
from publisher.rendering.prose.tongues import letter_directions

INDENT = "  "
BULLET = "- "
BAR = " | "
RULE = "* * *"
# Columns of a tab, as programmers' editors show it; its own width would depend on the reader's.
TAB = 4
# However deep something is nested, so much of a line is left for its words.
LEAST_COLUMNS = 30
# What is longer as a row is read more easily cell by cell.
LONGEST_ROW = 2 * TEXT_COLUMNS

# Lines that stand together.
Paragraph = list[str]


def plain_text(prose: ArticleContent, *, language: str) -> str:
    """Write the body of an article in `language` as text of at most COLUMNS columns.

    Blocks stand apart by an empty line; a passage is wrapped, and otherwise whole. An address or
    a letter's marks may be longer than a line.
    """
    paragraphs = _blocks(prose.blocks, TEXT_COLUMNS, direction(language))
    return "\n\n".join("\n".join(paragraph) for paragraph in paragraphs)


def _blocks(blocks: Sequence[Block], columns: int, towards: str) -> list[Paragraph]:
    return [found for block in blocks for found in _block(block, columns, towards)]


def _block(block: Block, columns: int, towards: str) -> list[Paragraph]:
    match block:
        case TextBlock():
            return [_text(block, columns)]
        case HorizontalRule():
            return [[RULE]]
        case BlockQuote() | IndentedBlock():
            room = _less(columns, len(INDENT))
            inner = _blocks(block.blocks, room, towards)
            return [_led(lines, INDENT[: columns - room]) for lines in inner]
        case ListBlock():
            return _listing(block, columns, towards)
        case TableBlock():
            return list(_table(block, columns, towards))
        case _:
            return []


def _less(columns: int, taken: int) -> int:
    return max(columns - taken, min(columns, LEAST_COLUMNS))


def _led(lines: Paragraph, indent: str, first: str = "") -> Paragraph:
    """Indent lines, and put a marker into the indent of the first."""
    led = [f"{indent}{line}" if line else "" for line in lines]
    return [f"{first}{lines[0]}".rstrip(), *led[1:]] if first else led


def _text(text: TextBlock, columns: int) -> Paragraph:
    if text.kind != TextKind.VERBATIM:
        return [part for line in text.words.split("\n") for part in wrap_line(line, columns)]
    lines = (line.expandtabs(TAB).rstrip() for line in text.words.split("\n"))
    return [part for line in lines for part in _verbatim(line, columns)]


def _verbatim(line: str, columns: int) -> list[str]:
    """Leave a line as it is unless it is too long; then at most half of it may be indent."""
    content = line.lstrip(" ")
    indent = len(line) - len(content)
    if display_width(line) > columns:
        indent = min(indent, columns // 2)
    return wrap_line(" " * indent + content, columns)


def _listing(listing: ListBlock, columns: int, towards: str) -> list[Paragraph]:
    """Write items with their markers: below each other if they are short, else apart."""
    found: list[Paragraph] = []
    for number, item in enumerate(listing.items, listing.start or 0):
        marker = BULLET if listing.start is None else f"{number}. "
        room = _less(columns, len(marker))
        inner = _blocks(item.blocks, room, towards) or [[""]]
        indent = " " * (columns - room)
        first, *others = inner
        found.append(_led(first, indent, marker))
        found += [_led(lines, indent) for lines in others]
    return [[line for lines in found for line in lines]] if _is_tight(listing) else found


def _is_tight(listing: ListBlock) -> bool:
    return all(map(_is_short, listing.items))


def _is_short(item: ListItem) -> bool:
    """Say if an item is one text, and at most such lists below it."""
    return all(isinstance(block, TextBlock) for block in item.blocks[:1]) and all(
        isinstance(block, ListBlock) and _is_tight(block) for block in item.blocks[1:]
    )


def _table(table: TableBlock, columns: int, towards: str) -> Iterator[Paragraph]:
    rows = [_row(row, towards) for row in table.rows]
    if all(map(_is_plain, table.cells)) and all(
        display_width(row) <= LONGEST_ROW for row in rows
    ):
        yield [part for row in rows for part in wrap_line(row, columns)]
        return
    for row in table.rows:
        yield from _record(row, columns, towards)


def _record(row: TableRow, columns: int, towards: str) -> Iterator[Paragraph]:
    """Yield the cells of a row one below the other, close together where they are mere text."""
    lines: Paragraph = []
    for cell in row.cells:
        inner = _blocks(cell.blocks, columns, towards)
        if _is_plain(cell):
            lines += [line for paragraph in inner for line in paragraph]
            continue
        yield from filter(None, (lines, *inner))
        lines = []
    yield from filter(None, (lines,))


def _is_plain(cell: TableCell) -> bool:
    return all(isinstance(block, TextBlock) for block in cell.blocks)


def _row(row: TableRow, towards: str) -> str:
    return BAR.join(_cell(cell, towards) for cell in row.cells).strip()


def _cell(cell: TableCell, towards: str) -> str:
    """Give the words of a cell, fenced off where they would turn what stands beside them."""
    words = " ".join(" ".join(text.words for text in text_blocks(cell.blocks)).split())
    return isolate(words) if letter_directions(words) - {towards} else words
