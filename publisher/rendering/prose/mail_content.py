"""The content of an article as a mail contains it: without placeholders, whole or its beginning.

A beginning never ends inside a sentence, on a heading or on words that only announce a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from publisher.articles.content.blocks import (
    ArticleContent,
    Block,
    BlockQuote,
    Figure,
    HorizontalRule,
    IndentedBlock,
    ListBlock,
    TableBlock,
    TableCell,
    TextBlock,
    TextKind,
    TextRun,
    text_blocks,
)
from publisher.articles.content.characters import RUN_SEPARATOR, remove_unbalanced_controls
from publisher.articles.content.excerpt import split_sentences
from publisher.articles.content.parser import parse_content
from publisher.rendering.placeholders import neutralise_placeholders

# These make sense only with what follows them.
_LEADING = frozenset({TextKind.HEADING, TextKind.TERM})
# Latin and Arabic texts end an announcement with the first; Chinese and Japanese with the second.
_COLONS = (":", "：")


def mail_content(html: str) -> ArticleContent:
    """Return the content of an article's HTML without placeholders for subscribers' values.

    An article must not read those values, even where two texts make a placeholder only together.
    """
    content = parse_content(html)
    return _without_placeholders(content) if "@" in html else content


def _without_placeholders(content: ArticleContent) -> ArticleContent:
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


def content_opening(content: ArticleContent, limit: int) -> tuple[ArticleContent, bool]:
    """Return the beginning within `limit` characters, and whether anything is left out.

    Where the first block does not fit, as many of its sentences are taken as fit, or as many items
    of the list that it announces; nothing if the first sentence is longer.
    """
    taken, is_cut = _opening(content.blocks, limit)
    return ArticleContent(blocks=taken), is_cut


def _opening(blocks: Sequence[Block], limit: int) -> tuple[tuple[Block, ...], bool]:
    taken: list[Block] = []
    for block in blocks:
        room = limit - _length(taken)
        if _length((block,)) > room:
            if not any(map(_says_something, taken)) or _announces(taken[-1]):
                taken += _part(block, room)
            break
        taken.append(block)
    kept = _well_ended(taken) if taken != list(blocks) else taken
    return tuple(kept), kept != list(blocks)


def _length(blocks: Sequence[Block]) -> int:
    """Return the number of characters in blocks."""
    return sum(len(text.words) for text in text_blocks(blocks))


def _says_something(block: Block) -> bool:
    return any(text.kind not in _LEADING for text in text_blocks((block,)))


def _part(block: Block, room: int) -> list[Block]:
    """Return what fits of a block that does not fit whole."""
    match block:
        case TextBlock(kind=TextKind.PARAGRAPH):
            return _sentences(block, room)
        case BlockQuote():
            inner, _is_cut = _opening(block.blocks, room)
            return [replace(block, blocks=inner)] if inner else []
        case ListBlock():
            fitting = [n for n in range(1, len(block.items)) if _items_length(block, n) <= room]
            return [replace(block, items=block.items[: fitting[-1]])] if fitting else []
        case _:
            return []


def _items_length(block: ListBlock, number: int) -> int:
    return sum(_length(item.blocks) for item in block.items[:number])


def _sentences(text: TextBlock, room: int) -> list[Block]:
    taken = ""
    for sentence in split_sentences(" ".join(text.words.split())):
        if len((taken + sentence).rstrip()) > room:
            break
        taken += sentence
    letters = len("".join(taken.split()))
    if not letters:
        return []
    runs = remove_unbalanced_controls(_first_letters(text.runs, letters))
    return [replace(text, runs=tuple(runs))]


def _first_letters(runs: Sequence[TextRun], letters: int) -> tuple[TextRun, ...]:
    """Cut runs off after so many characters; white space, which may differ, does not count."""
    taken: list[TextRun] = []
    for run in runs:
        if not letters:
            break
        end = _end_of(run.text, letters)
        letters -= len("".join(run.text[:end].split()))
        taken.append(replace(run, text=run.text[:end]))
    return tuple(taken)


def _end_of(text: str, letters: int) -> int:
    """Return the index behind so many characters of a text that are no white space."""
    for end, character in enumerate(text):
        if not letters:
            return end
        letters -= not character.isspace()
    return len(text)


def _well_ended(blocks: list[Block]) -> list[Block]:
    """Remove headings, terms and rules at the end, and announcements if something else stays."""
    kept = list(blocks)
    while kept and (isinstance(kept[-1], HorizontalRule) or not _can_end(kept[-1])):
        kept.pop()
    if kept and _announces(kept[-1]):
        before = _well_ended(kept[:-1])
        return before if any(map(_says_something, before)) else kept
    return kept


def _can_end(block: Block) -> bool:
    return isinstance(block, Figure) or _says_something(block)


def _announces(block: Block) -> bool:
    return isinstance(block, TextBlock) and block.words.rstrip().endswith(_COLONS)
