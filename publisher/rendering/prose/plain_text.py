"""Blocks as plain text: hyphens and numbers for lists, indents for quotes, a line for a table row.

Markers, bars and indents stand outside of passages, so that the gate finds each passage whole. Lines are wrapped here,
because the indent of an item's later lines is known only here. Links are listed elsewhere (`mail_content.body_links`).
"""

from collections.abc import Iterator, Sequence

from publisher.articles.content.blocks import (
    ArticleContent,
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
from publisher.languages import direction
from publisher.languages.locales import letter_directions
from publisher.mail_limits import MAX_TEXT_COLUMNS
from publisher.rendering.plaintext import display_width, isolate, wrap_line

_INDENT = "  "
_BULLET = "- "
_BAR = " | "
_RULE = "* * *"
_TAB = 4  # columns of a tab, as code editors show it; mail programs differ
_MIN_COLUMNS = 30  # the columns that are left for text, however deep a block is nested
_MAX_ROW_COLUMNS = 2 * MAX_TEXT_COLUMNS  # longer rows are written cell by cell

_Paragraph = list[str]  # lines without an empty line between them


def plain_text(content: ArticleContent, *, language: str) -> str:
    """Return the content of an article in `language` as text of at most COLUMNS columns.

    An empty line separates blocks; passages are wrapped and otherwise unchanged. A line may be
    longer where an address or the marks of one letter are.
    """
    paragraphs = _blocks(content.blocks, MAX_TEXT_COLUMNS, direction(language))
    return "\n\n".join("\n".join(paragraph) for paragraph in paragraphs)


def _blocks(blocks: Sequence[Block], columns: int, towards: str) -> list[_Paragraph]:
    return [found for block in blocks for found in _block(block, columns, towards)]


def _block(block: Block, columns: int, towards: str) -> list[_Paragraph]:
    match block:
        case TextBlock():
            return [_text(block, columns)]
        case HorizontalRule():
            return [[_RULE]]
        case BlockQuote() | IndentedBlock():
            room = _less(columns, len(_INDENT))
            inner = _blocks(block.blocks, room, towards)
            return [_led(lines, _INDENT[: columns - room]) for lines in inner]
        case ListBlock():
            return _list(block, columns, towards)
        case TableBlock():
            return list(_table(block, columns, towards))
        case _:
            return []


def _less(columns: int, taken: int) -> int:
    return max(columns - taken, min(columns, _MIN_COLUMNS))


def _led(lines: _Paragraph, indent: str, first: str = "") -> _Paragraph:
    """Indent lines, with a marker in the indent of the first."""
    led = [f"{indent}{line}" if line else "" for line in lines]
    return [f"{first}{lines[0]}".rstrip(), *led[1:]] if first else led


def _text(text: TextBlock, columns: int) -> _Paragraph:
    if text.kind != TextKind.VERBATIM:
        return [part for line in text.words.split("\n") for part in wrap_line(line, columns)]
    lines = (line.expandtabs(_TAB).rstrip() for line in text.words.split("\n"))
    return [part for line in lines for part in _verbatim(line, columns)]


def _verbatim(line: str, columns: int) -> list[str]:
    """Wrap a line that is too long; at most half of each line is indent then."""
    content = line.lstrip(" ")
    indent = len(line) - len(content)
    if display_width(line) > columns:
        indent = min(indent, columns // 2)
    return wrap_line(" " * indent + content, columns)


def _list(block: ListBlock, columns: int, towards: str) -> list[_Paragraph]:
    """Return items with their markers, with empty lines between them unless all are short."""
    found: list[_Paragraph] = []
    for number, item in enumerate(block.items, block.start or 0):
        marker = _BULLET if block.start is None else f"{number}. "
        room = _less(columns, len(marker))
        inner = _blocks(item.blocks, room, towards) or [[""]]
        indent = " " * (columns - room)
        first, *others = inner
        found.append(_led(first, indent, marker))
        found += [_led(lines, indent) for lines in others]
    return [[line for lines in found for line in lines]] if _is_tight(block) else found


def _is_tight(block: ListBlock) -> bool:
    return all(map(_is_short, block.items))


def _is_short(item: ListItem) -> bool:
    """Return whether an item is one text, with at most such lists below it."""
    return all(isinstance(block, TextBlock) for block in item.blocks[:1]) and all(
        isinstance(block, ListBlock) and _is_tight(block) for block in item.blocks[1:]
    )


def _table(table: TableBlock, columns: int, towards: str) -> Iterator[_Paragraph]:
    rows = [_BAR.join(_cell(cell, towards) for cell in row.cells).strip() for row in table.rows]
    if all(map(_is_plain, table.cells)) and all(
        display_width(row) <= _MAX_ROW_COLUMNS for row in rows
    ):
        yield [part for row in rows for part in wrap_line(row, columns)]
        return
    for row in table.rows:
        yield from _record(row, columns, towards)


def _record(row: TableRow, columns: int, towards: str) -> Iterator[_Paragraph]:
    """Yield the cells of a row one below the other, text cells without empty lines between."""
    lines: _Paragraph = []
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


def _cell(cell: TableCell, towards: str) -> str:
    """Return the text of a cell, in an isolate if it would change the direction of its neighbours."""
    words = " ".join(" ".join(text.words for text in text_blocks(cell.blocks)).split())
    return isolate(words) if letter_directions(words) - {towards} else words
