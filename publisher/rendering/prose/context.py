"""Where in a mail a block is written: the language and direction around it, and its width."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from publisher.articles.content.blocks import LanguageAttrs
from publisher.languages import direction
from publisher.rendering.prose.mail_urls import MailUrls
from publisher.rendering.typography import typeface

# CSS pixels: the width of the mail's column without its padding.
COLUMN_PIXELS = 528


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageContext:
    """The language and direction in effect at a place."""

    language: str
    direction: str

    @classmethod
    def of(cls, language: str) -> LanguageContext:
        """Return the context of a text in a language."""
        return cls(language=language, direction=direction(language))

    def inside(self, attrs: LanguageAttrs | None) -> LanguageContext:
        """Return the context inside an element with these attributes."""
        if attrs is None:
            return self
        return LanguageContext(
            language=attrs.language or self.language,
            direction=attrs.direction or self.direction,
        )

    @property
    def start(self) -> Literal["left", "right"]:
        """The side on which lines begin."""
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
        """The context below another block."""
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
