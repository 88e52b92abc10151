"""Blocks as HTML for mail: elements that every program knows, with classes for the inliner.

Sides are physical, since no mail program but Apple's knows others. Language and direction are
said where they differ from what is around, and on tables always: Outlook on Windows takes
nothing over there. Knows no style: `email/_base/prose.css` has it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from html import escape

from publisher.rendering.prose import tables
from publisher.rendering.prose.addresses import MailUrls
from publisher.rendering.prose.blocks import (
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
from publisher.rendering.prose.context import (
    COLUMN_PIXELS,
    RenderContext,
    align_class,
    start_side,
)
from publisher.rendering.prose.inline import LanguageContext, image_html, inline_html
from publisher.rendering.prose.prose import ArticleContent

# CSS pixels that lists, insets and quotations take on their side, as the style sheet has it.
INDENT = 24
QUOTE_INDENT = 19

LAYOUT = 'role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"'
RULE = '<div class="prose-rule">&nbsp;</div>'


def mail_html(
    prose: ArticleContent,
    *,
    language: str,
    base_url: str,
    hosts: Collection[str] = (),
    level: int = 3,
) -> str:
    """Write the body of an article in `language` as HTML for mail; empty if nothing is in it.

    `base_url` is the publication's, without a slash at its end; `hosts` are others that serve
    pictures of its. Headings begin at `level`, one below the story's title.
    """
    voice = LanguageContext.of(language)
    place = RenderContext(
        site=MailUrls.of(base_url, hosts), story=voice, voice=voice, level=level
    )
    return _around('<div class="prose-body">', _blocks(prose.blocks, place), "</div>")


def _around(start: str, inner: str, end: str) -> str:
    return f"{start}\n{inner}\n{end}" if inner else ""


def _blocks(blocks: Iterable[Block], place: RenderContext) -> str:
    """Write blocks one below the other."""
    parts: list[str] = []
    for block in blocks:
        parts += filter(None, [_block(block, place.below if parts else place)])
    return "\n".join(parts)


def _block(block: Block, place: RenderContext) -> str:
    """Write a block; one of nothing but pictures that a mail can't show is nothing."""
    match block:
        case TextBlock():
            html = _text(block, place)
        case Figure():
            html = _figure(block, place)
        case HorizontalRule():
            html = RULE
        case BlockQuote():
            html = _quote(block, place)
        case IndentedBlock():
            html = _inset(block, place)
        case ListBlock():
            html = _listing(block, place)
        case TableBlock():
            fitting = tables.fits_phone(block, COLUMN_PIXELS - place.room)
            html = _table(block, place) if fitting else _records(block, place)
    return html


def _text(text: TextBlock, place: RenderContext) -> str:
    voice = place.story.inside(text.tongue)
    name, classes = _element(text, place)
    words = inline_html(text.runs, place.site, voice, breaks=text.kind != TextKind.VERBATIM)
    return f"{place.start(name, classes, voice)}{words}</{name}>"


def _element(text: TextBlock, place: RenderContext) -> tuple[str, str]:
    """Give the element that a text becomes, and its class."""
    match text.kind:
        case TextKind.HEADING:
            classes = "prose-head" if text.level == 1 else "prose-subhead"
            return f"h{place.level + text.level - 1}", classes
        case TextKind.VERBATIM:
            return "pre", "prose-pre"
        case TextKind.TERM | TextKind.CAPTION:
            return "p", f"prose-{text.kind}"
        case TextKind.PARAGRAPH:
            return "p", place.paragraph


def _figure(figure: Figure, place: RenderContext) -> str:
    picture = place.site.picture(figure.picture, place.room)
    if picture is None:
        return ""
    # As wide as its surroundings: they would be widened by a width that is its own.
    shown = image_html(picture, "prose-picture", f"width:100%;max-width:{picture.width}px")
    url = place.site.link(figure.href)
    linked = f'<a href="{escape(url)}">{shown}</a>' if url else shown
    return f"{place.start('div', 'prose-figure', place.voice)}{linked}</div>"


def _quote(quote: BlockQuote, place: RenderContext) -> str:
    """Write a quotation in a cell: Outlook on Windows gives nothing else a line at its side."""
    inner = place.within(quote.tongue, QUOTE_INDENT)
    towards = f'dir="{inner.voice.direction}"'
    start = (
        f"{place.start('blockquote', 'prose-quotation', inner.voice)}\n"
        f'<table {LAYOUT} {towards}>\n<tr>\n<td class="prose-quote-{inner.side}'
        f'{align_class(inner.voice)}" align="{inner.side}" {towards}>'
    )
    end = "</td>\n</tr>\n</table>\n</blockquote>"
    return _around(start, _blocks(quote.blocks, inner), end)


