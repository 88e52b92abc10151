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
    INHERITED,
    Block,
    BlockQuote,
    IndentedBlock,
    LanguageAttrs,
    ListBlock,
    ListItem,
    TableBlock,
    TableCell,
    TableRow,
)

BlockPart = Block | ListItem | TableRow | TableCell


class BlockType(Enum):
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
LEVELS = {BlockType.QUOTE: 4, BlockType.LIST: 2, BlockType.TABLE: 4, BlockType.INSET: 1}
# A mail may be a hundred deep, and its frame needs twenty. Nine lists within each other are what a
# phone has room for, and more than anybody can read.
MOST_LEVELS = 18

SHAPES = {
    "blockquote": BlockType.QUOTE,
    "ul": BlockType.LIST,
    "ol": BlockType.LIST,
    "dd": BlockType.INSET,
    "table": BlockType.TABLE,
}
# These are what they are only within their whole.
PARTS = {
    ("li", BlockType.LIST): BlockType.ITEM,
    ("tr", BlockType.TABLE): BlockType.ROW,
    ("td", BlockType.ROW): BlockType.CELL,
    ("th", BlockType.ROW): BlockType.CELL,
}


@dataclass(slots=True, kw_only=True)
class BlockBuilder:
    """Blocks that are still being read, and what becomes of them.

    `start` is a numbered list's first number; `header`, `columns` and `rows` are a cell's.
    """

    shape: BlockType = BlockType.BODY
    tongue: LanguageAttrs = INHERITED
    levels: int = 0
    start: int | None = None
    header: bool = False
    columns: int = 1
    rows: int = 1
    parts: list[BlockPart] = field(default_factory=list)

    def opens(self, tag: str) -> BlockType | None:
        """Say what an element becomes in here; None if it holds no blocks of its own."""
        shape = PARTS.get((tag, self.shape)) or SHAPES.get(tag)
        deep = shape and self.levels + LEVELS.get(shape, 0) > MOST_LEVELS
        return None if deep else shape

    def built(self) -> list[BlockPart]:
        """Give what has become of it, in document order; nothing if it has remained empty."""
        return list(BUILDERS[self.shape](self))

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Its parts, where none of them is part of anything but itself."""
        return tuple(
            part for part in self.parts if not isinstance(part, ListItem | TableRow | TableCell)
        )


def _quote(held: BlockBuilder) -> Iterator[BlockPart]:
    if held.blocks:
        yield BlockQuote(blocks=held.blocks, tongue=held.tongue)


def _inset(held: BlockBuilder) -> Iterator[BlockPart]:
    if held.blocks:
        yield IndentedBlock(blocks=held.blocks, tongue=held.tongue)


def _item(held: BlockBuilder) -> Iterator[BlockPart]:
    yield ListItem(blocks=held.blocks, tongue=held.tongue)


def _list(held: BlockBuilder) -> Iterator[BlockPart]:
    items: list[ListItem] = []
    for part in held.parts:
        if isinstance(part, ListItem):
            # An empty item counts in a numbered list, and says nothing in another.
            items += [part] if part.blocks or held.start is not None else []
        elif not isinstance(part, TableRow | TableCell):
            last = items.pop() if items else ListItem(blocks=(), tongue=held.tongue)
            items.append(replace(last, blocks=(*last.blocks, part)))
    if any(item.blocks for item in items):
        yield ListBlock(items=tuple(items), start=held.start, tongue=held.tongue)


def _cell(held: BlockBuilder) -> Iterator[BlockPart]:
    yield TableCell(
        blocks=held.blocks,
        header=held.header,
        columns=held.columns,
        rows=held.rows,
        tongue=held.tongue,
    )


def _row(held: BlockBuilder) -> Iterator[BlockPart]:
    cells = [
        part if isinstance(part, TableCell) else TableCell(blocks=(part,), tongue=held.tongue)
        for part in held.parts
        if not isinstance(part, ListItem | TableRow)
    ]
    if any(cell.blocks for cell in cells):
        yield TableRow(cells=tuple(cells), tongue=held.tongue)


def _table(held: BlockBuilder) -> Iterator[BlockPart]:
    """Yield the rows as a table, and what stands between them, such as a caption, beside it."""
    for _is_row, group in groupby(held.parts, lambda part: isinstance(part, TableRow)):
        parts = list(group)
        rows = tuple(part for part in parts if isinstance(part, TableRow))
        if not rows:
            yield from parts
        elif any(sum(bool(cell.blocks) for cell in row.cells) > 1 for row in rows):
            yield TableBlock(rows=rows, tongue=held.tongue)
        else:
            # One cell a row: a box around something, or a column of a layout. No table is lost.
            yield from (block for row in rows for cell in row.cells for block in cell.blocks)


BUILDERS = {
    BlockType.QUOTE: _quote,
    BlockType.INSET: _inset,
    BlockType.LIST: _list,
    BlockType.ITEM: _item,
    BlockType.TABLE: _table,
    BlockType.ROW: _row,
    BlockType.CELL: _cell,
}
