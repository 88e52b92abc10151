"""The files below the web root, with their compressed copies.

Files are replaced by rename while the server runs. Size and time of a document are therefore
read from the open file, never by its name.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from io import SEEK_CUR, SEEK_END, SEEK_SET
from pathlib import Path
from typing import BinaryIO

from publisher.serving.conditional_requests import Validators
from publisher.serving.headers import is_hidden
from publisher.serving.negotiation import IDENTITY_CODING

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
