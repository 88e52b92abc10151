"""What holds other blocks while they are read: quotations, lists, tables and their parts.

Whatever an article nests into whatever, no block is lost: what stands in a list or a table
without being an item, a row or a cell is taken in where it stands. Knows no text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from itertools import groupby

from publisher.rendering.prose.blocks import (
    NATIVE,
    Block,
    Cell,
    Inset,
    Item,
    Listing,
    Quote,
    Row,
    Table,
    Tongue,
)

Part = Block | Item | Row | Cell


class Shape(Enum):
    """What a container becomes; the BODY is the whole, and becomes nothing else."""

    BODY = auto()
    QUOTE = auto()
    INSET = auto()
    LIST = auto()
    ITEM = auto()
    TABLE = auto()
    ROW = auto()
    CELL = auto()


# The elements that each takes in a mail, one within the other; parts are counted with the whole.
LEVELS = {Shape.QUOTE: 4, Shape.LIST: 2, Shape.TABLE: 4, Shape.INSET: 1}
# A mail may be a hundred deep, and its frame needs twenty. Nine lists within each other are what a
# phone has room for, and more than anybody can read.
MOST_LEVELS = 18

SHAPES = {
    "blockquote": Shape.QUOTE,
    "ul": Shape.LIST,
    "ol": Shape.LIST,
    "dd": Shape.INSET,
    "table": Shape.TABLE,
}
# These are what they are only within their whole.
PARTS = {
    ("li", Shape.LIST): Shape.ITEM,
    ("tr", Shape.TABLE): Shape.ROW,
    ("td", Shape.ROW): Shape.CELL,
    ("th", Shape.ROW): Shape.CELL,
}


@dataclass(slots=True, kw_only=True)
class Container:
    """Blocks that are still being read, and what becomes of them.

    `start` is a numbered list's first number; `header`, `columns` and `rows` are a cell's.
    """

    shape: Shape = Shape.BODY
    tongue: Tongue = NATIVE
    levels: int = 0
    start: int | None = None
    header: bool = False
    columns: int = 1
    rows: int = 1
    parts: list[Part] = field(default_factory=list)

    def opens(self, tag: str) -> Shape | None:
        """Say what an element becomes in here; None if it holds no blocks of its own."""
        shape = PARTS.get((tag, self.shape)) or SHAPES.get(tag)
        deep = shape and self.levels + LEVELS.get(shape, 0) > MOST_LEVELS
        return None if deep else shape

    def built(self) -> list[Part]:
        """Give what has become of it, in document order; nothing if it has remained empty."""
        return list(BUILDERS[self.shape](self))

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Its parts, where none of them is part of anything but itself."""
        return tuple(part for part in self.parts if not isinstance(part, Item | Row | Cell))


def _quote(held: Container) -> Iterator[Part]:
    if held.blocks:
        yield Quote(blocks=held.blocks, tongue=held.tongue)


def _inset(held: Container) -> Iterator[Part]:
    if held.blocks:
        yield Inset(blocks=held.blocks, tongue=held.tongue)


def _item(held: Container) -> Iterator[Part]:
    yield Item(blocks=held.blocks, tongue=held.tongue)


def _list(held: Container) -> Iterator[Part]:
    items: list[Item] = []
    for part in held.parts:
        if isinstance(part, Item):
            # An empty item counts in a numbered list, and says nothing in another.
            items += [part] if part.blocks or held.start is not None else []
        elif not isinstance(part, Row | Cell):
            last = items.pop() if items else Item(blocks=(), tongue=held.tongue)
            items.append(replace(last, blocks=(*last.blocks, part)))
    if any(item.blocks for item in items):
        yield Listing(items=tuple(items), start=held.start, tongue=held.tongue)


def _cell(held: Container) -> Iterator[Part]:
    yield Cell(
        blocks=held.blocks,
        header=held.header,
        columns=held.columns,
        rows=held.rows,
        tongue=held.tongue,
    )


def _row(held: Container) -> Iterator[Part]:
    cells = [
        part if isinstance(part, Cell) else Cell(blocks=(part,), tongue=held.tongue)
        for part in held.parts
        if not isinstance(part, Item | Row)
    ]
    if any(cell.blocks for cell in cells):
        yield Row(cells=tuple(cells), tongue=held.tongue)


def _table(held: Container) -> Iterator[Part]:
    """Yield the rows as a table, and what stands between them, such as a caption, beside it."""
    for _is_row, group in groupby(held.parts, lambda part: isinstance(part, Row)):
        parts = list(group)
        rows = tuple(part for part in parts if isinstance(part, Row))
        if not rows:
            yield from parts
        elif any(sum(bool(cell.blocks) for cell in row.cells) > 1 for row in rows):
            yield Table(rows=rows, tongue=held.tongue)
        else:
            # One cell a row: a box around something, or a column of a layout. No table is lost.
            yield from (block for row in rows for cell in row.cells for block in cell.blocks)


BUILDERS = {
    Shape.QUOTE: _quote,
    Shape.INSET: _inset,
    Shape.LIST: _list,
    Shape.ITEM: _item,
    Shape.TABLE: _table,
    Shape.ROW: _row,
    Shape.CELL: _cell,
}
