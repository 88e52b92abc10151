"""An article's body as a sequence of blocks: frozen values, with the words of each.

The tree is shallow: what stands inside a line is a flat row of runs with their marks, and only
quotations, lists, insets and tables hold other blocks. Knows no HTML, no mail and no width.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from publisher.articles.model import Picture

Direction = Literal["ltr", "rtl"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageAttrs:
    """The language and direction that an article says its words are in; None for the article's."""

    language: str | None = None
    direction: Direction | None = None


INHERITED = LanguageAttrs()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What is said of some words in a line: the name of an HTML element, and what it carries."""

    tag: str
    href: str = ""
    title: str = ""
    tongue: LanguageAttrs | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRun:
    """Words under the same marks, outermost first; a line feed is a line break.

    A picture as small as a letter stands in a run of its own, which has no words.
    """

    text: str
    marks: tuple[Mark, ...] = ()
    picture: Picture | None = None


class TextKind(StrEnum):
    """What a text is for; VERBATIM keeps its lines and spaces."""

    PARAGRAPH = "paragraph"
    HEADING = "heading"
    VERBATIM = "verbatim"
    TERM = "term"
    CAPTION = "caption"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextBlock:
    """Words that stand together; `level` is 1 or 2 for a heading, else 0."""

    runs: tuple[TextRun, ...]
    kind: TextKind = TextKind.PARAGRAPH
    level: int = 0
    tongue: LanguageAttrs = INHERITED

    @property
    def words(self) -> str:
        """The words alone."""
        return "".join(run.text for run in self.runs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A picture that stands by itself, and where it leads to, if anywhere."""

    picture: Picture
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HorizontalRule:
    """A line across the column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockQuote:
    """Blocks by somebody else."""

    blocks: tuple[Block, ...]
    tongue: LanguageAttrs = INHERITED


@dataclass(frozen=True, slots=True, kw_only=True)
class IndentedBlock:
    """Blocks that belong to what stands before them, as an explanation to its term."""

    blocks: tuple[Block, ...]
    tongue: LanguageAttrs = INHERITED


@dataclass(frozen=True, slots=True, kw_only=True)
class ListItem:
    """An item of a list."""

    blocks: tuple[Block, ...]
    tongue: LanguageAttrs = INHERITED


@dataclass(frozen=True, slots=True, kw_only=True)
class ListBlock:
    """A list; `start` is the first number, None where items have none."""

    items: tuple[ListItem, ...]
    start: int | None = None
    tongue: LanguageAttrs = INHERITED


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCell:
    """A cell of a table, and how many columns and rows it takes."""

    blocks: tuple[Block, ...]
    header: bool = False
    columns: int = 1
    rows: int = 1
    tongue: LanguageAttrs = INHERITED


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """A row of a table."""

    cells: tuple[TableCell, ...]
    tongue: LanguageAttrs = INHERITED


@dataclass(frozen=True, slots=True, kw_only=True)
class TableBlock:
    """A table of more than one cell; its caption is a text of its own."""

    rows: tuple[TableRow, ...]
    tongue: LanguageAttrs = INHERITED

    @property
    def cells(self) -> Iterator[TableCell]:
        """All cells, row by row."""
        return (cell for row in self.rows for cell in row.cells)


Block = (
    TextBlock | Figure | HorizontalRule | BlockQuote | IndentedBlock | ListBlock | TableBlock
)


def inner_blocks(block: Block) -> Iterator[tuple[Block, ...]]:
    """Give the sequences of blocks that a block holds, in document order."""
    match block:
        case BlockQuote() | IndentedBlock():
            yield block.blocks
        case ListBlock():
            yield from (item.blocks for item in block.items)
        case TableBlock():
            yield from (cell.blocks for cell in block.cells)
        case _:
            pass


def walk_blocks(blocks: Iterable[Block]) -> Iterator[Block]:
    """Give all blocks, whoever holds them, each before those that it holds."""
    for block in blocks:
        yield block
        for inner in inner_blocks(block):
            yield from walk_blocks(inner)


def text_blocks(blocks: Iterable[Block]) -> Iterator[TextBlock]:
    """Give all texts in document order."""
    return (block for block in walk_blocks(blocks) if isinstance(block, TextBlock))
