"""Taking the photographs of a mail: one window holds all its views, several if it is long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from publisher.errors import UsageError
from publisher.photographs.chromium import expose
from publisher.photographs.pages import VIEWS, View, page_of, read_seen
from publisher.photographs.sheets import cut

# Higher than most mails, and well below the 16,384 pixels where Chromium's textures end.
WINDOW = 6_000
# No mail is that long; a style that says so would keep Chromium busy for hours.
LONGEST = 120_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail's HTML, and the language that it is called by."""

    language: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Photograph:
    """A whole mail in one view, as a PNG file."""

    language: str
    view: View
    picture: bytes

    @property
    def name(self) -> str:
        """Give what tells it apart from the others, which is fit for a file's name."""
        return f"{self.language}-{self.view.scheme}-{self.view.width}"


def photograph(
    program: str, mail: Mail, views: Sequence[View] = VIEWS, window: int = WINDOW
) -> tuple[Photograph, ...]:
    """Photograph a mail in each view, from top to bottom; `window` is how much at once.

    Raises UsageError where Chromium fails, or doesn't do what is asked of it.
    """
    wide = sum(view.width for view in views)
    strips: list[bytes] = []
    tops: list[int] = []
    top = 0
    heights: tuple[int, ...] = (1,)
    while top < max(heights):
        exposed = expose(program, page_of(mail.html, views, top), wide, window)
        seen = read_seen(exposed.dom, views)
        heights = seen.heights
        if max(heights) > LONGEST:
            raise UsageError(f"{mail.language}: the mail is {max(heights)} pixels long")
        strips.append(exposed.picture)
        tops.append(top)
        # What lies below is Chromium's own in some versions.
        top += seen.window
    return tuple(
        Photograph(
            language=mail.language,
            view=view,
            picture=cut(
                strips,
                left=sum(other.width for other in views[:place]),
                width=view.width,
                heights=[max(0, min(seen.window, heights[place] - top)) for top in tops],
            ),
        )
        for place, view in enumerate(views)
    )
