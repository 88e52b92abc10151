"""Blocks as HTML for mail: elements that every mail program supports, with classes to inline.

Sides are physical (left, right), since only Apple Mail supports logical ones. `lang` and `dir` are written where they
differ from the surroundings, and always on tables: Outlook on Windows does not inherit them there. A table that does
not fit the screen of a phone is written row by row. The styles are in `email/_base/prose.css`.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from html import escape
from itertools import zip_longest

from publisher.articles.content.blocks import (
    ArticleContent,
    Block,
    BlockQuote,
    Figure,
    HorizontalRule,
    IndentedBlock,
    ListBlock,
    ListItem,
    TableBlock,
    TableCell,
    TableRow,
    TextBlock,
    TextKind,
)
from publisher.rendering.plaintext import BREAK_ANYWHERE, display_width
from publisher.rendering.prose import text_runs
from publisher.rendering.prose.mail_content import MailUrls

_PHONE_PIXELS = 276  # CSS pixels: the narrowest phone has 320, a mail's padding takes 44
# CSS pixels: a letter in the type of a cell, and the padding and border of a cell.
_LETTER_PIXELS = 8
_CELL_PIXELS = 17
_MAX_WRAPPED_COLUMNS = 6  # more are hard to follow when their lines are wrapped

# Text without a place to break. Scripts without spaces break between any two letters.
_UNBROKEN = re.compile(rf"(?:(?!{BREAK_ANYWHERE})\S)+")
_WIDE_LETTER_COLUMNS = 2


def fits_phone(table: TableBlock, lost: int) -> bool:
    """Return whether a table can be read on a phone, less `lost` CSS pixels of its width.

    Either no line needs wrapping, or there are few columns and their longest words fit.
    """
    if not all(map(_is_plain, table.cells)):
        return False
    room = _PHONE_PIXELS - lost
    columns = max(sum(cell.columns for cell in row.cells) for row in table.rows)
    if _needed(table, columns, display_width) <= room:
        return True
    return columns <= _MAX_WRAPPED_COLUMNS and _needed(table, columns, _longest_word) <= room


def has_column_heads(table: TableBlock) -> bool:
    """Return whether the first row has a head of one line for each column, and no cell spans two."""
    first = table.rows[0]
    return (
        is_heading_row(first)
        and all(is_one_line(cell) or not cell.blocks for cell in first.cells)
        and all(cell.columns == cell.rows == 1 for cell in table.cells)
        and all(len(row.cells) == len(first.cells) for row in table.rows)
    )


def is_heading_row(row: TableRow) -> bool:
    return all(cell.header for cell in row.cells)


def is_one_line(cell: TableCell) -> bool:
    kinds = [block.kind for block in cell.blocks if isinstance(block, TextBlock)]
    return len(cell.blocks) == 1 and kinds == [TextKind.PARAGRAPH]


def _is_plain(cell: TableCell) -> bool:
    return all(
        isinstance(block, TextBlock) and block.kind != TextKind.VERBATIM
        for block in cell.blocks
    )


def _needed(table: TableBlock, columns: int, measure: Callable[[str], int]) -> int:
    """Return the CSS pixels that the columns need; a spanning cell is shared among its columns."""
    if columns * _CELL_PIXELS > _PHONE_PIXELS:
        return columns * _CELL_PIXELS
    needed = [0.0] * columns
    for row in table.rows:
        at = 0
        for cell in row.cells:
            share = _widest(cell, measure) / cell.columns
            span = range(at, at + cell.columns)
            needed[at : span.stop] = [max(needed[n], share) for n in span]
            at = span.stop
    return round(sum(needed)) * _LETTER_PIXELS + columns * _CELL_PIXELS


def _widest(cell: TableCell, measure: Callable[[str], int]) -> int:
    lines = [
        line
        for block in cell.blocks
        if isinstance(block, TextBlock)
        for line in block.words.splitlines()
    ]
    return max(map(measure, lines), default=0)


def _longest_word(line: str) -> int:
    return max(
        (display_width(word) for word in _UNBROKEN.findall(line)), default=_WIDE_LETTER_COLUMNS
    )


# CSS pixels that lists, indented blocks and quotes take at their side, as in the style sheet.
INDENT_PIXELS = 24
QUOTE_PIXELS = 19
# CSS pixels: room for the alternative text of a flat picture, where pictures are blocked.
_ALT_PIXELS = 120

_LAYOUT = 'role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"'
_BAR = " | "
_RULE_HTML = '<div class="prose-rule">&nbsp;</div>'


def mail_html(content: ArticleContent, *, language: str, base_url: str, level: int = 3) -> str:
    """Return an article as HTML for mail, empty without content; headings begin at `level`. `base_url` ends without a slash."""
    story = text_runs.LanguageContext.of(language)
    urls = MailUrls(base_url)
    context = text_runs.RenderContext(urls=urls, story=story, around=story, level=level)
    return _wrapped('<div class="prose-body">', _blocks(content.blocks, context), "</div>")


def _wrapped(start: str, inner: str, end: str) -> str:
    return f"{start}\n{inner}\n{end}" if inner else ""


def _blocks(blocks: Iterable[Block], context: text_runs.RenderContext) -> str:
    parts: list[str] = []
    for block in blocks:
        parts += filter(None, [_block(block, context.below if parts else context)])
    return "\n".join(parts)


def _block(block: Block, context: text_runs.RenderContext) -> str:
    """Return the HTML of a block; empty if it has only pictures that a mail leaves out."""
    match block:
        case TextBlock():
            html = _text(block, context)
        case Figure():
            html = _figure(block, context)
        case HorizontalRule():
            html = _RULE_HTML
        case BlockQuote():
            html = _quote(block, context)
        case IndentedBlock():
            html = _indented(block, context)
        case ListBlock():
            html = _list(block, context)
        case TableBlock():
            fitting = fits_phone(block, text_runs.COLUMN_PIXELS - context.room)
            html = _table(block, context) if fitting else _records(block, context)
    return html


def _text(text: TextBlock, context: text_runs.RenderContext) -> str:
    language = context.story.inside(text.attrs)
    name, classes = _element(text, context)
    breaks = text.kind != TextKind.VERBATIM
    words = text_runs.inline_html(text.runs, context.urls, language, breaks=breaks)
    return f"{context.start_tag(name, classes, language)}{words}</{name}>"


def _element(text: TextBlock, context: text_runs.RenderContext) -> tuple[str, str]:
    match text.kind:
        case TextKind.HEADING:
            classes = "prose-head" if text.level == 1 else "prose-subhead"
            return f"h{context.level + text.level - 1}", classes
        case TextKind.VERBATIM:
            return "pre", "prose-pre"
        case TextKind.TERM | TextKind.CAPTION:
            return "p", f"prose-{text.kind}"
        case TextKind.PARAGRAPH:
            return "p", context.paragraph


def _figure(figure: Figure, context: text_runs.RenderContext) -> str:
    picture = context.urls.picture(figure.picture, context.room)
    if picture is None:
        return ""
    # A fixed width would widen the elements around the picture, and where pictures are blocked a
    # height would leave a hole.
    most = f"max-width:{picture.width}px;max-height:{max(picture.height or 0, _ALT_PIXELS)}px"
    shown = text_runs.image_html(picture, "prose-picture", f' style="width:100%;{most}"')
    url = context.urls.link(figure.href)
    linked = f'<a href="{escape(url)}">{shown}</a>' if url else shown
    return f"{context.start_tag('div', 'prose-figure', context.around)}{linked}</div>"


def _quote(quote: BlockQuote, context: text_runs.RenderContext) -> str:
    """Return a quote in a table cell: Outlook on Windows draws no side border elsewhere."""
    inner = context.within(quote.attrs, QUOTE_PIXELS)
    side, towards = inner.around.start, f'dir="{inner.around.direction}"'
    start = (
        f"{context.start_tag('blockquote', 'prose-quotation', inner.around)}\n"
        f'<table {_LAYOUT} {towards}>\n<tr>\n<td class="prose-quote-{side}'
        f'{text_runs.align_class(inner.around)}" align="{side}" {towards}>'
    )
    end = "</td>\n</tr>\n</table>\n</blockquote>"
    return _wrapped(start, _blocks(quote.blocks, inner), end)


def _indented(block: IndentedBlock, context: text_runs.RenderContext) -> str:
    inner = context.within(block.attrs, INDENT_PIXELS)
    classes = f"prose-inset-{inner.around.start}"
    start = context.below.start_tag("div", classes, inner.around)
    return _wrapped(start, _blocks(block.blocks, inner), "</div>")


def _list(block: ListBlock, context: text_runs.RenderContext) -> str:
    inner = context.within(block.attrs, INDENT_PIXELS)
    name = "ul" if block.start is None else "ol"
    first = f' start="{block.start}"' if block.start not in {None, 1} else ""
    classes = f"prose-list-{inner.around.start}"
    start = context.below.start_tag(name, classes, inner.around, first)
    items = "\n".join(_item(item, inner) for item in block.items)
    return f"{start}\n{items}\n</{name}>"


def _item(item: ListItem, context: text_runs.RenderContext) -> str:
    """Return an item; one of the other direction stays at its list's side, beside its marker."""
    inner = context.within(item.attrs)
    words = _bare(item.blocks, inner)
    if inner.around.direction == context.around.direction:
        return f"{context.below.start_tag('li', 'prose-entry', inner.around)}{words}</li>"
    attributes = inner.around.attributes(context.around) + inner.around.style(context.around)
    return f'<li class="prose-entry"><div{attributes}>{words}</div></li>'


