"""Where in a mail a block is written: what holds around it, and what it has to say itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from publisher.rendering.prose.addresses import Site
from publisher.rendering.prose.blocks import Tongue
from publisher.rendering.prose.inline import Voice

# CSS pixels: the column less its sides.
COLUMN = 528


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in a mail.

    `story` is the voice of the whole story, `voice` that of what is around; `level` that of its
    first headings; `room` is in CSS pixels. A block that begins where its surroundings begin is
    `flush`; `paragraph` is the class of paragraphs.
    """

    site: Site
    story: Voice
    voice: Voice
    level: int
    room: int = COLUMN
    flush: bool = False
    paragraph: str = "prose"

    def within(self, tongue: Tongue, taken: int = 0) -> Place:
        """Give the place inside a block that takes so many pixels for itself."""
        return replace(
            self,
            voice=self.story.inside(tongue),
            room=self.room - taken,
            flush=True,
            paragraph="prose",
        )

    @property
    def below(self) -> Place:
        """The place under something else."""
        return replace(self, flush=False) if self.flush else self

    @property
    def side(self) -> Literal["left", "right"]:
        """The side on which lines begin."""
        return side(self.voice)

    def start(self, name: str, classes: str, voice: Voice, attributes: str = "") -> str:
        """Begin a block element here, and say what differs from what is around."""
        classes += " flush" if self.flush else ""
        classes += "" if voice.direction == self.voice.direction else aligned(voice)
        said = voice.marks(self.voice) + voice.style(self.voice)
        return f'<{name} class="{classes}"{attributes}{said}>'


def side(voice: Voice) -> Literal["left", "right"]:
    """Give the side on which a voice begins its lines."""
    return "right" if voice.direction == "rtl" else "left"


def aligned(voice: Voice) -> str:
    """Give the class of a block that is turned, with the space before it."""
    return f" start-{side(voice)}"
