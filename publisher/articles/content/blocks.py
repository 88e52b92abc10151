"""The content of an article as frozen values: blocks of text, pictures, lists and tables.

Text in a block is a flat sequence of runs with their marks; only quotes, lists, indented blocks and tables hold other
blocks. What stands in a list or table outside of its items, rows and cells is kept in document order.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum, auto
from functools import partial
from itertools import groupby, takewhile

from publisher.articles.model import Picture
from publisher.languages.locales import Direction

PARAGRAPH_GAP = "\n\n"  # what stands before a paragraph in plain text


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageAttrs:
    """The language and direction that HTML declares; None where the article's own apply."""

    language: str | None = None
    direction: Direction | None = None

    def inner(self, declared: LanguageAttrs | None) -> LanguageAttrs:
        if declared is None:
            return self
        return LanguageAttrs(
            language=declared.language or self.language,
            direction=declared.direction or self.direction,
        )


INHERITED = LanguageAttrs()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Inline formatting: the name of an HTML element, and the attributes that are kept."""

    tag: str
    href: str = ""
    title: str = ""
    attrs: LanguageAttrs | None = None


@dataclass(frozen=True, slots=True)
class TextRun:
    """Text under the same marks, outermost first; a line feed is a line break. A picture of a letter's size has no text."""

    text: str
    marks: tuple[Mark, ...] = ()
    picture: Picture | None = None

    @property
    def href(self) -> str:
        return next((mark.href for mark in self.marks if mark.tag == "a"), "")


class TextKind(StrEnum):
    """The role of a text block; VERBATIM keeps its line breaks and spaces."""

    PARAGRAPH = "paragraph"
    HEADING = "heading"
    VERBATIM = "verbatim"
    TERM = "term"
    CAPTION = "caption"


@dataclass(frozen=True, slots=True)
class TextBlock:
    """A text; `level` is 1 or 2 for a heading, else 0. `gap` separates it from the text before, in plain text."""

    runs: tuple[TextRun, ...]
    kind: TextKind = TextKind.PARAGRAPH
    level: int = 0
    attrs: LanguageAttrs = INHERITED
    gap: str = field(default=PARAGRAPH_GAP, compare=False)

    @property
    def words(self) -> str:
        return "".join([run.text for run in self.runs])


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture in a block of its own; `href` is the address it links to, if any."""

    picture: Picture
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HorizontalRule:
    """A line across the column (`hr`)."""


@dataclass(frozen=True, slots=True)
class BlockQuote:
    """Blocks quoted from somebody else."""

    blocks: tuple[Block, ...]
    attrs: LanguageAttrs = INHERITED


@dataclass(frozen=True, slots=True)
class IndentedBlock:
    """Blocks that belong to the block before them, as a definition to its term (`dd`)."""

    blocks: tuple[Block, ...]
    attrs: LanguageAttrs = INHERITED


@dataclass(frozen=True, slots=True)
class ListItem:
    """An item of a list."""

    blocks: tuple[Block, ...]
    attrs: LanguageAttrs = INHERITED


@dataclass(frozen=True, slots=True)
class ListBlock:
    """A list; `start` is the first number, None for a list without numbers."""

    items: tuple[ListItem, ...]
    start: int | None = None
    attrs: LanguageAttrs = INHERITED


@dataclass(frozen=True, slots=True)
class TableCell:
    """A cell of a table; `columns` and `rows` are how many it spans."""

    blocks: tuple[Block, ...]
    header: bool = False
    columns: int = 1
    rows: int = 1
    attrs: LanguageAttrs = INHERITED


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a table."""

    cells: tuple[TableCell, ...]
    attrs: LanguageAttrs = INHERITED


@dataclass(frozen=True, slots=True)
class TableBlock:
    """A table of more than one cell; its caption is a text block before or after it."""

    rows: tuple[TableRow, ...]
    attrs: LanguageAttrs = INHERITED

    @property
    def cells(self) -> Iterator[TableCell]:
        return (cell for row in self.rows for cell in row.cells)


Block = (
    TextBlock | Figure | HorizontalRule | BlockQuote | IndentedBlock | ListBlock | TableBlock
)


@dataclass(frozen=True, slots=True)
class QuotedText:
    """What an article quotes, on one line. `speaker` is whom it names beside it, without the dash; empty for nobody."""

    text: str
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class ArticleContent:
    """The content of an article, or of its beginning."""

    blocks: tuple[Block, ...]

    @property
    def text(self) -> str:
        """The plain text: blocks apart by an empty line, table rows by a line, cells by a tab."""
        found = list(text_blocks(self.blocks))
        parts = [part for block in found for part in (block.gap, block.words)]
        return unicodedata.normalize("NFC", "".join(parts[1:]))

    @property
    def passages(self) -> tuple[str, ...]:
        return tuple(block.words for block in text_blocks(self.blocks))

    @property
    def quotations(self) -> Iterator[QuotedText]:
        blocks = list(walk_blocks(self.blocks))
        for place, block in enumerate(blocks, 1):
            if isinstance(block, BlockQuote) and not block.attrs.language:
                texts = list(text_blocks((block,)))
                end = place + sum(1 for _inner in walk_blocks(block.blocks))
                yield _quoted_text(texts, blocks[end : end + 2])


