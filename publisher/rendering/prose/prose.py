"""An article's body, read once, and its words. Knows no mail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from publisher.rendering.prose.blocks import Block, BlockQuote, text_blocks, walk_blocks
from publisher.rendering.prose.opening import opening_blocks
from publisher.rendering.prose.parsing import parse_blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleContent:
    """The blocks of an article's body, or of its beginning."""

    blocks: tuple[Block, ...]

    def opening(self, limit: int) -> tuple[ArticleContent, bool]:
        """Give the beginning, of at most `limit` characters, and whether anything is left out.

        Whole blocks, or whole sentences of the first; nothing if its first sentence is longer.
        """
        taken, cut = opening_blocks(self.blocks, limit)
        return ArticleContent(blocks=taken), cut


def parse_content(html: str) -> ArticleContent:
    """Read the sanitised HTML of an article."""
    return ArticleContent(blocks=parse_blocks(html))


def passages(prose: ArticleContent) -> tuple[str, ...]:
    """Give the words text by text (a paragraph, a heading, a cell), in document order."""
    return tuple(text.words for text in text_blocks(prose.blocks))


def quotations(prose: ArticleContent) -> Iterator[str]:
    """Give the words that an article quotes in its own language, each quotation on one line."""
    for block in walk_blocks(prose.blocks):
        if isinstance(block, BlockQuote) and not block.tongue.language:
            yield " ".join(" ".join(text.words for text in text_blocks((block,))).split())
