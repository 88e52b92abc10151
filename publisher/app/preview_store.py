"""Previews that a page has shown, kept for its frames: each is rendered once, not once a frame.

They are in memory only, the latest few. A frame whose preview is gone asks for its page to be loaded again.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

from publisher.app.editing_state import Actor, Permission

if TYPE_CHECKING:
    from publisher.app.issue_preview import MailPreview

# Each has some 300 KB.
_MOST = 64


class PreviewStore:
    """The latest previews, by a hash of what they show. Safe among threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, MailPreview] = OrderedDict()
        self._lock = Lock()

    def keep(self, preview: MailPreview) -> str:
        """Keep a preview, and return its key."""
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
