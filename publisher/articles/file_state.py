"""The stored state of source files: metadata, hash, the article they gave, or why they gave none.

`publisher.articles.upsert` decides what is stored.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Text, bindparam, delete, func, select, type_coerce, update
from sqlalchemy.dialects.sqlite import insert

from publisher.articles.folder_scan import FileStat
from publisher.articles.model import ParsedArticle
from publisher.articles.tables import source_file, source_state

_NOTHING = ParsedArticle()
_UTC = ZoneInfo("UTC")

# A source and a path in it.
SourcePath = tuple[str, str]


@dataclass(frozen=True, slots=True)
class KnownFile:
    """The state of a file at the last pick-up."""

    signature: str
    sha256: str
    article_id: int | None
    reason: str | None
    media: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResult:
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


def known_files(connection: Connection, source: str) -> dict[str, KnownFile]:
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
            type_coerce(table.media, Text),
        ).where(table.source == source)
    )
    return {
        path: KnownFile(
            signature, sha256, number, reason, tuple(json.loads(media) if media != "[]" else ())
        )
        for path, signature, sha256, number, reason, media in rows
    }


def files_of_other_sources(
    connection: Connection, sources: Collection[str]
) -> list[SourcePath]:
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


def save_file(
    connection: Connection,
    source: str,
    reading: FileResult,
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
    row = insert(source_file).values(source=source, path=reading.file.path, **values)
    connection.execute(row.on_conflict_do_update(set_=values))


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
        save_file(connection, source, FileResult(file=picture, sha256=""), None)


def forget_files(connection: Connection, source: str, paths: Sequence[str]) -> list[int]:
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
    row = insert(source_state).values(source=source, fingerprint=value)
    connection.execute(row.on_conflict_do_update(set_={"fingerprint": value}))
