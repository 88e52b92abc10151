"""How many columns a text takes on a screen: wide characters take two, marks take none. Pure."""

from __future__ import annotations

import unicodedata

from wcwidth import wcswidth

# Controls and what only shapes or directs what is beside it; joiners make one sign of several,
# and `wcswidth` reckons with them.
JOINERS = frozenset("\u200c\u200d")


def columns(text: str) -> int:
    """Give the columns of one line."""
    shown = (c for c in text if c in JOINERS or unicodedata.category(c) not in {"Cc", "Cf"})
    return max(0, wcswidth("".join(shown)))
