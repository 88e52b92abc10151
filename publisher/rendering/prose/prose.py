"""An article's body, read once, and its words. Knows no mail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from publisher.rendering.prose.blocks import Block, Quote, every, texts
from publisher.rendering.prose.opening import opening
from publisher.rendering.prose.parsing import parse_blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """The blocks of an article's body, or of its beginning."""

    blocks: tuple[Block, ...]

    def opening(self, limit: int) -> tuple[Prose, bool]:
        """Give the beginning, of at most `limit` characters, and whether anything is left out.

        Whole blocks, or whole sentences of the first; nothing if its first sentence is longer.
        """
        taken, cut = opening(self.blocks, limit)
        return Prose(blocks=taken), cut


def parse(html: str) -> Prose:
    """Read the sanitised HTML of an article."""
    return Prose(blocks=parse_blocks(html))


def passages(prose: Prose) -> tuple[str, ...]:
    """Give the words text by text (a paragraph, a heading, a cell), in document order."""
    return tuple(text.words for text in texts(prose.blocks))


def quotations(prose: Prose) -> Iterator[str]:
    """Give the words that an article quotes in its own language, each quotation on one line."""
    for block in every(prose.blocks):
        if isinstance(block, Quote) and not block.tongue.language:
            yield " ".join(" ".join(text.words for text in texts((block,))).split())
