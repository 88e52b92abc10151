"""The page that Chromium opens: the mail in one frame for each view.

A frame is as wide as a mail client's column, and grows to the height of the mail.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from publisher.errors import UsageError
from publisher.mail_limits import MAIL_WIDTH, PHONE_WIDTH

ColourScheme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MailView:
    """One view of a mail: the preferred colour scheme, and the width in CSS pixels."""

    scheme: ColourScheme
    width: int


MAIL_VIEWS = tuple(
    MailView(scheme=scheme, width=width)
    for scheme in ("light", "dark")
    for width in (MAIL_WIDTH, PHONE_WIDTH)
)

# A mail loads nothing from a network, and only the measuring script runs. Frames inherit the
# policy of their page (CSP 3, section 7.8), and their sandbox runs no script.
_POLICY = (
    "default-src 'none'; img-src file: data:; style-src 'unsafe-inline'; script-src 'nonce-{}'"
)
_NONCE = "measure"
# Frames begin with height 1, since a document is never lower than its frame. The page sets their
# colour scheme (CSS Color Adjust 1, section 2.4).
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

# Attributes with a picture's address; inlined mails quote attributes in this way.
_PICTURE = re.compile(r"(?<=\s)(src|background)=\"([^\"]*)\"")


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameHeights:
    """Heights that the page measured, in CSS pixels: of the window and of each frame."""

    window: int
    heights: tuple[int, ...]


def frames_page(mail: str, views: Sequence[MailView], top: int = 0) -> str:
    """Return the page with a mail in views side by side, scrolled down by `top` pixels."""
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
    """Return what the page measured; `dom` is the HTML that Chromium printed.

    Raises UsageError if there is nothing, or if a frame has another colour scheme.
    """
    found = _MEASURED.search(dom)
    if found is None:
        raise UsageError(
            "Chromium did not show the page; a snap can't read temporary files, so install "
            "Chromium another way"
        )
    window, frames = json.loads(html.unescape(found[1]))
    if [scheme for _height, scheme in frames] != [view.scheme for view in views]:
        raise UsageError("this Chromium is too old to show mails in dark colours; upgrade it")
    return FrameHeights(window=window, heights=tuple(height for height, _scheme in frames))


def with_local_pictures(mail: str, base: str, locate: Callable[[str], str | None]) -> str:
    """Return a mail in which pictures below the publication's URL `base` are files.

    `locate` gets a path below the web root, percent-encoded as in the address, and returns a
    `file:` URL, or None if there is no such file. Such a picture is not shown.
    """

    def local(found: re.Match[str]) -> str:
        address = html.unescape(found[2])
        if not address.startswith(f"{base}/"):
            return found[0]
        place = locate(address.removeprefix(f"{base}/"))
        return f'{found[1]}="{html.escape(place)}"' if place else found[0]

    return _PICTURE.sub(local, mail)
