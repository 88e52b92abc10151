"""Previews in frames of a page: the documents, the pictures, and the latest previews in memory.

A document is what mail clients show, light, dark or with inverted colours, but for two things. Conditions
about the colour scheme are resolved here, so that it looks the same in every browser, whatever the editor
prefers. Pictures of the publication come from the console, so that nothing is asked of another server; their
addresses are replaced. What is hostile in a document is not taken out: the frame and its policy have to
stand it. Each preview is rendered once, not once a frame; if it is gone from memory, its page is loaded again.
"""

from __future__ import annotations

import hashlib
import html as html_text
import re
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Literal, get_args
from urllib.parse import unquote

from publisher.app.editing_state import Actor, Permission
from publisher.config import Settings
from publisher.serving.headers import MEDIA_TYPES

if TYPE_CHECKING:
    from publisher.app.issues.preview import MailPreview


Look = Literal["light", "dark", "inverted"]
LOOKS: tuple[Look, ...] = get_args(Look)
WIDTHS = {"phone": 375, "window": 700}  # CSS pixels: a phone, and a column of a desktop client
# Of a frame, which scrolls in itself: what a screen beside the words about it shows at once, and less for little.
_LOWEST, _HIGHEST = 420, 760
# CSS pixels of a line and of a column of text at the size of body text, margins and headings spread over them.
_LINE, _COLUMN = 26, 9

_SCHEME = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)", re.IGNORECASE)
# Where conditions stand: sheets, and the attribute `media`. Words of articles stay as they are.
_CONDITIONS = re.compile(
    r"<style\b[^>]*>.*?</style\s*>|\bmedia\s*=\s*(?:\"[^\"]*\"|'[^']*')",
    re.IGNORECASE | re.DOTALL,
)
_ALWAYS, _NEVER = "(min-width:0px)", "(max-width:0px)"
# Attributes with a picture's address; inlined mails quote attributes in this way.
_PICTURE = re.compile(r"(?<=\s)(src|background)=\"([^\"]*)\"")
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
    """Return a document with a look. `picture` is `locate` of `with_local_pictures`."""
    scheme = "dark" if look == "dark" else "light"
    shown = with_local_pictures(with_scheme(html, scheme), base, picture)
    style = _SCHEME_STYLE.format(scheme) + (_INVERSION if look == "inverted" else "")
    head = _HEAD.search(shown)
    place = head.end() if head else 0
    return f"{shown[:place]}{style}{shown[place:]}"


def frame_height(text: str, width: int) -> int:
    """Return about how many CSS pixels a mail with a text part needs; a frame without scripts can't tell."""
    columns = width // _COLUMN
    from publisher.gate.passages import column_width  # loads the engine of styles

    lines = sum(max(1, -(-column_width(line) // columns)) for line in text.splitlines())
    return min(max(lines * _LINE, _LOWEST), _HIGHEST)


def with_scheme(html: str, scheme: str) -> str:
    """Return a document whose conditions about the colour scheme are resolved."""

    def resolved(found: re.Match[str]) -> str:
        return _ALWAYS if found[1].lower() == scheme else _NEVER

    return _CONDITIONS.sub(lambda found: _SCHEME.sub(resolved, found[0]), html)


def with_local_pictures(mail: str, base: str, locate: Callable[[str], str | None]) -> str:
    """Return a mail whose pictures below the URL `base` have the addresses that `locate` gives for encoded paths; None shows no picture."""

    def local(found: re.Match[str]) -> str:
        address = html_text.unescape(found[2])
        if not address.startswith(f"{base}/"):
            return found[0]
        place = locate(address.removeprefix(f"{base}/"))
        return f'{found[1]}="{html_text.escape(place)}"' if place else found[0]

    return _PICTURE.sub(local, mail)


_MOST = 64  # each has some 300 KB


class PreviewStore:
    """The latest previews, by a hash of what they show. Safe among threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, MailPreview] = OrderedDict()
        self._lock = Lock()

    def keep(self, preview: MailPreview) -> str:
        content = b"\0".join((preview.message, preview.page.encode()))
        key = hashlib.sha256(content).hexdigest()[:32]
        with self._lock:
            self._kept[key] = preview
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return key

    def find(self, actor: Actor, key: str) -> MailPreview | None:
        """Return a preview; None if it is gone. Raise ForbiddenError if the actor may not see it."""
        with self._lock:
            preview = self._kept.get(key)
        if preview is not None:
            actor.require(Permission.VIEW)
            if preview.viewer.subscriber_id is not None:
                actor.require(Permission.SEE_SUBSCRIBERS)
        return preview


def read_public_picture(settings: Settings, path: str) -> tuple[bytes, str] | None:
    """Return a picture in the web root and its media type; None for other files, and for what leads outside."""
    media_type = picture_type(path)
    if media_type is None or "\0" in path:
        return None
    root = settings.folders.public.resolve()
    file = (root / path.lstrip("/")).resolve()
    if not file.is_relative_to(root) or not file.is_file():
        return None
    return file.read_bytes(), media_type


def picture_type(path: str) -> str | None:
    """Return the media type of a picture by its name, percent-encoded or not; None for no picture."""
    found = MEDIA_TYPES.get(unquote(path).rpartition("/")[2].rpartition(".")[2].lower(), "")
    return found if found.startswith("image/") else None
