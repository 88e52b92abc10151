"""The first part of an article: whole blocks, or whole sentences of the first. Pure.

Never ends within a sentence, on a heading or on words that only announce a list. Knows no mail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from publisher.articles.excerpts import sentences
from publisher.rendering.prose.blocks import (
    Block,
    BlockQuote,
    Figure,
    HorizontalRule,
    ListBlock,
    TextBlock,
    TextKind,
    TextRun,
    text_blocks,
)
from publisher.rendering.prose.folding import balance_directions

# What these say is said of what follows.
LEADING = frozenset({TextKind.HEADING, TextKind.TERM})
# A colon, as Latin, Chinese and Japanese texts write it; Arabic uses the first.
COLONS = (":", "：")


def opening_blocks(blocks: Sequence[Block], limit: int) -> tuple[tuple[Block, ...], bool]:
    """Take blocks from the beginning, of at most `limit` characters, and say if any are left.

    Where not even the first words fit, as many of their sentences are taken as do, and of what was
    announced as many items; nothing if the first sentence is longer.
    """
    taken: list[Block] = []
    for block in blocks:
        room = limit - text_length(taken)
        if text_length((block,)) > room:
            if not any(map(_says, taken)) or _announces(taken[-1]):
                taken += _part(block, room)
            break
        taken.append(block)
    kept = _well_ended(taken) if taken != list(blocks) else taken
    return tuple(kept), kept != list(blocks)


def text_length(blocks: Sequence[Block]) -> int:
    """Count the characters of blocks."""
    return sum(len(text.words) for text in text_blocks(blocks))


def _says(block: Block) -> bool:
    return any(text.kind not in LEADING for text in text_blocks((block,)))


def _part(block: Block, room: int) -> list[Block]:
    """Take what fits from a block that does not fit whole."""
    match block:
        case TextBlock(kind=TextKind.PARAGRAPH):
            return _sentences(block, room)
        case BlockQuote():
            inner, _cut = opening_blocks(block.blocks, room)
            return [replace(block, blocks=inner)] if inner else []
        case ListBlock():
            fitting = [n for n in range(1, len(block.items)) if _items(block, n) <= room]
            return [replace(block, items=block.items[: fitting[-1]])] if fitting else []
        case _:
            return []


def _items(listing: ListBlock, number: int) -> int:
    return sum(text_length(item.blocks) for item in listing.items[:number])


def _sentences(text: TextBlock, room: int) -> list[Block]:
    taken = ""
    for sentence in sentences(" ".join(text.words.split())):
        if len((taken + sentence).rstrip()) > room:
            break
        taken += sentence
    letters = len("".join(taken.split()))
    return (
        [replace(text, runs=tuple(balance_directions(_first(text.runs, letters))))]
        if letters
        else []
    )


def _first(runs: Sequence[TextRun], letters: int) -> tuple[TextRun, ...]:
    """Cut runs off after so many letters; white space, which may differ, does not count."""
    taken: list[TextRun] = []
    for run in runs:
        if not letters:
            break
        end = _after(run.text, letters)
        letters -= len("".join(run.text[:end].split()))
        taken.append(replace(run, text=run.text[:end]))
    return tuple(taken)


def _after(text: str, letters: int) -> int:
    """Find the end of so many letters in a text, or of the text."""
    for end, character in enumerate(text):
        if not letters:
            return end
        letters -= not character.isspace()
    return len(text)


def _well_ended(blocks: list[Block]) -> list[Block]:
    """Leave out what makes no sense at an end; words that announce something, if others stay."""
    kept = list(blocks)
    while kept and (isinstance(kept[-1], HorizontalRule) or not _is_end(kept[-1])):
        kept.pop()
    if kept and _announces(kept[-1]):
        before = _well_ended(kept[:-1])
        return before if any(map(_says, before)) else kept
    return kept


def _is_end(block: Block) -> bool:
    return isinstance(block, Figure) or _says(block)


def _announces(block: Block) -> bool:
    return isinstance(block, TextBlock) and block.words.rstrip().endswith(COLONS)
