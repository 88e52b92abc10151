"""Looking at a source folder: which files are there, and which look as they did before.

A file is recognised by its inode, size and times, as version control does it. Changing content
always moves the change time, which nobody can set back; but a file system's clock is coarse, so
what was changed in the last seconds is not trusted to be final. Knows no article.
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

# The coarsest clock of a file system in use (FAT: two seconds).
COARSEST_CLOCK_NS = 2_000_000_000
PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif"})
LOOKED_FOR = ARTICLE_SUFFIXES | PICTURE_SUFFIXES | media_types.MEDIA_SUFFIXES


@dataclass(frozen=True, slots=True)
class FileStat:
    """A file in a source folder: how it looks, and when it was changed (nanoseconds).

    `signature` is empty where there is nothing to look at.
    """

    path: str
    signature: str
    changed_at: int = 0

    def trusted(self, read_at: int) -> FileStat:
        """Give what may be remembered of a file read at an instant of the file system's clock.

        A change in the same tick as the last one would leave no trace, so a file that was read
        too soon after it must be read again.
        """
        soon = read_at - self.changed_at < COARSEST_CLOCK_NS
        return replace(self, signature="") if soon else self


def scan_folder(folder: Path) -> dict[str, FileStat]:
    """List the articles, pictures and attachments below a folder by relative path, sorted.

    Names that begin with a dot or an underscore, or end with ~, are left out, as editors expect.
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
            # A name that is not UTF-8 can't be stored; shown escaped, it ends in quarantine.
            path = f"{prefix}{os.fsencode(entry.name).decode('utf-8', 'backslashreplace')}"
            # A link to a folder may lead round in a circle.
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path), f"{path}/")
            elif _suffix(entry.name) in LOOKED_FOR:
                yield from _look(entry, path)


def _look(entry: os.DirEntry[str], path: str) -> Iterator[FileStat]:
    try:
        found = entry.stat()
    except OSError:  # a link to nowhere or to itself, or gone since: reading it will say so
        yield FileStat(path, "")
        return
    if stat.S_ISREG(found.st_mode):  # reading a pipe would never end
        signature = f"{found.st_ino}-{found.st_size}-{found.st_mtime_ns}-{found.st_ctime_ns}"
        yield FileStat(path, signature, max(found.st_ctime_ns, found.st_mtime_ns))


def filesystem_time(marker: Path) -> int:
    """Say what time the file system thinks it is, in nanoseconds, by touching a file on it."""
    marker.touch()
    return marker.stat().st_mtime_ns


def is_article_path(path: str) -> bool:
    """Say if a file is an article, rather than what goes along with one."""
    return _suffix(path) in ARTICLE_SUFFIXES


def _suffix(path: str) -> str:
    # Not PurePath.suffix, which takes seven times as long: this is asked of every file.
    return posixpath.splitext(path)[1].lower()
