"""Taking the photographs of a mail: one window holds all its views, several if it is long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from publisher.errors import UsageError
from publisher.screenshots.chromium import capture_page
from publisher.screenshots.contact_sheets import crop_column
from publisher.screenshots.frames import MAIL_VIEWS, MailView, frames_page, read_frame_heights

# Higher than most mails, and well below the 16,384 pixels where Chromium's textures end.
_WINDOW_HEIGHT = 6_000
# No mail is that long; a style that says so would keep Chromium busy for hours.
MAX_MAIL_HEIGHT = 120_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MailPage:
    """A mail's HTML, and the language that it is called by."""

    language: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Screenshot:
    """A whole mail in one view, as a PNG file."""

    language: str
    view: MailView
    picture: bytes

    @property
    def name(self) -> str:
        """Give what tells it apart from the others, which is fit for a file's name."""
        return f"{self.language}-{self.view.scheme}-{self.view.width}"


def capture_mail(
    program: str,
    mail: MailPage,
    views: Sequence[MailView] = MAIL_VIEWS,
    window: int = _WINDOW_HEIGHT,
) -> tuple[Screenshot, ...]:
    """Photograph a mail in each view, from top to bottom; `window` is how much at once.

    Raises UsageError where Chromium fails, or doesn't do what is asked of it.
    """
    wide = sum(view.width for view in views)
    strips: list[bytes] = []
    tops: list[int] = []
    top = 0
    heights: tuple[int, ...] = (1,)
    while top < max(heights):
        exposed = capture_page(program, frames_page(mail.html, views, top), wide, window)
        seen = read_frame_heights(exposed.dom, views)
        heights = seen.heights
        if max(heights) > MAX_MAIL_HEIGHT:
            raise UsageError(f"{mail.language}: the mail is {max(heights)} pixels long")
        strips.append(exposed.picture)
        tops.append(top)
        # What lies below is Chromium's own in some versions.
        top += seen.window
    return tuple(
        Screenshot(
            language=mail.language,
            view=view,
            picture=crop_column(
                strips,
                left=sum(other.width for other in views[:place]),
                width=view.width,
                heights=[max(0, min(seen.window, heights[place] - top)) for top in tops],
            ),
        )
        for place, view in enumerate(views)
    )
