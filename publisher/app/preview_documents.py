"""A mail or page as a document for a frame: light, dark, or with inverted colours. Pure.

The document is what mail clients show, but for two things. Conditions about the colour scheme are
resolved here, so that it looks the same in every browser, whatever the editor prefers. Pictures of the
publication come from the console, so that nothing is asked of another server; their addresses are
replaced. What is hostile in a document is not taken out: the frame and its policy have to stand it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, get_args

from publisher.screenshots import with_local_pictures

Look = Literal["light", "dark", "inverted"]
LOOKS: tuple[Look, ...] = get_args(Look)
# CSS pixels: a phone, and a column of a desktop client.
WIDTHS = (375, 700)

_SCHEME = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)", re.IGNORECASE)
# Where conditions stand: sheets, and the attribute `media`. Words of articles stay as they are.
_CONDITIONS = re.compile(
    r"<style\b[^>]*>.*?</style\s*>|\bmedia\s*=\s*(?:\"[^\"]*\"|'[^']*')",
    re.IGNORECASE | re.DOTALL,
)
_ALWAYS, _NEVER = "(min-width:0px)", "(max-width:0px)"
_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
_SCHEME_STYLE = "<style>:root{{color-scheme:{}!important}}</style>"
# What apps do that turn every colour round, whatever the mail says: pictures are turned back.
_INVERSION = (
    "<style>:root{background:#fff;filter:invert(1) hue-rotate(180deg)!important}"
    "img,video,[background]{filter:invert(1) hue-rotate(180deg)!important}</style>"
)


def frame_document(
    html: str, look: Look, base: str, picture: Callable[[str], str | None]
) -> str:
    """Return a document with a look.

    `picture` gets a path below the publication's URL `base`, and returns another address, or None if
    there is no such picture.
    """
    scheme = "dark" if look == "dark" else "light"
    shown = with_local_pictures(with_scheme(html, scheme), base, picture)
    style = _SCHEME_STYLE.format(scheme) + (_INVERSION if look == "inverted" else "")
    head = _HEAD.search(shown)
    place = head.end() if head else 0
    return f"{shown[:place]}{style}{shown[place:]}"


def with_scheme(html: str, scheme: str) -> str:
    """Return a document whose conditions about the colour scheme are resolved."""

    def resolved(found: re.Match[str]) -> str:
        return _ALWAYS if found[1].lower() == scheme else _NEVER

    return _CONDITIONS.sub(lambda found: _SCHEME.sub(resolved, found[0]), html)
