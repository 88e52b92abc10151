"""The rows of files: how each looked, what it stands for, and why if for nothing.

Decides nothing; `publisher.articles.upsert` does. Knows no article's content.
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

NOTHING = ParsedArticle(title="", html="", text="")
GREENWICH = ZoneInfo("UTC")

# A source and a path in it.
SourcePath = tuple[str, str]


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What is known of a file from last time."""

    signature: str
    sha256: str
    article_id: int | None
    reason: str | None
    media: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResult:
    """What opening a file gave: a draft; a reason why not; or nothing that is to be published.

    `as_before` says that its content is what it was, and that there is nothing to file.

    `key` and `language` are decided where there is a draft; `zone` is the publication's, for
    dates without one.
    """

    file: FileStat
    sha256: str
    draft: ParsedArticle = NOTHING
    language: str = ""
    key: str = ""
    zone: ZoneInfo = GREENWICH
    reason: str | None = None
    as_before: bool = False
    media: tuple[str, ...] = ()

    @property
    def understood(self) -> bool:
        """Say if there is an article in it that may be filed."""
        return self.draft is not NOTHING


def known_files(connection: Connection, source: str) -> dict[str, KnownFile]:
    """Fetch what is known of a source's files, by path."""
    table = source_file.c
    rows = connection.execute(
        select(
            table.path,
            table.signature,
            table.sha256,
            table.article_id,
            table.reason,
            # As it is stored: to parse a hundred thousand empty lists takes a third of a second.
            type_coerce(table.media, Text),
        ).where(table.source == source)
    )
    return {
        path: KnownFile(
            look, sha256, number, reason, tuple(json.loads(media) if media != "[]" else ())
        )
        for path, look, sha256, number, reason, media in rows
    }


def files_of_other_sources(
    connection: Connection, sources: Collection[str]
) -> list[SourcePath]:
    """List the files of all sources but these."""
    paths = select(source_file.c.path).order_by(source_file.c.path)
    return [
        (source, path)
        for source in _sources(connection)
        if source not in sources
        for path in connection.scalars(paths.where(source_file.c.source == source))
    ]


def _sources(connection: Connection) -> Iterator[str]:
    """Yield the sources of which files are known, with one look into the index for each."""
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
    """Write down how a file looked and what it stands for."""
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
    """Write down how files look now whose content is as before."""
    if files:
        table = source_file.c
        here = (table.source == source) & (table.path == bindparam("file"))
        connection.execute(
            update(source_file).where(here).values(signature=bindparam("look")),
            [{"file": file.path, "look": file.signature} for file in files],
        )


def save_pictures(connection: Connection, source: str, pictures: Iterable[FileStat]) -> None:
    """Write down how the pictures looked."""
    for picture in pictures:
        save_file(connection, source, FileResult(file=picture, sha256=""), None)


def forget_files(connection: Connection, source: str, paths: Sequence[str]) -> list[int]:
    """Forget files that are gone; gives the articles that no file stands for any more."""
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
    """Count the files that gave no article."""
    query = select(func.count()).where(source_file.c.reason.is_not(None))
    return int(connection.execute(query).scalar_one())


def source_fingerprint(connection: Connection, source: str) -> str | None:
    """Say under which rules a source was read last."""
    query = select(source_state.c.fingerprint).where(source_state.c.source == source)
    return connection.execute(query).scalar_one_or_none()


def set_source_fingerprint(connection: Connection, source: str, value: str) -> None:
    """Remember under which rules a source was read."""
    row = insert(source_state).values(source=source, fingerprint=value)
    connection.execute(row.on_conflict_do_update(set_={"fingerprint": value}))
