"""A row of runs as HTML for mail: marks become elements, where mail programs know them.

Knows no block. What an element looks like is in `email/_base/prose.css`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import takewhile

from publisher.articles.model import Picture
from publisher.languages import direction, script
from publisher.rendering.plaintext import to_one_line
from publisher.rendering.prose.addresses import MailUrls, quotable
from publisher.rendering.prose.blocks import LanguageAttrs, Mark, TextRun
from publisher.rendering.typography import typeface

# Only these have italics; letters of other scripts are slanted by force, and hard to read.
ITALIC = frozenset({"Latn", "Cyrl", "Grek", "Armn", "Geor"})
# What some mark becomes: Outlook on Windows and Yahoo take `mark` away (caniemail:
# html-semantics), and a work's title is in italics or like the rest.
ELEMENTS = {"mark": "span", "cite": "i"}
CLASSES = {
    "code": "prose-code",
    "mark": "prose-mark",
    "small": "prose-small",
    "sub": "prose-shift",
    "sup": "prose-shift",
}
SLANTED = frozenset({"em", "i", "cite"})
# Letters without case (Lo) are from scripts without italics: Han, kana, Hangul, Arabic, Hebrew,
# Thai, Devanagari. Save these, and some that phonetic writing has added to the Latin script.
CASELESS_LATIN = "ªº"
# CSS pixels: as wide as a picture within a line may be, so that it fits the narrowest phone.
GLYPH_ROOM = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageContext:
    """The language and direction that hold at a place."""

    language: str
    direction: str

    @classmethod
    def of(cls, language: str) -> LanguageContext:
        """Give the voice of a text in a language."""
        return cls(language=language, direction=direction(language))

    def inside(self, tongue: LanguageAttrs | None) -> LanguageContext:
        """Give the voice of what is declared to be in another tongue here."""
        if tongue is None:
            return self
        return LanguageContext(
            language=tongue.language or self.language,
            direction=tongue.direction or self.direction,
        )

    def marks(self, around: LanguageContext) -> str:
        """Write what has to be said where the voice around is another, with a space before."""
        if self == around:
            return ""
        towards = f' dir="{self.direction}"'
        return (
            towards if self.language == around.language else f' lang="{self.language}"{towards}'
        )

    def style(self, around: LanguageContext) -> str:
        """Write the font, where this language has others: Han characters look as theirs do."""
        fonts = typeface(self.language).body
        return (
            "" if fonts == typeface(around.language).body else f' style="font-family:{fonts}"'
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    """An element that has begun; its tags are empty where a mail has no element for a mark."""

    mark: Mark
    start: str
    end: str
    voice: LanguageContext


def inline_html(
    runs: Sequence[TextRun], site: MailUrls, voice: LanguageContext, *, breaks: bool = True
) -> str:
    """Write runs as HTML; without `breaks` line feeds stay as they are."""
    parts: list[str] = []
    opened: list[_Open] = []
    said = [*(run for run in runs if _says(run, site)), TextRun(text="")]
    for number, run in enumerate(said):
        shared = _shared(opened, run.marks)
        parts += [one.end for one in reversed(opened[shared:])]
        del opened[shared:]
        for depth in range(shared, len(run.marks)):
            around = opened[-1].voice if opened else voice
            upright = run.marks[depth].tag in SLANTED and _is_caseless(said, number, depth)
            opened.append(_opened(run.marks[depth], site, around, upright=upright))
            parts.append(opened[-1].start)
        text = escape(run.text, quote=False)
        parts.append(text.replace("\n", "<br>\n") if breaks else text)
        if run.picture:
            parts.append(_glyph(run.picture, site))
    return "".join(parts)


def _is_caseless(runs: Sequence[TextRun], number: int, depth: int) -> bool:
    """Say if letters without case stand anywhere under a mark that begins at a run."""
    marks = runs[number].marks[: depth + 1]
    under = takewhile(
        lambda run: run.marks[: depth + 1] == marks, (runs[n] for n in range(number, len(runs)))
    )
    return any(_has_no_case(character) for run in under for character in run.text)


def _has_no_case(character: str) -> bool:
    return (
        unicodedata.category(character) == "Lo"
        and character not in CASELESS_LATIN
        and not unicodedata.name(character, "").startswith("LATIN")
    )


def _says(run: TextRun, site: MailUrls) -> bool:
    """Say if anything of a run is seen: a link around a picture that is left out is not."""
    return bool(run.text or (run.picture and site.picture(run.picture, GLYPH_ROOM)))


def _shared(opened: Sequence[_Open], marks: Sequence[Mark]) -> int:
    """Count the marks that go on from one run to the next."""
    count = 0
    while count < min(len(opened), len(marks)) and opened[count].mark == marks[count]:
        count += 1
    return count


def _opened(mark: Mark, site: MailUrls, around: LanguageContext, *, upright: bool) -> _Open:
    voice = around.inside(mark.tongue)
    said = voice.marks(around) + voice.style(around)
    if mark.tag == "a":
        url = site.link(mark.href)
        name, classes, said = ("a" if url else ""), "link", f' href="{escape(url or "")}"'
    else:
        name, classes = _element(mark.tag, voice, upright=upright)
        title = quotable(to_one_line(mark.title))
        said = f' title="{escape(title)}"{said}' if title else said
    if not name or (name == "span" and not classes and not said):
        return _Open(mark=mark, start="", end="", voice=voice)
    named = f' class="{classes}"' if classes else ""
    return _Open(mark=mark, start=f"<{name}{named}{said}>", end=f"</{name}>", voice=voice)


def _element(tag: str, voice: LanguageContext, *, upright: bool) -> tuple[str, str]:
    """Give the element that a mark becomes, and its class; `upright` if letters can't slant."""
    if upright or (tag in SLANTED and script(voice.language) not in ITALIC):
        return ("span", "") if tag == "cite" else (tag, "prose-stress")
    return ELEMENTS.get(tag, tag), CLASSES.get(tag, "")


def _glyph(picture: Picture, site: MailUrls) -> str:
    shown = site.picture(picture, GLYPH_ROOM)
    return image_html(shown, "prose-glyph") if shown else ""


def image_html(picture: Picture, classes: str, style: str = "") -> str:
    """Write a picture whose address and size are those of the mail."""
    styled = f' style="{style}"' if style else ""
    return (
        f'<img class="{classes}" src="{escape(picture.src)}" width="{picture.width}" '
        f'height="{picture.height}" alt="{escape(picture.alt)}"{styled}>'
    )