def _bare(blocks: Sequence[Block], context: text_runs.RenderContext) -> str:
    """Return the HTML of blocks, a first paragraph without its element: the cell or item is it."""
    first = blocks[0] if blocks else None
    if not isinstance(first, TextBlock) or first.kind != TextKind.PARAGRAPH:
        return _blocks(blocks, context)
    language = context.story.inside(first.attrs)
    if language != context.around:
        return _blocks(blocks, context)
    words = text_runs.inline_html(first.runs, context.urls, language)
    others = _blocks(blocks[1:], context.below)
    return f"{words}\n{others}" if others else words


def _table(table: TableBlock, context: text_runs.RenderContext) -> str:
    inner = context.within(table.attrs)
    start = (
        f"{context.start_tag('div', 'prose-figure', inner.around)}\n"
        '<table cellpadding="0" cellspacing="0" border="0" '
        f'dir="{inner.around.direction}">'
    )
    left = range(len(table.rows), 0, -1)
    rows = "\n".join(_row(row, inner, n) for row, n in zip(table.rows, left, strict=True))
    return f"{start}\n{rows}\n</table>\n</div>"


def _row(row: TableRow, context: text_runs.RenderContext, left: int) -> str:
    """Return a row; `left` is how many rows a cell can span from here."""
    inner = context.within(row.attrs)
    scope = "col" if is_heading_row(row) else "row"
    cells = "\n".join(_cell(cell, inner, scope, left) for cell in row.cells)
    return f"<tr{inner.around.attributes(context.around)}>\n{cells}\n</tr>"


