"""Conditional requests (RFC 9110 section 13) and byte ranges (section 14).

Times are whole seconds since 1970, since HTTP dates have no fractions.
"""

from __future__ import annotations

import re
from calendar import timegm
from dataclasses import dataclass
from email.utils import formatdate, parsedate
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Wider than the grammar, which allows no space: a quoted text must not be read as two tags.
_ENTITY_TAG = re.compile(r'(?:W/)?"[^"]*"')
_BYTE_RANGE = re.compile(
    r"bytes=[ \t]*(?P<first>[0-9]{0,18})-(?P<last>[0-9]{0,18})[ \t]*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Validators:
    """Strong entity tag and time of change of a representation, in seconds."""

    etag: str
    modified: int

    @property
    def last_modified(self) -> str:
        """Return the value of Last-Modified (RFC 9110 section 5.6.7)."""
        return formatdate(self.modified, usegmt=True)

    def of_variant(self, name: str) -> Validators:
        """Return the validators of the same bytes with another media type."""
        return Validators(f'{self.etag[:-1]}-{name}"', self.modified)


def evaluate_preconditions(fields: Mapping[str, str], validators: Validators) -> HTTPStatus:
    """Return the status of a GET or HEAD: 200, 304 or 412 (RFC 9110 section 13.2.2).

    `fields` are the request's header fields, with names in lower case.
    """
    if "if-match" in fields:
        # Strong comparison: a weak tag never matches.
        strong = [one for one in _tags(fields["if-match"]) if not one.startswith("W/")]
        if not ("*" in strong or validators.etag in strong):
            return HTTPStatus.PRECONDITION_FAILED
    elif "if-unmodified-since" in fields:
        until = _seconds(fields["if-unmodified-since"])
        if until is not None and validators.modified > until:
            return HTTPStatus.PRECONDITION_FAILED
    if "if-none-match" in fields:
        weak = [one.removeprefix("W/") for one in _tags(fields["if-none-match"])]
        known = "*" in weak or validators.etag in weak
    else:
        since = _seconds(fields.get("if-modified-since", ""))
        known = since is not None and validators.modified <= since
    return HTTPStatus.NOT_MODIFIED if known else HTTPStatus.OK


def requested_range(
    fields: Mapping[str, str], validators: Validators, size: int
) -> range | None:
    """Return the byte offsets that a GET requests, or None for the whole document.

    An empty range means that the document has no such bytes (416). Several ranges, other units,
    malformed values and ranges of an older state are ignored, as section 14.2 allows.
    """
    found = _BYTE_RANGE.fullmatch(fields.get("range", ""))
    if not found or not (found["first"] or found["last"]) or not _still_is(fields, validators):
        return None
    if not found["first"]:
        return range(max(size - int(found["last"]), 0), size)
    first, last = int(found["first"]), int(found["last"] or size)
    if found["last"] and last < first:
        return None
    return range(first, min(last + 1, size))


def _still_is(fields: Mapping[str, str], validators: Validators) -> bool:
    """Return whether the document is unchanged (If-Range, RFC 9110 section 13.1.5)."""
    condition = fields.get("if-range")
    if condition is None:
        return True
    return condition.strip() in (validators.etag, validators.last_modified)


def _tags(value: str) -> list[str]:
    if value.strip() == "*":
        return ["*"]
    return [found[0] for found in _ENTITY_TAG.finditer(value)]


def _seconds(value: str) -> int | None:
    """Return an HTTP date in any of its three forms as seconds, or None if it is invalid."""
    try:
        found = parsedate(value)
        return None if found is None else timegm(found)
    except (ValueError, OverflowError):
        return None
