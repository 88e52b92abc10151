"""The paths that `publisher web` answers, among all others of the site. Pure.

Our own server and the configurations of nginx and Caddy follow this table. Patterns mean the same in
Python, PCRE and RE2. Paths are relative to the web root, without a leading slash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publisher.config import Settings

# Any language: mails of before may name one that the publication has given up.
_LANGUAGE = "[A-Za-z][A-Za-z0-9-]*"
# Pages of a language, which take the place of static ones of the same path.
_PAGES = ("subscribe", "confirm", "unsubscribe", "preferences", "address", "data")


def dynamic_pattern(settings: Settings) -> str:
    """Return the pattern of whole paths that are answered for each request; "" for none."""
    if not settings.web.enabled:
        return ""
    pages = "|".join(_PAGES)
    return f"{_LANGUAGE}/(?:{pages})(?:/.*)?|{_LANGUAGE}/feeds/of/.*|feedback/.*|-/.*"
