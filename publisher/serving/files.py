"""The files below the web root, with compressed copies; conditional requests and byte ranges.

Files are replaced by rename while the server runs. Size and time of a document are therefore read
from the open file, never by its name. Conditional requests are those of RFC 9110 section 13, ranges
those of section 14. Times are whole seconds since 1970, since HTTP dates have no fractions.
"""

from __future__ import annotations

import os
import re
import stat
from calendar import timegm
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate, parsedate
from http import HTTPStatus
from io import SEEK_CUR, SEEK_END, SEEK_SET
from pathlib import Path
from typing import BinaryIO

from publisher.serving.headers import IDENTITY_CODING, is_hidden

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


_INDEX = "index.html"
_SUFFIXES = {"br": ".br", "gzip": ".gz", IDENTITY_CODING: ""}
BLOCK_SIZE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Representation:
    """A document in one encoding, as an open file. The caller closes it."""

    file: BinaryIO
    size: int
    validators: Validators


class FileRange:
    """The bytes of an open file between two offsets, as a file and as an iterator of blocks.

    A WSGI server that sends files itself reads them to the end; this one ends with the range.
    """

    def __init__(self, file: BinaryIO, wanted: range) -> None:
        self._file = file
        self._wanted = wanted
        file.seek(wanted.start)

    @property
    def size(self) -> int:
        """Return the length of the range in bytes."""
        return len(self._wanted)

    def read(self, size: int = -1) -> bytes:
        """Read at most `size` bytes, or the rest of the range."""
        left = max(self._wanted.stop - self._file.tell(), 0)
        return self._file.read(min(size, left) if size >= 0 else left)

    def seekable(self) -> bool:
        """Return True: every byte can be reached."""
        return True

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        """Move to a byte, as in any file."""
        here, start = self._file.tell(), self._wanted.start
        base = {SEEK_SET: start, SEEK_CUR: here, SEEK_END: self._wanted.stop}[whence]
        return self._file.seek(base + offset) - start

    def tell(self) -> int:
        """Return the position within the range."""
        return self._file.tell() - self._wanted.start

    def __iter__(self) -> FileRange:
        return self

    def __next__(self) -> bytes:
        block = self.read(BLOCK_SIZE)
        if not block:
            raise StopIteration
        return block

    def close(self) -> None:
        """Close the file. WSGI servers call this even after an error."""
        self._file.close()


def locate_file(root: Path, path: str, index: str = _INDEX) -> str | None:
    """Return the path of the file for a URL's path, both relative to the root.

    For a folder with a page, requested without its slash, return the path with the slash. The page of
    a folder is its `index`. Return None if there is no such file, or if the path is hidden.
    """
    if is_hidden(path) or not _is_canonical(path):
        return None
    if not path or path.endswith("/"):
        return f"{path}{index}" if _is_file(root / path / index) else None
    if _is_file(root / path):
        return path
    return f"{path}/" if _is_file(root / path / index) else None


def _is_canonical(path: str) -> bool:
    """Return whether a path is in its only spelling, so that it can't leave the root."""
    inner = path.removesuffix("/").split("/") if path else []
    return "\\" not in path and not {"", ".", ".."} & set(inner)


def available_codings(file: Path) -> list[str]:
    """Return the codings in which a file exists; copies older than the file are left out."""
    found = {coding: _look(_copy(file, coding)) for coding in _SUFFIXES}
    own = found[IDENTITY_CODING]
    if own is None:
        return []
    fresh = own.st_mtime_ns
    return [coding for coding, one in found.items() if one and one.st_mtime_ns >= fresh]


def open_representation(file: Path, coding: str) -> Representation | None:
    """Open a file in a coding; return None if it is gone or can't be read."""
    try:
        opened = _copy(file, coding).open("rb")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError):
        return None
    status = os.fstat(opened.fileno())
    # Two codings can have equal size and time, so the tag names the coding too.
    etag = f'"{status.st_mtime_ns:x}-{status.st_size:x}{_SUFFIXES[coding].replace(".", "-")}"'
    validators = Validators(etag, status.st_mtime_ns // 10**9)
    return Representation(opened, status.st_size, validators)


def _copy(file: Path, coding: str) -> Path:
    return file.with_name(file.name + _SUFFIXES[coding])


def _is_file(path: Path) -> bool:
    return _look(path) is not None


def _look(path: Path) -> os.stat_result | None:
    try:
        status = path.stat()
    except (OSError, ValueError):  # no such file, or no valid file name
        return None
    return status if stat.S_ISREG(status.st_mode) else None
