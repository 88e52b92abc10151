"""Browsers that come upon a feed: how to know them, and as what they are given it. Pure.

A browser shows a feed as plain text, or saves it, when its type says that it is a feed; when
its type is that of any XML, it shows it by the style sheet that the feed names. Patterns are
such as Python, PCRE and RE2 understand alike; those of the Accept header are to be looked for
anywhere in it, without regard to case.
"""

from __future__ import annotations

import re

from publisher.serving.headers import TYPES

# Feeds that name a style sheet, by the end of the name; a JSON feed can't.
STYLED_SUFFIXES = ("rss.xml", "atom.xml")
STYLED = rf"feeds/.*\.(?:{'|'.join(map(re.escape, STYLED_SUFFIXES))})"
STYLED_TYPE = TYPES["xml"]
STYLED_VARY = "Accept, Accept-Encoding"

# Who goes to a page says so; who fetches feeds may say so too, but then names them as well.
PAGES = r"(?:^|[\s,])text/html(?:[\s,;]|$)"
FEEDS = r"(?:^|[\s,])application/(?:rss|atom)\+xml(?:[\s,;]|$)"


def is_styled(path: str) -> bool:
    """Say if a document below the web root is a feed that browsers can show."""
    return re.fullmatch(STYLED, path, re.DOTALL) is not None


def is_browser(accept: str) -> bool:
    """Say if a browser asks, to show what it gets, by its Accept header (RFC 9110, 12.5.1).

    Weights are passed over: nobody names what it does not want.
    """
    return _names(PAGES, accept) and not _names(FEEDS, accept)


def _names(pattern: str, accept: str) -> bool:
    return re.search(pattern, accept, re.IGNORECASE) is not None
