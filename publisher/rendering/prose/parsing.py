"""From sanitised HTML to blocks. Knows no mail: what a block looks like is decided elsewhere.

Words come in the order and in the passages of `publisher.articles.words`: a text ends wherever a
block begins or ends, readings of ruby are left out. Nesting beyond what mail programs stand is
taken apart, its words stay.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree, html

from publisher.articles.model import Picture
from publisher.articles.words import BLOCK_ELEMENTS, LINE_MARK
from publisher.rendering.placeholders import neutralise_placeholders
from publisher.rendering.prose.blocks import (
    INHERITED,
    Block,
    Figure,
    HorizontalRule,
    LanguageAttrs,
    Mark,
    TextBlock,
    TextKind,
    TextRun,
)
from publisher.rendering.prose.containers import LEVELS, BlockBuilder, BlockType
from publisher.rendering.prose.folding import SEAM, balance_directions, fold_whitespace
from publisher.rendering.prose.tongues import declared_language, inherit_language

# Elements that say something of words in a line, by the name under which it is kept.
MARKS = {
    name: name
    for name in "a abbr b cite code del em i ins mark q s small strong sub sup u".split()  # noqa: SIM905  # one a line would fill the page
} | {"kbd": "code"}
# Real prose has three at once, and every one is a level more in a mail. A link is never left out.
MOST_MARKS = 6
# Letters, smileys and formulas; what is higher than a line of a mail stands by itself.
GLYPH_HEIGHT = 26
KINDS = {
    "pre": TextKind.VERBATIM,
    "dt": TextKind.TERM,
    "caption": TextKind.CAPTION,
    "figcaption": TextKind.CAPTION,
    **dict.fromkeys(("h2", "h3", "h4", "h5", "h6"), TextKind.HEADING),
}
# Whatever is in one of these is for what is around it.
TRANSPARENT = frozenset({"div", "p"})
READINGS = frozenset({"rt", "rp"})
VOID = frozenset({"br", "img"})


def parse_blocks(source: str) -> tuple[Block, ...]:
    """Read sanitised HTML; reader's tokens that come of leaving things out are disarmed."""
    tree = html.fragment_fromstring(source, create_parent="div")
    if "@" in source:
        _disarm(tree)
    reading = _Reading()
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        (reading.enter if event == "start" else reading.leave)(element)
    return reading.body.blocks