def _inset(inset: IndentedBlock, place: RenderContext) -> str:
    inner = place.within(inset.tongue, INDENT)
    start = place.below.start("div", f"prose-inset-{inner.side}", inner.voice)
    return _around(start, _blocks(inset.blocks, inner), "</div>")


def _listing(listing: ListBlock, place: RenderContext) -> str:
    inner = place.within(listing.tongue, INDENT)
    name = "ul" if listing.start is None else "ol"
    first = f' start="{listing.start}"' if listing.start not in {None, 1} else ""
    start = place.below.start(name, f"prose-list-{inner.side}", inner.voice, first)
    items = "\n".join(_item(item, inner) for item in listing.items)
    return f"{start}\n{items}\n</{name}>"


def _item(item: ListItem, place: RenderContext) -> str:
    """Write an item; one that runs the other way stays at its list's side, beside its marker."""
    inner = place.within(item.tongue)
    if inner.voice.direction == place.voice.direction:
        start = place.below.start("li", "prose-entry", inner.voice)
        return f"{start}{_bare(item.blocks, inner)}</li>"
    turned = f"<div{inner.voice.marks(place.voice)}{inner.voice.style(place.voice)}>"
    return f'<li class="prose-entry">{turned}{_bare(item.blocks, inner)}</div></li>'


def _bare(blocks: Sequence[Block], place: RenderContext) -> str:
    """Write blocks, the first paragraph without an element: whoever holds it has one."""
    first = blocks[0] if blocks else None
    if not isinstance(first, TextBlock) or first.kind != TextKind.PARAGRAPH:
        return _blocks(blocks, place)
    voice = place.story.inside(first.tongue)
    if voice != place.voice:
        return _blocks(blocks, place)
    words = inline_html(first.runs, place.site, voice)
    others = _blocks(blocks[1:], place.below)
    return f"{words}\n{others}" if others else words


def _table(table: TableBlock, place: RenderContext) -> str:
    inner = place.within(table.tongue)
    start = (
        f"{place.start('div', 'prose-figure', inner.voice)}\n"
        '<table cellpadding="0" cellspacing="0" border="0" '
        f'dir="{inner.voice.direction}">'
    )
    left = range(len(table.rows), 0, -1)
    rows = "\n".join(_row(row, inner, n) for row, n in zip(table.rows, left, strict=True))
    return f"{start}\n{rows}\n</table>\n</div>"


def _row(row: TableRow, place: RenderContext, left: int) -> str:
    """Write a row, of so many that are left with it: none of its cells spans more."""
    inner = place.within(row.tongue)
    scope = "col" if tables.is_heading_row(row) else "row"
    cells = "\n".join(_cell(cell, inner, scope, left) for cell in row.cells)
    return f"<tr{inner.voice.marks(place.voice)}>\n{cells}\n</tr>"


def _cell(cell: TableCell, place: RenderContext, scope: str, left: int) -> str:
    inner = place.within(cell.tongue)
    name, classes = ("th", "prose-cell-head") if cell.header else ("td", "prose-cell")
    attributes = f' scope="{scope}"' if cell.header else ""
    attributes += f' colspan="{cell.columns}"' if cell.columns > 1 else ""
    spanned = min(cell.rows, left)
    attributes += f' rowspan="{spanned}"' if spanned > 1 else ""
    attributes += inner.voice.marks(place.voice) or f' dir="{inner.voice.direction}"'
    return (
        f'<{name} class="{classes}{align_class(inner.voice)}" align="{start_side(inner.voice)}"'
        f"{attributes}>{_bare(cell.blocks, inner)}</{name}>"
    )


def _records(table: TableBlock, place: RenderContext) -> str:
    """Tell a table that fits no phone row by row, its cells one below the other."""
    return "\n".join(filter(None, (_record(row, place.below) for row in table.rows)))


def _record(row: TableRow, place: RenderContext) -> str:
    inner = place.within(row.tongue).below
    cells = (_blocks(cell.blocks, _field(cell, inner)) for cell in row.cells)
    start = place.start("div", "prose-record", inner.voice)
    return _around(start, "\n".join(filter(None, cells)), "</div>")


def _field(cell: TableCell, place: RenderContext) -> RenderContext:
    return replace(place, paragraph="prose-field-head" if cell.header else "prose-field")
