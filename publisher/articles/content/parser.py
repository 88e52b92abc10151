"""Parse the sanitised HTML of an article into blocks, and find code of templates that was left in it.

Ruby readings (`rt`, `rp`) are left out; elements nested deeper than mail programs accept are dissolved. Code of
templates is `{{ ... }}` or `{% ... %}` in text that was meant for readers, not in code blocks, and no braces of
formulas (`x^{{2}}`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from html import unescape
from typing import cast

from lxml import etree, html
from lxml import html as lxml_html

from publisher.articles.content import blocks
from publisher.articles.content.internal_links import is_back_arrow
from publisher.articles.content.text import (
    LINE_MARK,
    fold_whitespace,
    remove_unbalanced_controls,
)
from publisher.articles.model import Picture
from publisher.languages import direction, known_tag
from publisher.languages.locales import Direction, first_strong_direction

BLOCK_ELEMENTS = frozenset(
    "p h2 h3 h4 h5 h6 ul ol li dl dt dd blockquote pre figure figcaption div hr table caption "  # noqa: SIM905  # one a line would fill the page
    "thead tbody tfoot tr th td".split()
)
_MARKS = {
    name: name
    for name in "a abbr b cite code del em i ins mark q s small strong sub sup u".split()  # noqa: SIM905  # one a line would fill the page
} | {"kbd": "code"}
# Each mark is one more level of elements in a mail; articles use three at once. Links don't count.
MAX_MARKS = 6
# CSS pixels. A picture that is no higher fits a line of text; higher ones get a block of their own.
_INLINE_PICTURE_HEIGHT = 26
_KINDS = {
    "pre": blocks.TextKind.VERBATIM,
    "dt": blocks.TextKind.TERM,
    "caption": blocks.TextKind.CAPTION,
    "figcaption": blocks.TextKind.CAPTION,
    **dict.fromkeys(("h2", "h3", "h4", "h5", "h6"), blocks.TextKind.HEADING),
}
# Text inside these has the role of the element around them.
_TRANSPARENT = frozenset({"div", "p"})
_READINGS = frozenset({"rt", "rp"})
_VOID = frozenset({"br", "img"})
_CELLS = frozenset({"td", "th"})
_ROW_GROUPS = frozenset({"thead", "tbody", "tfoot"})
# What may stand between two blocks in plain text, from weak to strong.
_GAPS = ("", " ", "\t", "\n", blocks.PARAGRAPH_GAP)
# Program text runs from left to right, unless its first letter is of a right-to-left script
# (poems are set in `pre` too).
_CODE_TAGS = frozenset({"pre", "code", "kbd"})
_CACHED_ARTICLES = 32  # an issue of 20 stories is rendered several times from the same articles


@lru_cache(maxsize=_CACHED_ARTICLES)
def parse_content(source: str) -> blocks.ArticleContent:
    tree = html.fragment_fromstring(source, create_parent="div")
    parser = _Parser()
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        (parser.enter if event == "start" else parser.leave)(element)
    return blocks.ArticleContent(parser.body.blocks)


@dataclass(frozen=True, slots=True, kw_only=True)
class _OpenBlock:
    """A block element that is open: the builder of its blocks, and the role of its text."""

    builder: blocks.BlockBuilder
    is_own: bool
    kind: blocks.TextKind = blocks.TextKind.PARAGRAPH
    level: int = 0
    attrs: blocks.LanguageAttrs = blocks.INHERITED


@dataclass(slots=True)
class _Parser:
    """Collects blocks in document order. `gap` is what plain text has before the next; `top` the HTML level that gets level 1."""

    body: blocks.BlockBuilder = field(default_factory=blocks.BlockBuilder)
    opened: list[_OpenBlock] = field(default_factory=list)
    marks: list[tuple[blocks.Mark, ...]] = field(default_factory=lambda: [()])
    runs: list[blocks.TextRun] = field(default_factory=list)
    gap: str = ""
    cells: int = 0
    verbatim: int = 0
    silent: int = 0
    top: int = 0

    def __post_init__(self) -> None:
        self.opened.append(_OpenBlock(builder=self.body, is_own=False))

    def enter(self, element: etree._Element) -> None:
        tag = str(element.tag)
        if tag in BLOCK_ELEMENTS:
            self._flush()
            self._widen_gap(tag)
            self._open(tag, element)
        elif tag == "br":
            self.runs.append(blocks.TextRun(text=LINE_MARK, marks=self.marks[-1]))
        elif tag == "img":
            self._picture(element)
        else:
            self.marks.append(self._marked(tag, element))
        self._count(tag, +1, element)
        self._write(element.text)

    def leave(self, element: etree._Element) -> None:
        tag = str(element.tag)
        is_block = tag in BLOCK_ELEMENTS
        if is_block:
            self._flush()
            self._close()
        elif tag not in _VOID:
            self.marks.pop()
        self._count(tag, -1, element)
        if is_block and tag not in _CELLS:
            self._widen_gap(tag)
        self._write(element.tail)

    def _count(self, tag: str, step: int, element: etree._Element) -> None:
        self.cells += step * (tag in _CELLS)
        self.verbatim += step * (tag == "pre")
        self.silent += step * (tag in _READINGS or (tag == "a" and _leads_back(element)))

    def _widen_gap(self, tag: str) -> None:
        if tag in _CELLS:
            gap = "\t"
        elif tag == "tr":
            gap = "\n"
        elif tag in _ROW_GROUPS:
            gap = ""
        else:
            gap = " " if self.cells else blocks.PARAGRAPH_GAP
        self.gap = max(self.gap, gap, key=_GAPS.index)

    def _write(self, text: str | None) -> None:
        if text and not self.silent:
            self.runs.append(blocks.TextRun(text=text, marks=self.marks[-1]))

    def _open(self, tag: str, element: etree._Element) -> None:
        around = self.opened[-1]
        attrs = around.attrs.inner(_declared_language(element))
        shape = around.builder.opens(tag)
        builder = _new_builder(shape, around.builder, attrs, element)
        kept = tag in _TRANSPARENT
        kind = around.kind if kept else _KINDS.get(tag, blocks.TextKind.PARAGRAPH)
        level = around.level if kept else int(tag[1]) if kind == blocks.TextKind.HEADING else 0
        self.opened.append(
            _OpenBlock(
                builder=builder, is_own=shape is not None, kind=kind, level=level, attrs=attrs
            )
        )
        if tag == "hr":
            builder.parts.append(blocks.HorizontalRule())

    def _close(self) -> None:
        closed = self.opened.pop()
        if closed.is_own:
            self.opened[-1].builder.parts += closed.builder.built()

    def _marked(self, tag: str, element: etree._Element) -> tuple[blocks.Mark, ...]:
        marks, name = self.marks[-1], _MARKS.get(tag, "")
        present = {mark.tag for mark in marks}
        if name == "code" and self.verbatim:
            return marks  # redundant inside `pre`
        attrs = _declared_language(element)
        if name == "a" and element.get("href") and name not in present:
            link = blocks.Mark(tag=name, href=element.get("href", ""))
            # Outlook misplaces a link that has a `dir` itself (caniemail: html-dir).
            inside = (blocks.Mark(tag="span", attrs=attrs),) if attrs else ()
            return (*marks, link, *inside)
        if len(marks) >= MAX_MARKS:
            return marks
        title = element.get("title", "") if name == "abbr" else ""
        if name in present | {"a"} or (name == "abbr" and not title):
            name = ""
        if name or attrs:
            return (*marks, blocks.Mark(tag=name or "span", title=title, attrs=attrs))
        return marks

    def _picture(self, element: etree._Element) -> None:
        if not self.silent:
            picture = Picture(
                src=element.get("src", ""),
                alt=element.get("alt", "").strip(),
                width=_number(element.get("width")),
                height=_number(element.get("height")),
            )
            self.runs.append(blocks.TextRun(text="", marks=self.marks[-1], picture=picture))

    def _flush(self) -> None:
        """End a text block. Pictures too high for a line become figures behind it."""
        runs, self.runs = remove_unbalanced_controls(self.runs), []
        has_text = any(run.text.strip() for run in runs)
        if has_text:
            self._text([run for run in runs if not run.picture or _is_inline(run.picture)])
        self.opened[-1].builder.parts += [
            blocks.Figure(run.picture, run.href)
            for run in runs
            if run.picture and not (has_text and _is_inline(run.picture))
        ]

    def _text(self, runs: list[blocks.TextRun]) -> None:
        around, verbatim = self.opened[-1], self.verbatim > 0
        kind = blocks.TextKind.VERBATIM if verbatim else around.kind
        level = self._level(around.level) if kind == blocks.TextKind.HEADING else 0
        folded = fold_whitespace(runs, verbatim=verbatim)
        text = blocks.TextBlock(folded, kind, level, around.attrs, self.gap)
        around.builder.parts.append(text)
        self.gap = ""

    def _level(self, written: int) -> int:
        if not self.top or written <= self.top:
            self.top = written
        return 1 if written == self.top else 2


def _leads_back(element: etree._Element) -> bool:
    text = "".join(map(str, element.itertext()))
    return element.get("href", "").startswith("#") and is_back_arrow(text)


def _new_builder(
    shape: blocks.BlockType | None,
    around: blocks.BlockBuilder,
    attrs: blocks.LanguageAttrs,
    element: etree._Element,
) -> blocks.BlockBuilder:
    if shape is None:
        return around
    start = _number(element.get("start"))
    return blocks.BlockBuilder(
        shape=shape,
        attrs=attrs,
        levels=around.levels + blocks.BLOCK_LEVELS.get(shape, 0),
        start=(1 if start is None else start) if element.tag == "ol" else None,
        cell=blocks.TableCell(
            blocks=(),
            header=element.tag == "th",
            columns=_number(element.get("colspan")) or 1,
            rows=_number(element.get("rowspan")) or 1,
        ),
    )


def _number(written: str | None) -> int | None:
    return int(written) if written and written.isdecimal() else None


def _is_inline(picture: Picture) -> bool:
    return picture.height is not None and picture.height <= _INLINE_PICTURE_HEIGHT


def _declared_language(element: etree._Element) -> blocks.LanguageAttrs | None:
    """Return the known language and the direction that an element declares; `auto` is resolved, as mail programs may not."""
    tag, written = element.get("lang"), element.get("dir")
    if not tag and not written and element.tag not in _CODE_TAGS:
        return None
    language = known_tag(tag or "")
    towards = _declared_direction(element, written, language)
    if not (language or towards):
        return None
    return blocks.LanguageAttrs(language=language, direction=towards)


def _declared_direction(
    element: etree._Element, written: str | None, language: str | None
) -> Direction | None:
    if written in {"ltr", "rtl"}:
        return cast("Direction", written)
    if language and written != "auto":
        return cast("Direction", direction(language))
    if element.tag in _CODE_TAGS or written == "auto":
        found = first_strong_direction("".join(map(str, element.itertext())))
        return found or ("ltr" if element.tag in _CODE_TAGS else None)
    return None


_TEMPLATE_CODE = re.compile(
    r"(?<![\w\\^{}$])\{\{[-<%]?\s*[\w.\"'/$][^{}]{0,200}\}\}|\{%-?\s*\w[^{}]{0,200}%\}"
)
_CODE_ELEMENTS = ("pre", "code", "kbd")


def find_template_code(text: str) -> list[str]:
    return list(dict.fromkeys(_TEMPLATE_CODE.findall(text))) if "{" in text else []


def code_in_html(html: str) -> tuple[str, ...]:
    if not find_template_code(unescape(html)):
        return ()
    tree = lxml_html.fragment_fromstring(html, create_parent="div")
    found = ("".join(element.itertext()) for element in tree.iter(*_CODE_ELEMENTS))
    return tuple(text for text in found if find_template_code(text))


def leftover_code(texts: Iterable[str], shown_as_code: Iterable[str]) -> list[str]:
    """Return the template code in texts that is not among the code shown, each once, in order."""
    # A set: looking each of many up in a long text would take minutes.
    shown = {_one_line(piece) for text in shown_as_code for piece in find_template_code(text)}
    pieces = dict.fromkeys(piece for text in texts for piece in find_template_code(text))
    return [piece for piece in pieces if _one_line(piece) not in shown]


def _one_line(piece: str) -> str:
    return " ".join(piece.split())