def _disarm(tree: etree._Element) -> None:
    """Break the tokens in a tree's texts as they will stand side by side, without readings."""
    places: list[tuple[etree._Element, str]] = []
    silent = 0
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        name = "text" if event == "start" else "tail"
        silent += (1 if event == "start" else -1) * (element.tag in READINGS)
        if getattr(element, name) and not silent:
            places.append((element, name))
    safe = neutralise_placeholders(
        SEAM.join([getattr(element, name) for element, name in places])
    )
    for (element, name), text in zip(places, safe.split(SEAM) if places else (), strict=True):
        setattr(element, name, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """A block element that is open: where its blocks go, and what its words are."""

    container: BlockBuilder
    is_own: bool
    kind: TextKind = TextKind.PARAGRAPH
    level: int = 0
    tongue: LanguageAttrs = INHERITED


@dataclass(slots=True)
class _Reading:
    """Collects blocks in document order; `top` is the heading under which others stand."""

    body: BlockBuilder = field(default_factory=BlockBuilder)
    frames: list[_Frame] = field(default_factory=list)
    marks: list[tuple[Mark, ...]] = field(default_factory=lambda: [()])
    runs: list[TextRun] = field(default_factory=list)
    verbatim: int = 0
    silent: int = 0
    top: int = 0

    def __post_init__(self) -> None:
        self.frames.append(_Frame(container=self.body, is_own=False))

    def enter(self, element: etree._Element) -> None:
        tag = str(element.tag)
        if tag in BLOCK_ELEMENTS:
            self._flush()
            self._open(tag, element)
        elif tag == "br":
            self.runs.append(TextRun(text=LINE_MARK, marks=self.marks[-1]))
        elif tag == "img":
            self._picture(element)
        else:
            self.marks.append(self._marked(tag, element))
        self._count(tag, +1)
        self._write(element.text)

    def leave(self, element: etree._Element) -> None:
        tag = str(element.tag)
        if tag in BLOCK_ELEMENTS:
            self._flush()
            self._close()
        elif tag not in VOID:
            self.marks.pop()
        self._count(tag, -1)
        self._write(element.tail)

    def _count(self, tag: str, step: int) -> None:
        self.verbatim += step * (tag == "pre")
        self.silent += step * (tag in READINGS)

    def _write(self, text: str | None) -> None:
        if text and not self.silent:
            self.runs.append(TextRun(text=text, marks=self.marks[-1]))

    def _open(self, tag: str, element: etree._Element) -> None:
        around = self.frames[-1]
        tongue = inherit_language(around.tongue, declared_language(element))
        shape = around.container.opens(tag)
        container = _container(shape, around.container, tongue, element)
        kept = tag in TRANSPARENT
        kind = around.kind if kept else KINDS.get(tag, TextKind.PARAGRAPH)
        level = around.level if kept else int(tag[1]) if kind == TextKind.HEADING else 0
        self.frames.append(
            _Frame(
                container=container,
                is_own=shape is not None,
                kind=kind,
                level=level,
                tongue=tongue,
            )
        )
        if tag == "hr":
            container.parts.append(HorizontalRule())

    def _close(self) -> None:
        frame = self.frames.pop()
        if frame.is_own:
            self.frames[-1].container.parts += frame.container.built()

    def _marked(self, tag: str, element: etree._Element) -> tuple[Mark, ...]:
        """Give the marks of what is inside an element: those around it, and its own."""
        marks, name = self.marks[-1], MARKS.get(tag, "")
        said = {mark.tag for mark in marks}
        if name == "code" and self.verbatim:
            return marks  # `pre` has said so already
        tongue = declared_language(element)
        if name == "a" and element.get("href") and name not in said:
            link = Mark(tag=name, href=element.get("href", ""))
            # Outlook misplaces a link that has a direction itself (caniemail: html-dir).
            return (*marks, link, Mark(tag="span", tongue=tongue)) if tongue else (*marks, link)
        if len(marks) >= MOST_MARKS:
            return marks
        title = element.get("title", "") if name == "abbr" else ""
        if name in said | {"a"} or (name == "abbr" and not title):
            name = ""
        if name or tongue:
            return (*marks, Mark(tag=name or "span", title=title, tongue=tongue))
        return marks

    def _picture(self, element: etree._Element) -> None:
        if not self.silent:
            picture = Picture(
                src=element.get("src", ""),
                alt=element.get("alt", "").strip(),
                width=_number(element.get("width")),
                height=_number(element.get("height")),
            )
            self.runs.append(TextRun(text="", marks=self.marks[-1], picture=picture))

    def _flush(self) -> None:
        """End a text: words become a block, pictures that are no letters stand behind it."""
        runs, self.runs = balance_directions(self.runs), []
        worded = any(run.text.strip() for run in runs)
        if worded:
            self._text([run for run in runs if not run.picture or _is_glyph(run.picture)])
        self.frames[-1].container.parts += [
            Figure(picture=run.picture, href=_href(run))
            for run in runs
            if run.picture and not (worded and _is_glyph(run.picture))
        ]

    def _text(self, runs: list[TextRun]) -> None:
        frame, verbatim = self.frames[-1], self.verbatim > 0
        kind = TextKind.VERBATIM if verbatim else frame.kind
        text = TextBlock(
            runs=fold_whitespace(runs, verbatim=verbatim),
            kind=kind,
            level=self._level(frame.level) if kind == TextKind.HEADING else 0,
            tongue=frame.tongue,
        )
        frame.container.parts.append(text)

    def _level(self, written: int) -> int:
        """Give 1 or 2: what is below the last heading of the first level, however far."""
        if not self.top or written <= self.top:
            self.top = written
        return 1 if written == self.top else 2


def _container(
    shape: BlockType | None,
    around: BlockBuilder,
    tongue: LanguageAttrs,
    element: etree._Element,
) -> BlockBuilder:
    if shape is None:
        return around
    start = _number(element.get("start"))
    return BlockBuilder(
        shape=shape,
        tongue=tongue,
        levels=around.levels + LEVELS.get(shape, 0),
        start=(1 if start is None else start) if element.tag == "ol" else None,
        header=element.tag == "th",
        columns=_number(element.get("colspan")) or 1,
        rows=_number(element.get("rowspan")) or 1,
    )


def _number(written: str | None) -> int | None:
    """Read a count or a size, which the sanitiser has left only where it is one."""
    return int(written) if written and written.isdecimal() else None


def _is_glyph(picture: Picture) -> bool:
    return picture.height is not None and picture.height <= GLYPH_HEIGHT


def _href(run: TextRun) -> str:
    return next((mark.href for mark in run.marks if mark.tag == "a"), "")
