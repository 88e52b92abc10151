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
class Tongue:
    """The language and direction that an article says its words are in; None for the article's."""

    language: str | None = None
    direction: Direction | None = None


NATIVE = Tongue()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What is said of some words in a line: the name of an HTML element, and what it carries."""

    tag: str
    href: str = ""
    title: str = ""
    tongue: Tongue | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Words under the same marks, outermost first; a line feed is a line break.

    A picture as small as a letter stands in a run of its own, which has no words.
    """

    text: str
    marks: tuple[Mark, ...] = ()
    picture: Picture | None = None


class Kind(StrEnum):
    """What a text is for; VERBATIM keeps its lines and spaces."""

    PARAGRAPH = "paragraph"
    HEADING = "heading"
    VERBATIM = "verbatim"
    TERM = "term"
    CAPTION = "caption"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Words that stand together; `level` is 1 or 2 for a heading, else 0."""

    runs: tuple[Run, ...]
    kind: Kind = Kind.PARAGRAPH
    level: int = 0
    tongue: Tongue = NATIVE

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
class Rule:
    """A line across the column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Blocks by somebody else."""

    blocks: tuple[Block, ...]
    tongue: Tongue = NATIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Inset:
    """Blocks that belong to what stands before them, as an explanation to its term."""

    blocks: tuple[Block, ...]
    tongue: Tongue = NATIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An item of a list."""

    blocks: tuple[Block, ...]
    tongue: Tongue = NATIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A list; `start` is the first number, None where items have none."""

    items: tuple[Item, ...]
    start: int | None = None
    tongue: Tongue = NATIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell of a table, and how many columns and rows it takes."""

    blocks: tuple[Block, ...]
    header: bool = False
    columns: int = 1
    rows: int = 1
    tongue: Tongue = NATIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a table."""

    cells: tuple[Cell, ...]
    tongue: Tongue = NATIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of more than one cell; its caption is a text of its own."""

    rows: tuple[Row, ...]
    tongue: Tongue = NATIVE

    @property
    def cells(self) -> Iterator[Cell]:
        """All cells, row by row."""
        return (cell for row in self.rows for cell in row.cells)


Block = Text | Figure | Rule | Quote | Inset | Listing | Table


def held(block: Block) -> Iterator[tuple[Block, ...]]:
    """Give the sequences of blocks that a block holds, in document order."""
    match block:
        case Quote() | Inset():
            yield block.blocks
        case Listing():
            yield from (item.blocks for item in block.items)
        case Table():
            yield from (cell.blocks for cell in block.cells)
        case _:
            pass


def every(blocks: Iterable[Block]) -> Iterator[Block]:
    """Give all blocks, whoever holds them, each before those that it holds."""
    for block in blocks:
        yield block
        for inner in held(block):
            yield from every(inner)


def texts(blocks: Iterable[Block]) -> Iterator[Text]:
    """Give all texts in document order."""
    return (block for block in every(blocks) if isinstance(block, Text))
