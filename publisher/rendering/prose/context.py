"""Where in a mail a block is written: what holds around it, and what it has to say itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from publisher.rendering.prose.addresses import MailUrls
from publisher.rendering.prose.blocks import LanguageAttrs
from publisher.rendering.prose.inline import LanguageContext

# CSS pixels: the column less its sides.
COLUMN_PIXELS = 528


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderContext:
    """A place in a mail.

    `story` is the voice of the whole story, `voice` that of what is around; `level` that of its
    first headings; `room` is in CSS pixels. A block that begins where its surroundings begin is
    `flush`; `paragraph` is the class of paragraphs.
    """

    site: MailUrls
    story: LanguageContext
    voice: LanguageContext
    level: int
    room: int = COLUMN_PIXELS
    flush: bool = False
    paragraph: str = "prose"

    def within(self, tongue: LanguageAttrs, taken: int = 0) -> RenderContext:
        """Give the place inside a block that takes so many pixels for itself."""
        return replace(
            self,
            voice=self.story.inside(tongue),
            room=self.room - taken,
            flush=True,
            paragraph="prose",
        )

    @property
    def below(self) -> RenderContext:
        """The place under something else."""
        return replace(self, flush=False) if self.flush else self

    @property
    def side(self) -> Literal["left", "right"]:
        """The side on which lines begin."""
        return start_side(self.voice)

    def start(
        self, name: str, classes: str, voice: LanguageContext, attributes: str = ""
    ) -> str:
        """Begin a block element here, and say what differs from what is around."""
        classes += " flush" if self.flush else ""
        classes += "" if voice.direction == self.voice.direction else align_class(voice)
        said = voice.marks(self.voice) + voice.style(self.voice)
        return f'<{name} class="{classes}"{attributes}{said}>'


def start_side(voice: LanguageContext) -> Literal["left", "right"]:
    """Give the side on which a voice begins its lines."""
    return "right" if voice.direction == "rtl" else "left"


def align_class(voice: LanguageContext) -> str:
    """Give the class of a block that is turned, with the space before it."""
    return f" start-{start_side(voice)}"
