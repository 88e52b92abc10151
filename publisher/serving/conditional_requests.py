"""Whether a client has a document already, and which part of it it wants. Pure.

Preconditions are those of RFC 9110 section 13, ranges those of section 14. Knows no file; times
are whole seconds since 1970, as HTTP has no finer ones.
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

# Wider than the grammar, which has no spaces: whatever is in quotes must not be read as two.
_ENTITY_TAG = re.compile(r'(?:W/)?"[^"]*"')
_BYTE_RANGE = re.compile(
    r"bytes=[ \t]*(?P<first>[0-9]{0,18})-(?P<last>[0-9]{0,18})[ \t]*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Validators:
    """What tells one state of a representation from another: strong tag, and seconds."""

    etag: str
    modified: int

    @property
    def last_modified(self) -> str:
        """The value of Last-Modified (RFC 9110 section 5.6.7)."""
        return formatdate(self.modified, usegmt=True)

    def of_variant(self, name: str) -> Validators:
        """Give those of the same bytes by another type, which are another representation."""
        return Validators(f'{self.etag[:-1]}-{name}"', self.modified)


def evaluate_preconditions(fields: Mapping[str, str], validators: Validators) -> HTTPStatus:
    """Say how to answer a GET or HEAD: 200, 304 or 412, in the order of RFC 9110 section 13.2.2.

    `fields` are the request's, by names in small letters.
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
    """Give the offsets of the part that a GET asks for; None for the whole.

    An empty range means that there is no such part (416). Several parts at once, other units
    and nonsense are passed over, as section 14.2 allows; so is a part of an older state.
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
    """Say if the part may be given (If-Range, RFC 9110 section 13.1.5)."""
    condition = fields.get("if-range")
    if condition is None:
        return True
    return condition.strip() in (validators.etag, validators.last_modified)


def _tags(value: str) -> list[str]:
    if value.strip() == "*":
        return ["*"]
    return [found[0] for found in _ENTITY_TAG.finditer(value)]


def _seconds(value: str) -> int | None:
    """Read any of the three forms of an HTTP date; None for what is no date."""
    try:
        found = parsedate(value)
        return None if found is None else timegm(found)
    except (ValueError, OverflowError):
        return None
