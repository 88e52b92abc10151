"""Text runs as HTML for mail, in the language, direction and width of the place where they are written.

Marks become elements where mail programs support them. The style of each element is in `email/_base/prose.css`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import takewhile
from typing import Literal

from publisher.articles.content.blocks import LanguageAttrs, Mark, TextRun
from publisher.articles.model import Picture
from publisher.languages import direction, script
from publisher.rendering.colours_and_fonts import typeface
from publisher.rendering.plaintext import to_one_line
from publisher.rendering.prose.mail_content import MailUrls, quotable

COLUMN_PIXELS = 528  # CSS pixels: the width of the mail's column without its padding


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageContext:
    """The language and direction in effect at a place."""

    language: str
    direction: str

    @classmethod
    def of(cls, language: str) -> LanguageContext:
        return cls(language=language, direction=direction(language))

    def inside(self, attrs: LanguageAttrs | None) -> LanguageContext:
        if attrs is None:
            return self
        return LanguageContext(
            language=attrs.language or self.language,
            direction=attrs.direction or self.direction,
        )

    @property
    def start(self) -> Literal["left", "right"]:
        return "right" if self.direction == "rtl" else "left"

    def attributes(self, around: LanguageContext) -> str:
        """Return `lang` and `dir` where they differ from the surroundings, with a space before."""
        if self == around:
            return ""
        towards = f' dir="{self.direction}"'
        if self.language == around.language:
            return towards
        return f' lang="{self.language}"{towards}'

    def style(self, around: LanguageContext) -> str:
        """Return the font as a style attribute where this language uses another one."""
        fonts = typeface(self.language).body
        if fonts == typeface(around.language).body:
            return ""
        return f' style="font-family:{fonts}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderContext:
    """A place in a mail.

    `story` is the context of the whole story, `around` that of the enclosing block; `level` is
    the HTML level of the story's first headings; `room` is in CSS pixels. `flush` removes the
    space above a block; `paragraph` is the CSS class of paragraphs.
    """

    urls: MailUrls
    story: LanguageContext
    around: LanguageContext
    level: int
    room: int = COLUMN_PIXELS
    flush: bool = False
    paragraph: str = "prose"

    def within(self, attrs: LanguageAttrs, taken: int = 0) -> RenderContext:
        """Return the context inside a block whose margins and padding take so many pixels."""
        return replace(
            self,
            around=self.story.inside(attrs),
            room=self.room - taken,
            flush=True,
            paragraph="prose",
        )

    @property
    def below(self) -> RenderContext:
        return replace(self, flush=False) if self.flush else self

    def start_tag(
        self, name: str, classes: str, language: LanguageContext, attributes: str = ""
    ) -> str:
        """Return the start tag of a block, with the attributes that its language needs here."""
        classes += " flush" if self.flush else ""
        classes += "" if language.direction == self.around.direction else align_class(language)
        attributes += language.attributes(self.around) + language.style(self.around)
        return f'<{name} class="{classes}"{attributes}>'


def align_class(language: LanguageContext) -> str:
    """Return the CSS class that aligns a block to its own side, with a space before it."""
    return f" start-{language.start}"


# The scripts that have italics; letters of others are slanted by force, and hard to read.
_ITALIC_SCRIPTS = frozenset({"Latn", "Cyrl", "Grek", "Armn", "Geor"})
# Outlook on Windows and Yahoo remove `mark` (caniemail: html-semantics).
_ELEMENTS = {"mark": "span", "cite": "i"}
_MARK_CLASSES = {
    "code": "prose-code",
    "mark": "prose-mark",
    "small": "prose-small",
    "sub": "prose-shift",
    "sup": "prose-shift",
}
_SLANTED = frozenset({"em", "i", "cite"})
# Letters without case (category Lo) are of scripts without italics: Han, kana, Hangul, Arabic,
# Hebrew, Thai, Devanagari. Exceptions are these, and some phonetic letters of the Latin script.
_CASELESS_LATIN = "ªº"
_INLINE_PICTURE_WIDTH = 240  # CSS pixels: the widest inside a line on the narrowest phone


@dataclass(frozen=True, slots=True, kw_only=True)
class _OpenElement:
    """An element that has begun; its tags are empty where a mail has no element for the mark."""

    mark: Mark
    start: str
    end: str
    language: LanguageContext


def inline_html(
    runs: Sequence[TextRun], urls: MailUrls, language: LanguageContext, *, breaks: bool = True
) -> str:
    """Return runs as HTML; without `breaks` line feeds stay as they are."""
    parts: list[str] = []
    opened: list[_OpenElement] = []
    shown = [*(run for run in runs if _is_shown(run, urls)), TextRun(text="")]
    for number, run in enumerate(shown):
        shared = _shared(opened, run.marks)
        parts += [one.end for one in reversed(opened[shared:])]
        del opened[shared:]
        for depth in range(shared, len(run.marks)):
            around = opened[-1].language if opened else language
            upright = run.marks[depth].tag in _SLANTED and _has_caseless(shown, number, depth)
            opened.append(_opened(run.marks[depth], urls, around, upright=upright))
            parts.append(opened[-1].start)
        text = escape(run.text, quote=False)
        parts.append(text.replace("\n", "<br>\n") if breaks else text)
        if run.picture:
            parts.append(_inline_picture(run.picture, urls))
    return "".join(parts)


def _has_caseless(runs: Sequence[TextRun], number: int, depth: int) -> bool:
    """Return whether the text under a mark that begins at a run has letters without case."""
    marks = runs[number].marks[: depth + 1]
    under = takewhile(
        lambda run: run.marks[: depth + 1] == marks, (runs[n] for n in range(number, len(runs)))
    )
    return any(_is_caseless(character) for run in under for character in run.text)


def _is_caseless(character: str) -> bool:
    return (
        unicodedata.category(character) == "Lo"
        and character not in _CASELESS_LATIN
        and not unicodedata.name(character, "").startswith("LATIN")
    )


def _is_shown(run: TextRun, urls: MailUrls) -> bool:
    """Return whether anything of a run is visible; a picture may be left out of a mail."""
    return bool(run.text or (run.picture and urls.picture(run.picture, _INLINE_PICTURE_WIDTH)))


def _shared(opened: Sequence[_OpenElement], marks: Sequence[Mark]) -> int:
    count = 0
    while count < min(len(opened), len(marks)) and opened[count].mark == marks[count]:
        count += 1
    return count


def _opened(
    mark: Mark, urls: MailUrls, around: LanguageContext, *, upright: bool
) -> _OpenElement:
    language = around.inside(mark.attrs)
    attributes = language.attributes(around) + language.style(around)
    if mark.tag == "a":
        url = urls.link(mark.href)
        name, classes, attributes = (
            ("a" if url else ""),
            "link",
            f' href="{escape(url or "")}"',
        )
    else:
        name, classes = _element(mark.tag, language, upright=upright)
        title = quotable(to_one_line(mark.title))
        attributes = f' title="{escape(title)}"{attributes}' if title else attributes
    if not name or (name == "span" and not classes and not attributes):
        return _OpenElement(mark=mark, start="", end="", language=language)
    named = f' class="{classes}"' if classes else ""
    start = f"<{name}{named}{attributes}>"
    return _OpenElement(mark=mark, start=start, end=f"</{name}>", language=language)


def _element(tag: str, language: LanguageContext, *, upright: bool) -> tuple[str, str]:
    if upright or (tag in _SLANTED and script(language.language) not in _ITALIC_SCRIPTS):
        return ("span", "") if tag == "cite" else (tag, "prose-stress")
    return _ELEMENTS.get(tag, tag), _MARK_CLASSES.get(tag, "")


def _inline_picture(picture: Picture, urls: MailUrls) -> str:
    shown = urls.picture(picture, _INLINE_PICTURE_WIDTH)
    return image_html(shown, "prose-glyph", f' height="{shown.height}"') if shown else ""


def image_html(picture: Picture, classes: str, size: str) -> str:
    """Return the `img` element of a picture whose address fits the mail; `size` are its attributes."""
    source, alt = escape(picture.src), escape(picture.alt)
    return f'<img class="{classes}" src="{source}" width="{picture.width}" alt="{alt}"{size}>'
