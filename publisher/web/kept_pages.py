"""Pages that are the same for many subscribers, but for a few values of each one's own.

A page is rendered once, with marks in the places of these values, and kept. Each answer has the
values in these places, escaped for HTML.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from markupsafe import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from publisher.config import Settings

# Pages of subscribers' choices and languages, some 15 KB each.
_PAGES_KEPT = 200
# Nobody can guess it, so no text holds a mark by chance. Escaping and encoding leave it as it is.
_NONCE = secrets.token_hex(8)
_MARK = re.compile(f"{_NONCE}([a-z]+){_NONCE}")


class KeptPages:
    """Pages by what they show. Those of former settings are dropped. Safe among threads."""

    def __init__(self) -> None:
        self._kept: tuple[Settings | None, dict[Hashable, list[str]]] = None, {}

    def fill(
        self,
        settings: Settings,
        key: Hashable,
        own: Mapping[str, str],
        render: Callable[[Mapping[str, str]], str],
    ) -> str:
        """Return a page with somebody's `own` values, whose names are lower-case letters.

        `key` names all else that the page depends on, besides the settings. `render` makes the page
        with other values, and may not decide anything by them.
        """
        known, pages = self._kept
        if known is not settings:
            pages = {}
            self._kept = settings, pages
        parts = pages.get(key)
        if parts is None:
            parts = _MARK.split(render({name: f"{_NONCE}{name}{_NONCE}" for name in own}))
            if len(pages) >= _PAGES_KEPT:
                pages.clear()
            pages[key] = parts
        # Every second part is the name of a mark.
        return "".join(
            escape(own[part]) if place % 2 else part for place, part in enumerate(parts)
        )
