"""Take the screenshots of a mail: one window holds all views, several windows a long mail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from publisher.errors import UsageError
from publisher.screenshots.chromium import capture_page
from publisher.screenshots.contact_sheets import crop_column
from publisher.screenshots.frames import MAIL_VIEWS, MailView, frames_page, read_frame_heights

# In pixels. Higher than most mails, and below Chromium's limit for textures of 16,384.
_WINDOW_HEIGHT = 6_000
# In pixels. No real mail is longer; a style that asks for more would take hours.
MAX_MAIL_HEIGHT = 120_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MailPage:
    """A mail's HTML and its language."""

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
        """Return a name that is unique among the screenshots, usable as a file name."""
        return f"{self.language}-{self.view.scheme}-{self.view.width}"


def _check_height(mail: MailPage, height: int) -> None:
    if height > MAX_MAIL_HEIGHT:
        raise UsageError(
            f"{mail.language}: the mail is {height} pixels long, which is too long for "
            f"screenshots (at most {MAX_MAIL_HEIGHT}); look for a height in its styles"
        )


def capture_mail(
    program: str,
    mail: MailPage,
    views: Sequence[MailView] = MAIL_VIEWS,
    window: int = _WINDOW_HEIGHT,
) -> tuple[Screenshot, ...]:
    """Return a screenshot of the whole mail in each view; `window` is the height of one picture.

    Raises UsageError if Chromium fails or the mail is too long.
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
        _check_height(mail, max(heights))
        strips.append(exposed.picture)
        tops.append(top)
        # Some versions of Chromium draw their own elements below.
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