# The end of a quotation that names its speaker: a dash and a name, on a line of their own or behind the end of a
# sentence. Lines of a dialogue begin with dashes, too, and say nothing of who speaks.
_DASH = r"(?:[—–―]+|--?)\s*"
_SPEAKER = re.compile(
    r"(?!\s*[—–―-])(?P<text>.*\S)"
    rf"(?:\n\s*{_DASH}(?P<line>[^\n]{{2,100}})"
    rf"|(?<=[.!?…؟\"”»“。！？」』])\s*{_DASH}(?P<name>[^\n—–―]{{2,60}}(?<![.!?…؟。！？])))",
    re.DOTALL,
)
_ENDS = re.compile(r"(?:^|[\n.!?…؟\"”»“。！？」』—–―-])\s*\Z")


def _quoted_text(texts: Sequence[TextBlock], after: Sequence[Block]) -> QuotedText:
    """Return a quotation, of which a caption behind it may name the speaker (HTML standard, 4.4.4), unless it is a table's."""
    lines = [text.words for text in texts]
    if texts:
        lines[-1] = _with_dash(texts[-1])
    match after:
        case [TextBlock(kind=TextKind.CAPTION) as caption, *rest] if not any(
            isinstance(one, Figure | TableBlock) for one in rest
        ):
            lines.append(f"— {caption.words.lstrip(' —–―-')}")
    stated = _SPEAKER.fullmatch("\n".join(lines).strip())
    if stated is None:
        return QuotedText(" ".join(" ".join(text.words for text in texts).split()))
    speaker = stated["line"] or stated["name"]
    return QuotedText(" ".join(stated["text"].split()), " ".join(speaker.split()))


def _with_dash(block: TextBlock) -> str:
    """Return a text with a dash before the citation (`cite`) that ends it, as before a name."""
    is_cited = (any(mark.tag == "cite" for mark in run.marks) for run in reversed(block.runs))
    count = sum(1 for _cited in takewhile(bool, is_cited))
    runs = [run.text for run in block.runs]
    before, name = "".join(runs[: len(runs) - count]), "".join(runs[len(runs) - count :])
    if not name.strip() or not _ENDS.search(before):
        return block.words
    return before.rstrip(" \n—–―-") + f"\n— {name.lstrip(' —–―-')}"


def walk_blocks(blocks: Iterable[Block]) -> Iterator[Block]:
    for block in blocks:
        yield block
        for inner in _inner_blocks(block):
            yield from walk_blocks(inner)


def _inner_blocks(block: Block) -> Iterator[tuple[Block, ...]]:
    match block:
        case BlockQuote() | IndentedBlock():
            yield block.blocks
        case ListBlock():
            yield from (item.blocks for item in block.items)
        case TableBlock():
            yield from (cell.blocks for cell in block.cells)
        case _:
            pass


def text_blocks(blocks: Iterable[Block]) -> Iterator[TextBlock]:
    return (block for block in walk_blocks(blocks) if isinstance(block, TextBlock))


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
    """Collects the parts of a block; `start` is the first number of a list, `cell` a cell without its blocks."""

    shape: BlockType = BlockType.BODY
    attrs: LanguageAttrs = INHERITED
    levels: int = 0
    start: int | None = None
    cell: TableCell = TableCell(blocks=())
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


def _nested(
    kind: type[BlockQuote | IndentedBlock], builder: BlockBuilder
) -> Iterator[BlockPart]:
    if builder.blocks:
        yield kind(builder.blocks, builder.attrs)


def _item(builder: BlockBuilder) -> Iterator[BlockPart]:
    yield ListItem(builder.blocks, builder.attrs)


def _list(builder: BlockBuilder) -> Iterator[BlockPart]:
    items: list[ListItem] = []
    for part in builder.parts:
        if isinstance(part, ListItem):
            # An empty item counts only in a numbered list.
            items += [part] if part.blocks or builder.start is not None else []
        elif not isinstance(part, TableRow | TableCell):
            last = items.pop() if items else ListItem((), builder.attrs)
            items.append(replace(last, blocks=(*last.blocks, part)))
    if any(item.blocks for item in items):
        yield ListBlock(tuple(items), builder.start, builder.attrs)


def _cell(builder: BlockBuilder) -> Iterator[BlockPart]:
    yield replace(builder.cell, blocks=builder.blocks, attrs=builder.attrs)


def _row(builder: BlockBuilder) -> Iterator[BlockPart]:
    cells = [
        part if isinstance(part, TableCell) else TableCell(blocks=(part,), attrs=builder.attrs)
        for part in builder.parts
        if not isinstance(part, ListItem | TableRow)
    ]
    if any(cell.blocks for cell in cells):
        yield TableRow(tuple(cells), builder.attrs)


def _table(builder: BlockBuilder) -> Iterator[BlockPart]:
    """Yield rows as a table; what stands between them, such as a caption, separately."""
    for _is_row, group in groupby(builder.parts, lambda part: isinstance(part, TableRow)):
        parts = list(group)
        rows = tuple(part for part in parts if isinstance(part, TableRow))
        if not rows:
            yield from parts
        elif any(sum(bool(cell.blocks) for cell in row.cells) > 1 for row in rows):
            yield TableBlock(rows, builder.attrs)
        else:
            # One cell a row is a box or a layout column, not a table of data.
            yield from (block for row in rows for cell in row.cells for block in cell.blocks)


_BUILDERS: dict[BlockType, Callable[[BlockBuilder], Iterator[BlockPart]]] = {
    BlockType.QUOTE: partial(_nested, BlockQuote),
    BlockType.INDENTED: partial(_nested, IndentedBlock),
    BlockType.LIST: _list,
    BlockType.ITEM: _item,
    BlockType.TABLE: _table,
    BlockType.ROW: _row,
    BlockType.CELL: _cell,
}
