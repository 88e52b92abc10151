"""Which of a document's encodings a client gets (RFC 9110 section 12.5.3). Pure.

Knows codings by name only, and no file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

IDENTITY = "identity"
# The smallest first: among codings that a client likes equally, the first is taken.
CODINGS = ("br", "gzip", IDENTITY)
ALIASES = {"x-gzip": "gzip"}  # RFC 9110 section 8.4.1.3

# One element of the list: a coding or "*", and perhaps a weight of at most three decimals.
_ELEMENT = re.compile(
    r"(?P<coding>[!#$%&'*+.^_`|~0-9a-z-]+)"
    r"(?:[ \t]*;[ \t]*q=(?P<q>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?"
)


def choose(accept_encoding: str | None, available: Iterable[str]) -> str | None:
    """Give the coding to answer in, out of those at hand; None if the client takes none of them.

    Without the header any coding would be allowed, but a client that says nothing of codings
    may know none, so that it gets the document as it is.
    """
    if accept_encoding is None:
        accept_encoding = IDENTITY
    weights = dict(_weights(accept_encoding))
    at_hand = [coding for coding in CODINGS if coding in set(available)]
    best = max(at_hand, key=lambda coding: _weight(coding, weights), default=None)
    return best if best and _weight(best, weights) > 0 else None


def _weights(header: str) -> Iterator[tuple[str, float]]:
    """Read the elements; one that is malformed is passed over."""
    for element in header.lower().split(","):
        found = _ELEMENT.fullmatch(element.strip(" \t"))
        if found:
            coding = found["coding"]
            yield ALIASES.get(coding, coding), float(found["q"] or 1)


def _weight(coding: str, weights: dict[str, float]) -> float:
    if coding in weights:
        return weights[coding]
    if "*" in weights:
        # A wildcard that allows something says nothing against a smaller answer.
        return weights["*"]
    # Not named: the document as it is stays allowed, behind all that was asked for.
    return 0.0001 if coding == IDENTITY else 0