def _cell(cell: TableCell, context: text_runs.RenderContext, scope: str, left: int) -> str:
    inner = context.within(cell.attrs)
    name, classes = ("th", "prose-cell-head") if cell.header else ("td", "prose-cell")
    attributes = f' scope="{scope}"' if cell.header else ""
    attributes += f' colspan="{cell.columns}"' if cell.columns > 1 else ""
    spanned = min(cell.rows, left)
    attributes += f' rowspan="{spanned}"' if spanned > 1 else ""
    language = inner.around
    attributes += language.attributes(context.around) or f' dir="{language.direction}"'
    return (
        f'<{name} class="{classes}{text_runs.align_class(language)}" align="{language.start}"'
        f"{attributes}>{_bare(cell.blocks, inner)}</{name}>"
    )


def _records(table: TableBlock, context: text_runs.RenderContext) -> str:
    """Return a table that is too wide for a phone row by row, its cells one below the other."""
    heads, *rows = table.rows
    if has_column_heads(table):
        records = [_heads(heads, context.below)]
        records += [_record(row, context.below, heads.cells) for row in rows]
    else:
        records = [_record(row, context.below) for row in table.rows]
    return "\n".join(filter(None, records))


def _heads(row: TableRow, context: text_runs.RenderContext) -> str:
    inner = context.within(row.attrs).below
    words = _BAR.join(filter(None, (_words(cell, inner) for cell in row.cells)))
    start = context.start_tag("div", "prose-record", inner.around)
    return _wrapped(start, words and f'<p class="prose-field-head">{words}</p>', "</div>")


def _record(
    row: TableRow, context: text_runs.RenderContext, heads: Sequence[TableCell] = ()
) -> str:
    inner = context.within(row.attrs).below
    pairs = zip_longest(row.cells, heads)
    cells = (_field(cell, head, inner) for cell, head in pairs if cell.blocks)
    start = context.start_tag("div", "prose-record", inner.around)
    return _wrapped(start, "\n".join(filter(None, cells)), "</div>")


def _field(cell: TableCell, head: TableCell | None, context: text_runs.RenderContext) -> str:
    """Return a cell below the head of its column, or beside it if the cell is one line."""
    classes = "prose-field-head" if cell.header else "prose-field"
    label = _words(head, context, ' class="prose-label"') if head else ""
    if label and is_one_line(cell):
        return f'<p class="{classes}">{label}{_BAR}{_words(cell, context)}</p>'
    blocks = _blocks(cell.blocks, replace(context, paragraph=classes))
    return f'<p class="prose-field">{label}</p>\n{blocks}' if label and blocks else blocks


def _words(cell: TableCell, context: text_runs.RenderContext, attributes: str = "") -> str:
    """Return a cell of one line as a part of another line."""
    inner = context.within(cell.attrs)
    attributes += inner.around.attributes(context.around)
    words = _bare(cell.blocks, inner)
    return f"<span{attributes}>{words}</span>" if words and attributes else words
