"""What Chromium is given to photograph: a page with the mail in frames, one for each view.

A frame is as wide as a mail program's column, and grows as high as the mail is. Pure: runs
nothing and reads no file.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from publisher.errors import UsageError

ColourScheme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MailView:
    """How a mail is looked at: the colours that its reader prefers, the width in CSS pixels."""

    scheme: ColourScheme
    width: int


# A mail's full column, and the narrowest telephone (WCAG 2.2, 1.4.10).
MAIL_VIEWS = tuple(
    MailView(scheme=scheme, width=width) for scheme in ("light", "dark") for width in (600, 320)
)

# Nothing that a mail could ask for comes from elsewhere, even if Chromium were let out; and
# nothing runs but what measures. Frames have their page's policy (CSP 3, section 7.8), and
# their sandbox runs no script at all.
_POLICY = (
    "default-src 'none'; img-src file: data:; style-src 'unsafe-inline'; script-src 'nonce-{}'"
)
_NONCE = "measure"
# Frames begin low, since a document is never lower than its frame. Their colours are those
# that their page gives them (CSS Color Adjust 1, section 2.4).
_FRAME = (
    '<iframe sandbox="allow-same-origin" scrolling="no" width="{width}" height="1"'
    ' style="color-scheme:{scheme}" srcdoc="{mail}"></iframe>'
)
_STYLE = "body{{margin:{above}px 0 0;display:flex;align-items:flex-start}}iframe{{border:0;flex:none}}"
_MEASURE = """
onload = () => {
  const frames = [...document.querySelectorAll("iframe")].map((frame) => {
    const height = frame.contentDocument.documentElement.scrollHeight;
    const dark = frame.contentWindow.matchMedia("(prefers-color-scheme: dark)").matches;
    frame.height = height;
    return [height, dark ? "dark" : "light"];
  });
  document.documentElement.dataset.seen = JSON.stringify([innerHeight, frames]);
};
"""
_MEASURED = re.compile(r"<html[^>]* data-seen=\"([^\"]*)\"")

# Where HTML says that a picture is; finished mails have their attributes in these quotes.
_PICTURE = re.compile(r"(?<=\s)(src|background)=\"([^\"]*)\"")


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameHeights:
    """What Chromium saw: the window's height, and the height of each frame, in CSS pixels."""

    window: int
    heights: tuple[int, ...]


def frames_page(mail: str, views: Sequence[MailView], top: int = 0) -> str:
    """Make the page that shows a mail's HTML in views side by side, from `top` pixels on."""
    frames = "".join(
        _FRAME.format(width=view.width, scheme=view.scheme, mail=html.escape(mail))
        for view in views
    )
    return (
        '<!DOCTYPE html><html><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY.format(_NONCE)}">'
        f"<style>{_STYLE.format(above=-top)}</style></head><body>{frames}"
        f'<script nonce="{_NONCE}">{_MEASURE}</script></body></html>'
    )


def read_frame_heights(dom: str, views: Sequence[MailView]) -> FrameHeights:
    """Read what the page has written into itself; `dom` is as Chromium gives it out.

    Raises UsageError if there is nothing, or if a mail wasn't shown in the colours asked for.
    """
    found = _MEASURED.search(dom)
    if found is None:
        raise UsageError(
            "Chromium did not show the page that it was given; if it is a snap, which sees no "
            "temporary files, take another"
        )
    window, frames = json.loads(html.unescape(found[1]))
    if [scheme for _height, scheme in frames] != [view.scheme for view in views]:
        raise UsageError("this Chromium is too old to show mails in dark colours; renew it")
    return FrameHeights(window=window, heights=tuple(height for height, _scheme in frames))


def with_local_pictures(mail: str, base: str, locate: Callable[[str], str | None]) -> str:
    """Have pictures below the publication's URL `base` taken from files.

    `locate` is given a path below the web root as the address spells it, and gives a `file:`
    address, or None for what is not there: that keeps its own, and won't be shown.
    """

    def local(found: re.Match[str]) -> str:
        address = html.unescape(found[2])
        if not address.startswith(f"{base}/"):
            return found[0]
        place = locate(address.removeprefix(f"{base}/"))
        return f'{found[1]}="{html.escape(place)}"' if place else found[0]

    return _PICTURE.sub(local, mail)
