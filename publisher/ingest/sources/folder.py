"""A folder of files as a source; the key of a file is its path in the folder.

The signature of a file is its inode, size and times, as in version control. Each change of the
content moves the change time, which no program can set back; but the clock of a file system is
coarse, so a file that changed in the last seconds has no signature yet.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from publisher.config import Settings
from publisher.config.sources import FolderSourceSettings
from publisher.errors import ArticleError, SourceError
from publisher.ingest import media_types
from publisher.ingest.parsers import ARTICLE_SUFFIXES, SourceDocument
from publisher.ingest.sources.base import Item, Listing, RawItem
from publisher.ingest.sources.folder_files import FolderFiles

# Nanoseconds: the coarsest clock of a file system in use (FAT: two seconds).
COARSEST_CLOCK_NS = 2_000_000_000
PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif"})
_LOOKED_FOR = ARTICLE_SUFFIXES | PICTURE_SUFFIXES | media_types.MEDIA_SUFFIXES


class FolderSource:
    """The articles, pictures and attachments below a folder."""

    def __init__(self, options: FolderSourceSettings, settings: Settings) -> None:
        self._folder = settings.folders.root / options.path
        self._clock_file = settings.folders.var / "scanned"

    def poll(self, mark: str) -> Listing:  # noqa: ARG002  # a folder always shows everything
        """Return all files, sorted by path."""
        self._clock_file.parent.mkdir(parents=True, exist_ok=True)
        return Listing(scan_folder(self._folder, file_system_time(self._clock_file)), True)

    def read(self, item: Item) -> RawItem:
        """Return a file's content; raise ArticleError if it can't be read."""
        files = FolderFiles(self._folder)
        path = PurePosixPath(item.key)
        try:
            content = files.read(path)
        except OSError as error:
            raise ArticleError(f"can't be read: {error.strerror or error}") from None
        if content is None:
            raise ArticleError(
                "is a link to a file outside the source's folder; copy the file here"
            )
        return RawItem(SourceDocument(path, content), files)


def scan_folder(folder: Path, now: int) -> list[Item]:
    """Return the articles, pictures and attachments below a folder, sorted by path.

    `now` is the time of the file system's clock in nanoseconds. Names that begin with a dot or an
    underscore, or end with ~, are left out: editors use them. Raises SourceError if the folder, or
    one below it, can't be read.
    """
    # A second change in the same tick of the clock would go unnoticed.
    trusted = now - COARSEST_CLOCK_NS
    try:
        return sorted(_walk(folder, "", trusted), key=lambda item: item.key)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SourceError(f"{error.filename or folder}: can't be read: {reason}") from error


def _walk(folder: Path, prefix: str, trusted: int) -> Iterator[Item]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith((".", "_")) or entry.name.endswith("~"):
                continue
            # A name that is not UTF-8 can't be stored. Escaped, its file is quarantined.
            path = f"{prefix}{os.fsencode(entry.name).decode('utf-8', 'backslashreplace')}"
            # A link to a folder may lead in a circle.
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path), f"{path}/", trusted)
                continue
            # PurePath.suffix takes seven times as long, and this runs for every file.
            suffix = posixpath.splitext(entry.name)[1].lower()
            if suffix in _LOOKED_FOR:
                signature = _signature(entry, trusted)
                if signature is not None:
                    yield Item(path, signature, suffix in ARTICLE_SUFFIXES)


def _signature(entry: os.DirEntry[str], trusted: int) -> str | None:
    """Return a file's signature, empty if it changed later than `trusted`; None for no file."""
    try:
        found = entry.stat()
    except OSError:  # a broken link, or deleted since; reading it gives the reason
        return ""
    if not stat.S_ISREG(found.st_mode):  # reading a pipe would never end
        return None
    if max(found.st_ctime_ns, found.st_mtime_ns) > trusted:
        return ""
    return f"{found.st_ino}-{found.st_size}-{found.st_mtime_ns}-{found.st_ctime_ns}"


def file_system_time(marker: Path) -> int:
    """Return the time of the file system's clock in nanoseconds, by touching a file on it."""
    marker.touch()
    return marker.stat().st_mtime_ns
