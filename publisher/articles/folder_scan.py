"""List the files of a source folder with signatures of their metadata.

The signature is inode, size and times, as in version control. Each change of the content moves
the change time, which nobody can set back; but the clock of a file system is coarse, so the
signature of a file that changed in the last seconds is not kept.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from publisher.articles import media_types
from publisher.articles.parsers import ARTICLE_SUFFIXES
from publisher.errors import SourceError

# Nanoseconds: the coarsest clock of a file system in use (FAT: two seconds).
COARSEST_CLOCK_NS = 2_000_000_000
PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif"})
_LOOKED_FOR = ARTICLE_SUFFIXES | PICTURE_SUFFIXES | media_types.MEDIA_SUFFIXES


@dataclass(frozen=True, slots=True)
class FileStat:
    """A file in a source folder: the signature of its metadata, and its change time (nanoseconds).

    `signature` is empty if the file can't be examined, or must be read again.
    """

    path: str
    signature: str
    changed_at: int = 0

    def trusted(self, read_at: int) -> FileStat:
        """Return the state to store for a file that was read at a time of the file system's clock.

        A second change in the same tick of the clock would go unnoticed, so the signature is
        removed if the file was read too soon after its last change.
        """
        soon = read_at - self.changed_at < COARSEST_CLOCK_NS
        return replace(self, signature="") if soon else self


def scan_folder(folder: Path) -> dict[str, FileStat]:
    """Return the articles, pictures and attachments below a folder by relative path, sorted.

    Names that begin with a dot or an underscore, or end with ~, are left out: editors use them.
    Raises SourceError if the folder, or one below it, can't be read.
    """
    try:
        found = {seen.path: seen for seen in _walk(folder, "")}
    except OSError as error:
        reason = error.strerror or str(error)
        raise SourceError(f"{error.filename or folder}: can't be read: {reason}") from error
    return dict(sorted(found.items()))


def _walk(folder: Path, prefix: str) -> Iterator[FileStat]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith((".", "_")) or entry.name.endswith("~"):
                continue
            # A name that is not UTF-8 can't be stored. Escaped, its file is quarantined.
            path = f"{prefix}{os.fsencode(entry.name).decode('utf-8', 'backslashreplace')}"
            # A link to a folder may lead in a circle.
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path), f"{path}/")
            elif _suffix(entry.name) in _LOOKED_FOR:
                yield from _stat(entry, path)


def _stat(entry: os.DirEntry[str], path: str) -> Iterator[FileStat]:
    try:
        found = entry.stat()
    except OSError:  # a broken link, or deleted since; reading it gives the reason
        yield FileStat(path, "")
        return
    if stat.S_ISREG(found.st_mode):  # reading a pipe would never end
        signature = f"{found.st_ino}-{found.st_size}-{found.st_mtime_ns}-{found.st_ctime_ns}"
        yield FileStat(path, signature, max(found.st_ctime_ns, found.st_mtime_ns))


def file_system_time(marker: Path) -> int:
    """Return the time of the file system's clock in nanoseconds, by touching a file on it."""
    marker.touch()
    return marker.stat().st_mtime_ns


def is_article_path(path: str) -> bool:
    """Return whether a file is an article rather than a picture or attachment."""
    return _suffix(path) in ARTICLE_SUFFIXES


def _suffix(path: str) -> str:
    # PurePath.suffix takes seven times as long, and this runs for every file.
    return posixpath.splitext(path)[1].lower()
