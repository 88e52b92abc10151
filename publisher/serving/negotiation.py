"""Content negotiation: the encoding and the media type that a client gets (RFC 9110, 12.5).

A browser shows a feed as plain text, or saves it, if its media type is that of a feed. If the
type is that of any XML, it shows the feed with its style sheet. The patterns mean the same in
Python, PCRE and RE2: nginx and Caddy look for them in the Accept header, ignoring case.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from feeds import FEED_FORMATS
from publisher.serving.headers import MEDIA_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

IDENTITY_CODING = "identity"
# The smallest first: among codings of equal weight the first is used.
_CODINGS = ("br", "gzip", IDENTITY_CODING)
_CODING_ALIASES = {"x-gzip": "gzip"}  # RFC 9110 section 8.4.1.3

# One element of the list: a coding or "*", and perhaps a weight of at most three decimals.
_ELEMENT = re.compile(
    r"(?P<coding>[!#$%&'*+.^_`|~0-9a-z-]+)"
    r"(?:[ \t]*;[ \t]*q=(?P<q>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?"
)

STYLED_TYPE = MEDIA_TYPES["xml"]
STYLED_VARY = "Accept, Accept-Encoding"

# Browsers accept text/html. Feed readers may accept it too, but then they accept feeds as well.
ACCEPTS_PAGE = r"(?:^|[\s,])text/html(?:[\s,;]|$)"


def styled_suffixes() -> list[str]:
    """Return the ends of the names of feeds that have a style sheet; a JSON feed has none."""
    return [one.suffix for one in FEED_FORMATS if one.styled]


def styled_feed_pattern() -> str:
    """Return a pattern of the paths of feeds that have a style sheet."""
    return rf"feeds/.*\.(?:{'|'.join(map(re.escape, styled_suffixes()))})"


def accepts_feed_pattern() -> str:
    """Return a pattern of the Accept headers of programs that read such feeds."""
    types = "|".join(re.escape(one.media_type) for one in FEED_FORMATS if one.styled)
    return rf"(?:^|[\s,])(?:{types})(?:[\s,;]|$)"


def choose_coding(accept_encoding: str | None, available: Iterable[str]) -> str | None:
    """Return the coding to answer in, or None if the client accepts none that is available.

    Without the header any coding is allowed (RFC 9110). Such a client may know none, so it gets
    the document as it is.
    """
    if accept_encoding is None:
        accept_encoding = IDENTITY_CODING
    weights = dict(_weights(accept_encoding))
    candidates = [coding for coding in _CODINGS if coding in set(available)]
    best = max(candidates, key=lambda coding: _weight(coding, weights), default=None)
    return best if best and _weight(best, weights) > 0 else None


def _weights(header: str) -> Iterator[tuple[str, float]]:
    """Yield codings and weights; malformed elements are ignored."""
    for element in header.lower().split(","):
        found = _ELEMENT.fullmatch(element.strip(" \t"))
        if found:
            coding = found["coding"]
            yield _CODING_ALIASES.get(coding, coding), float(found["q"] or 1)


def _weight(coding: str, weights: dict[str, float]) -> float:
    if coding in weights:
        return weights[coding]
    if "*" in weights:
        # A wildcard that allows a coding allows the smaller answer too.
        return weights["*"]
    # Not named: identity stays allowed, after all codings that are named.
    return 0.0001 if coding == IDENTITY_CODING else 0


def is_styled(path: str) -> bool:
    """Return whether a document below the web root is a feed with a style sheet."""
    return re.fullmatch(styled_feed_pattern(), path, re.DOTALL) is not None


def is_browser(accept: str) -> bool:
    """Return whether an Accept header is that of a browser that opens a page (RFC 9110, 12.5.1).

    Weights are ignored.
    """
    return _names(ACCEPTS_PAGE, accept) and not _names(accepts_feed_pattern(), accept)


def _names(pattern: str, accept: str) -> bool:
    return re.search(pattern, accept, re.IGNORECASE) is not None
