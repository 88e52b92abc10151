"""Placeholders of templates, and how to tell them from what people wrote about templates."""

from __future__ import annotations

import re
import unicodedata

# Jinja and Liquid; our own tokens; Mailchimp; Salesforce and ERB.
TEMPLATE_MARKER = re.compile(
    r"\{\{[^{}]{0,200}(?:\}\})?|\{%[^{}]{0,200}(?:%\})?|\{#[^{}]{0,200}#\}"
    r"|@@[A-Z_]{2,40}@@|\*\|[A-Z0-9_:]{1,60}\|\*"
    r"|%%[A-Za-z_]{2,60}%%|<%[^<>]{0,200}%>"
)
# What every marker begins with; faster to look for.
MARKER_START = re.compile(r"[{%@*<]")
# White space and marks that a mail sets anew: directions, places where a line may break.
_LAYOUT = re.compile(r"[\s\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+")
# The start of a marker up to its first word; what follows may be the template's again.
_OPENING = re.compile(r"\{[{%]\s*[^\s\u2069]*")
_CLOSINGS = ("}}", "%}", "#}", "%>")


def without_layout(text: str) -> str:
    """Return a text in NFC without white space and direction marks, to compare it."""
    return _LAYOUT.sub("", unicodedata.normalize("NFC", text))


def leftover_markers(text: str, by_people: str) -> list[str]:
    """Return the markers of a text that people did not write themselves.

    `by_people` is everything that people wrote, `without_layout`. A marker without an end is
    compared by its first word: it may be cut (`…`), and what follows it need not be theirs.
    """
    if not MARKER_START.search(text):
        return []
    found = [match[0] for match in TEMPLATE_MARKER.finditer(text)]
    return [marker for marker in found if not is_by_people(marker, by_people)]


def is_by_people(marker: str, by_people: str) -> bool:
    """Return whether people wrote a marker themselves."""
    if without_layout(marker) in by_people:
        return True
    opening = _OPENING.match(marker)
    if not opening or marker.endswith(_CLOSINGS):
        return False
    return without_layout(opening[0]).rstrip("…") in by_people
