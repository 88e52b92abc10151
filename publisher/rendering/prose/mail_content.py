"""The content of an article for a mail: subscribers' placeholders in its text are broken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from publisher.articles.content.blocks import (
    ArticleContent,
    Block,
    BlockQuote,
    IndentedBlock,
    ListBlock,
    TableBlock,
    TableCell,
    TextBlock,
    text_blocks,
)
from publisher.articles.content.parser import parse_content
from publisher.articles.content.whitespace import RUN_SEPARATOR
from publisher.rendering.placeholders import neutralise_placeholders


def mail_content(html: str) -> ArticleContent:
    """Return the content of an article's HTML without placeholders for subscribers' values.

    An article must not read those values, even where two texts make a placeholder only together.
    """
    content = parse_content(html)
    return _disarmed(content) if "@" in html else content


def _disarmed(content: ArticleContent) -> ArticleContent:
    texts = [run.text for block in text_blocks(content.blocks) for run in block.runs]
    safe = neutralise_placeholders(RUN_SEPARATOR.join(texts)).split(RUN_SEPARATOR)
    return ArticleContent(blocks=_with_texts(content.blocks, iter(safe)))


def _with_texts(blocks: Iterable[Block], texts: Iterator[str]) -> tuple[Block, ...]:
    return tuple(_with_text(block, texts) for block in blocks)


def _with_text(block: Block, texts: Iterator[str]) -> Block:
    """Return a block with other texts for its runs, taken in document order."""
    match block:
        case TextBlock():
            runs = tuple(replace(run, text=next(texts)) for run in block.runs)
            return replace(block, runs=runs)
        case BlockQuote() | IndentedBlock():
            return replace(block, blocks=_with_texts(block.blocks, texts))
        case ListBlock():
            items = tuple(
                replace(item, blocks=_with_texts(item.blocks, texts)) for item in block.items
            )
            return replace(block, items=items)
        case TableBlock():
            rows = tuple(
                replace(row, cells=tuple(_with_cell(cell, texts) for cell in row.cells))
                for row in block.rows
            )
            return replace(block, rows=rows)
        case _:
            return block


def _with_cell(cell: TableCell, texts: Iterator[str]) -> TableCell:
    return replace(cell, blocks=_with_texts(cell.blocks, texts))
