"""The state of source files: in the folder now, and as stored at the last pick-up.

The signature of a file is its inode, size and times, as in version control. Each change of the
content moves the change time, which no program can set back; but the clock of a file system is coarse,
so the signature of a file that changed in the last seconds is not kept.
"""

from __future__ import annotations

import json
import os
import posixpath
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Text, bindparam, cast, delete, func, select, update

from publisher.articles.model import ParsedArticle
from publisher.articles.tables import source_file, source_state
from publisher.database.dialect.sql import upsert
from publisher.errors import SourceError
from publisher.ingest import media_types
from publisher.ingest.parsers import ARTICLE_SUFFIXES

# Nanoseconds: the coarsest clock of a file system in use (FAT: two seconds).
COARSEST_CLOCK_NS = 2_000_000_000
PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif"})
_LOOKED_FOR = ARTICLE_SUFFIXES | PICTURE_SUFFIXES | media_types.MEDIA_SUFFIXES
_NOTHING = ParsedArticle()
_UTC = ZoneInfo("UTC")

# A source and a path in it.
ItemId = tuple[str, str]


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


@dataclass(frozen=True, slots=True)
class KnownItem:
    """The state of a file at the last pick-up."""

    signature: str
    sha256: str
    article_id: int | None
    reason: str | None
    media: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemResult:
    """The result of reading a file: an article, a reason why there is none, or a draft (neither).

    `is_unchanged` means that the content is the same as at the last pick-up. `key` and `language`
    are set where there is an article; `zone` is the publication's, for dates without one.
    """

    file: FileStat
    sha256: str
    parsed: ParsedArticle = _NOTHING
    language: str = ""
    key: str = ""
    zone: ZoneInfo = _UTC
    reason: str | None = None
    is_unchanged: bool = False
    media: tuple[str, ...] = ()

    @property
    def has_article(self) -> bool:
        """Whether the file gave an article."""
        return self.parsed is not _NOTHING


def known_items(connection: Connection, source: str) -> dict[str, KnownItem]:
    """Return the state of a source's files, by path."""
    table = source_file.c
    rows = connection.execute(
        select(
            table.path,
            table.signature,
            table.sha256,
            table.article_id,
            table.reason,
            # As stored: parsing a hundred thousand empty lists would take a third of a second.
            cast(table.media, Text),
        ).where(table.source == source)
    )
    return {
        path: KnownItem(
            signature, sha256, number, reason, tuple(json.loads(media) if media != "[]" else ())
        )
        for path, signature, sha256, number, reason, media in rows
    }


def files_of_other_sources(connection: Connection, sources: Collection[str]) -> list[ItemId]:
    """Return the files of all sources except these."""
    paths = select(source_file.c.path).order_by(source_file.c.path)
    return [
        (source, path)
        for source in _sources(connection)
        if source not in sources
        for path in connection.scalars(paths.where(source_file.c.source == source))
    ]


def _sources(connection: Connection) -> Iterator[str]:
    """Yield the sources with files, with one search of the index for each."""
    first = select(func.min(source_file.c.source))
    source = connection.execute(first).scalar()
    while source is not None:
        yield source
        source = connection.execute(first.where(source_file.c.source > source)).scalar()


def save_item(
    connection: Connection,
    source: str,
    reading: ItemResult,
    article_id: int | None,
    *,
    reason: str | None = None,
    media: Sequence[str] | None = None,
) -> None:
    """Store the state of a file and the article that it gave."""
    values = {
        "signature": reading.file.signature,
        "sha256": reading.sha256,
        "article_id": article_id,
        "reason": reason,
        "media": list(reading.media if media is None else media),
    }
    row = upsert(connection, source_file).values(
        source=source, path=reading.file.path, **values
    )
    connection.execute(
        row.on_conflict_do_update(index_elements=["source", "path"], set_=values)
    )


def save_signatures(connection: Connection, source: str, files: Sequence[FileStat]) -> None:
    """Store the new signatures of files with unchanged content."""
    if files:
        table = source_file.c
        here = (table.source == source) & (table.path == bindparam("file"))
        connection.execute(
            update(source_file).where(here).values(signature=bindparam("new_signature")),
            [{"file": file.path, "new_signature": file.signature} for file in files],
        )


def save_pictures(connection: Connection, source: str, pictures: Iterable[FileStat]) -> None:
    """Store the state of pictures."""
    for picture in pictures:
        save_item(connection, source, ItemResult(file=picture, sha256=""), None)


def forget_items(connection: Connection, source: str, paths: Sequence[str]) -> list[int]:
    """Delete the state of files; return the ids of articles that no file stands for any more."""
    orphans = []
    for path in paths:
        here = (source_file.c.source == source) & (source_file.c.path == path)
        number = connection.execute(select(source_file.c.article_id).where(here)).scalar()
        connection.execute(delete(source_file).where(here))
        others = select(source_file.c.path).where(source_file.c.article_id == number)
        if number is not None and connection.execute(others).first() is None:
            orphans.append(int(number))
    return orphans


def count_quarantined(connection: Connection) -> int:
    """Return the number of files in quarantine."""
    query = select(func.count()).where(source_file.c.reason.is_not(None))
    return int(connection.execute(query).scalar_one())


def source_fingerprint(connection: Connection, source: str) -> str | None:
    """Return the fingerprint of the settings under which a source was last read."""
    query = select(source_state.c.fingerprint).where(source_state.c.source == source)
    return connection.execute(query).scalar_one_or_none()


def set_source_fingerprint(connection: Connection, source: str, value: str) -> None:
    """Store the fingerprint of the settings under which a source was read."""
    row = upsert(connection, source_state).values(source=source, fingerprint=value)
    connection.execute(
        row.on_conflict_do_update(index_elements=["source"], set_={"fingerprint": value})
    )
