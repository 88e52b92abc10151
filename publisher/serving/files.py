"""Documents below the web root as files, with the compressed copies beside them.

Files are replaced by rename while we serve, so that what is said of a document is taken from
the open file, never from its name. Knows no request and no header.
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
    """A document in one encoding: an open file, to be closed by whoever asked for it."""

    file: BinaryIO
    size: int
    validators: Validators


class FileRange:
    """The bytes of an open file between two offsets: a file of its own, or block by block.

    A WSGI server that sends files by itself may read one to its end, so that it is given this.
    """

    def __init__(self, file: BinaryIO, wanted: range) -> None:
        self._file = file
        self._wanted = wanted
        file.seek(wanted.start)

    @property
    def size(self) -> int:
        """The number of bytes, whatever has been read of them."""
        return len(self._wanted)

    def read(self, size: int = -1) -> bytes:
        """Read so many bytes at most, or all that are left."""
        left = max(self._wanted.stop - self._file.tell(), 0)
        return self._file.read(min(size, left) if size >= 0 else left)

    def seekable(self) -> bool:
        """Say that any byte can be gone to."""
        return True

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        """Go to a byte, as in any file."""
        here, start = self._file.tell(), self._wanted.start
        base = {SEEK_SET: start, SEEK_CUR: here, SEEK_END: self._wanted.stop}[whence]
        return self._file.seek(base + offset) - start

    def tell(self) -> int:
        """Say how many bytes are before the one that comes next."""
        return self._file.tell() - self._wanted.start

    def __iter__(self) -> FileRange:
        return self

    def __next__(self) -> bytes:
        block = self.read(BLOCK_SIZE)
        if not block:
            raise StopIteration
        return block

    def close(self) -> None:
        """Close the file; WSGI servers call this at the end, whatever happened."""
        self._file.close()


def locate_file(root: Path, path: str) -> str | None:
    """Give the path of the file that answers for a URL's path, both relative to the root.

    A folder that has a page but was asked for without its slash comes back with the slash.
    None is for what is not there or not to be seen.
    """
    if is_hidden(path) or not _is_canonical(path):
        return None
    if not path or path.endswith("/"):
        return f"{path}{_INDEX}" if _is_file(root / path / _INDEX) else None
    if _is_file(root / path):
        return path
    return f"{path}/" if _is_file(root / path / _INDEX) else None


def _is_canonical(path: str) -> bool:
    """Say if a path has no other spelling, and so can't lead out of the root."""
    inner = path.removesuffix("/").split("/") if path else []
    return "\\" not in path and not {"", ".", ".."} & set(inner)


def available_codings(file: Path) -> list[str]:
    """List the encodings that a file is there in; a copy older than its file is not one."""
    found = {coding: _look(_copy(file, coding)) for coding in _SUFFIXES}
    own = found[IDENTITY_CODING]
    if own is None:
        return []
    fresh = own.st_mtime_ns
    return [coding for coding, one in found.items() if one and one.st_mtime_ns >= fresh]


def open_representation(file: Path, coding: str) -> Representation | None:
    """Open a file in an encoding; None if it has gone, or is not ours to read."""
    try:
        opened = _copy(file, coding).open("rb")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError):
        return None
    status = os.fstat(opened.fileno())
    # Two encodings can be of one size and time, so that the tag names the encoding too.
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
    except (OSError, ValueError):  # no such name, or none that a file can have
        return None
    return status if stat.S_ISREG(status.st_mode) else None
