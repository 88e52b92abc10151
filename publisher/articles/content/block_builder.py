"""Build quotes, lists and tables from the blocks inside them, whatever the HTML nests.

No block is lost: what stands in a list or a table outside of its items, rows and cells is kept in
document order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from itertools import groupby

from publisher.articles.content.blocks import (
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
    """What a builder makes; BODY is the whole article."""

    BODY = auto()
    QUOTE = auto()
    INDENTED = auto()
    LIST = auto()
    ITEM = auto()
    TABLE = auto()
    ROW = auto()
    CELL = auto()


# Nested elements that each takes in a mail; items, rows and cells are counted with the whole.
BLOCK_LEVELS = {
    BlockType.QUOTE: 4,
    BlockType.LIST: 2,
    BlockType.TABLE: 4,
    BlockType.INDENTED: 1,
}
# A mail may nest 100 elements, of which its frame takes 20. A phone has room for nine lists.
_MAX_LEVELS = 18

_TYPES = {
    "blockquote": BlockType.QUOTE,
    "ul": BlockType.LIST,
    "ol": BlockType.LIST,
    "dd": BlockType.INDENTED,
    "table": BlockType.TABLE,
}
# These tags count only directly inside the block that they are a part of.
_PART_TYPES = {
    ("li", BlockType.LIST): BlockType.ITEM,
    ("tr", BlockType.TABLE): BlockType.ROW,
    ("td", BlockType.ROW): BlockType.CELL,
    ("th", BlockType.ROW): BlockType.CELL,
}


@dataclass(slots=True, kw_only=True)
class BlockBuilder:
    """Collects the parts of one block.

    `start` is the first number of a numbered list; `header`, `columns` and `rows` are a cell's.
    """

    shape: BlockType = BlockType.BODY
    attrs: LanguageAttrs = INHERITED
    levels: int = 0
    start: int | None = None
    header: bool = False
    columns: int = 1
    rows: int = 1
    parts: list[BlockPart] = field(default_factory=list)

    def opens(self, tag: str) -> BlockType | None:
        """Return what an element inside becomes; None if its blocks are added to this one."""
        shape = _PART_TYPES.get((tag, self.shape)) or _TYPES.get(tag)
        too_deep = shape and self.levels + BLOCK_LEVELS.get(shape, 0) > _MAX_LEVELS
        return None if too_deep else shape

    def built(self) -> list[BlockPart]:
        """Return the block, with what can't be inside it before or behind; nothing if empty."""
        return list(_BUILDERS[self.shape](self))

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The parts that are blocks of their own."""
        return tuple(
            part for part in self.parts if not isinstance(part, ListItem | TableRow | TableCell)
        )


def _quote(builder: BlockBuilder) -> Iterator[BlockPart]:
    if builder.blocks:
        yield BlockQuote(blocks=builder.blocks, attrs=builder.attrs)


def _indented(builder: BlockBuilder) -> Iterator[BlockPart]:
    if builder.blocks:
        yield IndentedBlock(blocks=builder.blocks, attrs=builder.attrs)


def _item(builder: BlockBuilder) -> Iterator[BlockPart]:
    yield ListItem(blocks=builder.blocks, attrs=builder.attrs)


def _list(builder: BlockBuilder) -> Iterator[BlockPart]:
    items: list[ListItem] = []
    for part in builder.parts:
        if isinstance(part, ListItem):
            # An empty item counts only in a numbered list.
            items += [part] if part.blocks or builder.start is not None else []
        elif not isinstance(part, TableRow | TableCell):
            last = items.pop() if items else ListItem(blocks=(), attrs=builder.attrs)
            items.append(replace(last, blocks=(*last.blocks, part)))
    if any(item.blocks for item in items):
        yield ListBlock(items=tuple(items), start=builder.start, attrs=builder.attrs)


def _cell(builder: BlockBuilder) -> Iterator[BlockPart]:
    yield TableCell(
        blocks=builder.blocks,
        header=builder.header,
        columns=builder.columns,
        rows=builder.rows,
        attrs=builder.attrs,
    )


def _row(builder: BlockBuilder) -> Iterator[BlockPart]:
    cells = [
        part if isinstance(part, TableCell) else TableCell(blocks=(part,), attrs=builder.attrs)
        for part in builder.parts
        if not isinstance(part, ListItem | TableRow)
    ]
    if any(cell.blocks for cell in cells):
        yield TableRow(cells=tuple(cells), attrs=builder.attrs)


def _table(builder: BlockBuilder) -> Iterator[BlockPart]:
    """Yield rows as a table; what stands between them, such as a caption, separately."""
    for _is_row, group in groupby(builder.parts, lambda part: isinstance(part, TableRow)):
        parts = list(group)
        rows = tuple(part for part in parts if isinstance(part, TableRow))
        if not rows:
            yield from parts
        elif any(sum(bool(cell.blocks) for cell in row.cells) > 1 for row in rows):
            yield TableBlock(rows=rows, attrs=builder.attrs)
        else:
            # One cell a row is a box or a layout column, not a table of data.
            yield from (block for row in rows for cell in row.cells for block in cell.blocks)


_BUILDERS = {
    BlockType.QUOTE: _quote,
    BlockType.INDENTED: _indented,
    BlockType.LIST: _list,
    BlockType.ITEM: _item,
    BlockType.TABLE: _table,
    BlockType.ROW: _row,
    BlockType.CELL: _cell,
}
