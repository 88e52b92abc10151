"""The state of sources and their items as stored at the last pick-up, and which articles are an archive.

An archive was published before its source was read for the first time. It has pages and feed
entries. Issues carry none of it until somebody announces it.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from publisher.articles.model import ArticleStatus, Mailing, ParsedArticle
from publisher.articles.tables import article, story
from publisher.config.sources import FirstImport
from publisher.database.dialect.sql import upsert, upsert_by_key
from publisher.ingest.problems import HandledProblem, add_reason, save_problems
from publisher.ingest.sources.base import Item
from publisher.ingest.tables import source_item, source_table

_NOTHING = ParsedArticle()
_UTC = ZoneInfo("UTC")

# The name of a source and a key in it.
ItemId = tuple[str, str]


@dataclass(frozen=True, slots=True)
class SourceState:
    """What is stored of a source; an empty fingerprint means that all must be read."""

    kind: str
    fingerprint: str = ""
    mark: str = ""
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class KnownItem:
    """The state of an item at the last pick-up."""

    signature: str
    sha256: str
    article_id: int | None
    reason: str | None
    media: tuple[str, ...]
    read_again_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemResult:
    """The result of reading an item: an article, a reason why there is none, or a draft (neither).

    `other_key` is that of the story if its first one is taken; `siblings` are the keys of items that
    have the same name in other languages. `is_unchanged` means that the content is the same as at the last pick-up. `story_key` and
    `language` are set where there is an article, `title` and `language` of one that is left out now; `zone` is the publication's, for dates without
    one. `site_url` is where the document's site stands, `placed` are the copies of its pictures.
    """

    item: Item
    sha256: str
    parsed: ParsedArticle = _NOTHING
    language: str = ""
    story_key: str = ""
    other_key: str = ""
    siblings: tuple[str, ...] = ()
    zone: ZoneInfo = _UTC
    reason: str | None = None
    is_unchanged: bool = False
    media: tuple[str, ...] = ()
    left_out: str | None = None
    title: str = ""
    read_again_at: datetime | None = None
    problems: tuple[HandledProblem, ...] = ()
    site_url: str = ""
    placed: tuple[Path, ...] = ()

    @property
    def has_article(self) -> bool:
        return self.parsed is not _NOTHING


# Sources


def stored_sources(connection: sa.Connection) -> Mapping[str, str]:
    rows = connection.execute(sa.select(source_table.c.name, source_table.c.kind))
    return dict(rows.all())


def count_articles_of_sources(connection: sa.Connection) -> Mapping[str, int]:
    item = source_item.c
    query = sa.select(item.source, sa.func.count(item.article_id.distinct()))
    query = query.where(item.article_id.is_not(None)).group_by(item.source)
    return {str(name): count for name, count in connection.execute(query)}


def source_state(connection: sa.Connection, name: str) -> SourceState | None:
    table = source_table.c
    columns = (table.kind, table.fingerprint, table.mark, table.left_out)
    query = sa.select(*columns).where(table.name == name)
    row = connection.execute(query).one_or_none()
    return SourceState(*row) if row else None


def imported_at(connection: sa.Connection, name: str) -> datetime | None:
    """Return when the first import of a source was finished, None if it was not."""
    query = sa.select(source_table.c.imported_at).where(source_table.c.name == name)
    return connection.execute(query).scalar_one_or_none()


def finish_first_import(connection: sa.Connection, name: str, now: datetime) -> None:
    """Store when the first import of a source was finished, unless that is stored already."""
    here = (source_table.c.name == name) & source_table.c.imported_at.is_(None)
    connection.execute(sa.update(source_table).where(here).values(imported_at=now))


def add_source(connection: sa.Connection, name: str, state: SourceState) -> None:
    """Store a new source, unless another process was first."""
    row = upsert(connection, source_table).values(name=name, **asdict(state))
    connection.execute(row.on_conflict_do_nothing(index_elements=["name"]))


def rename_source(connection: sa.Connection, old: str, new: str) -> None:
    here = source_table.c.name == old
    connection.execute(sa.update(source_table).where(here).values(name=new))


def set_source_state(connection: sa.Connection, name: str, state: SourceState) -> None:
    """Store how far a source was read, and under which settings."""
    here = source_table.c.name == name
    connection.execute(sa.update(source_table).where(here).values(asdict(state)))


def read_all_again(connection: sa.Connection) -> None:
    """Mark all sources, so that every item is read again and its media are put in place."""
    connection.execute(sa.update(source_table).values(fingerprint="", mark=""))


def forget_source(connection: sa.Connection, name: str) -> None:
    connection.execute(sa.delete(source_table).where(source_table.c.name == name))


# Items


def known_items(connection: sa.Connection, source: str) -> dict[str, KnownItem]:
    table = source_item.c
    # As text: parsing a hundred thousand empty lists would take a third of a second.
    columns = (sa.cast(table.media, sa.Text), table.read_again_at)
    query = sa.select(*table["key", "signature", "sha256", "article_id", "reason"], *columns)
    rows: Any = connection.execute(query.where(table.source == source))
    return {
        key: KnownItem(
            *(signature, sha256, number, reason),
            tuple(json.loads(media) if media != "[]" else ()),
            again,
        )
        for key, signature, sha256, number, reason, media, again in rows
    }


def items_of(connection: sa.Connection, sources: Collection[str]) -> list[ItemId]:
    query = sa.select(source_item.c.source, source_item.c.key)
    found = connection.execute(query.where(source_item.c.source.in_(sources)))
    return sorted((source, key) for source, key in found)


def save_item(
    connection: sa.Connection,
    source: str,
    result: ItemResult,
    article_id: int | None,
    *,
    reason: str | None = None,
) -> None:
    values = {
        "source": source,
        "key": result.item.key,
        "signature": result.item.signature,
        "sha256": result.sha256,
        "article_id": article_id,
        "reason": reason,
        "media": list(result.media),
        "left_out": result.left_out,
        "title": result.title or None,
        "language": result.language if result.left_out else None,
        "read_again_at": result.read_again_at,
    }
    connection.execute(upsert_by_key(connection, source_item), values)
    save_problems(connection, source, result.item.key, add_reason(result.problems, reason))


def save_signatures(connection: sa.Connection, source: str, items: Sequence[Item]) -> None:
    """Store the new signatures of items with unchanged content."""
    if items:
        table = source_item.c
        here = (table.source == source) & (table.key == sa.bindparam("item"))
        connection.execute(
            sa.update(source_item).where(here).values(signature=sa.bindparam("new_signature")),
            [{"item": item.key, "new_signature": item.signature} for item in items],
        )


def save_files(connection: sa.Connection, source: str, files: Iterable[Item]) -> None:
    for file in files:
        save_item(connection, source, ItemResult(item=file, sha256=""), None)


def forget_items(connection: sa.Connection, source: str, keys: Iterable[str]) -> list[int]:
    """Delete the state of items; return the ids of articles that have no item any more."""
    orphans = []
    for key in keys:
        here = (source_item.c.source == source) & (source_item.c.key == key)
        number = connection.execute(sa.select(source_item.c.article_id).where(here)).scalar()
        connection.execute(sa.delete(source_item).where(here))
        others = sa.select(source_item.c.key).where(source_item.c.article_id == number)
        if number is not None and connection.execute(others).first() is None:
            orphans.append(int(number))
    return orphans


def count_quarantined(connection: sa.Connection) -> int:
    query = sa.select(sa.func.count()).where(source_item.c.reason.is_not(None))
    return int(connection.execute(query).scalar_one())


@dataclass(frozen=True, slots=True)
class ArchiveRule:
    """Decides whether a new article is an archive's: it was published by `until`, None for never.

    In a pick-up that is an `import`, every such article is. In others only one that was in
    quarantine: its file was there before.
    """

    until: datetime | None = None
    is_import: bool = False

    def mailing_of(self, published: datetime, *, was_held: bool) -> Mailing:
        """Return whether issues carry an article that is stored for the first time."""
        was_there = self.is_import or was_held
        is_archived = self.until is not None and was_there and published <= self.until
        return Mailing.ARCHIVE if is_archived else Mailing.NEWS


NO_ARCHIVE = ArchiveRule()


def archive_rule(
    setting: FirstImport,
    *,
    is_site: bool,
    imported_at: datetime | None,
    same_rules: bool,
    now: datetime,
) -> ArchiveRule:
    """Return the rule for one pick-up of a source.

    Until the first import is finished, all that is published now is an archive. Afterwards it is what
    was published before then, and is found only because settings of the source have changed.
    """
    if setting == "news" or (setting == "auto" and not is_site):
        return NO_ARCHIVE
    return ArchiveRule(imported_at or now, is_import=imported_at is None or not same_rules)


def count_archive(connection: sa.Connection) -> Mapping[str, int]:
    """Return how many published articles of each source are an archive."""
    query: sa.Select[str, int] = (
        sa.select(source_item.c.source, sa.func.count(article.c.id.distinct()))
        .join(article, article.c.id == source_item.c.article_id)
        .where(article.c.mailing == Mailing.ARCHIVE, article.c.status == ArticleStatus.READY)
        .group_by(source_item.c.source)
        .order_by(source_item.c.source)
    )
    return dict(connection.execute(query).all())


def stories_named(connection: sa.Connection, name: str) -> sa.ColumnElement[bool] | None:
    """Return a condition for the articles of a source, else of a story by key or slug; None for neither."""
    source = sa.select(source_table.c.name).where(source_table.c.name == name)
    if connection.execute(source).first():
        items = sa.select(source_item.c.article_id).where(source_item.c.source == name)
        stories = sa.select(article.c.story_id).where(article.c.id.in_(items))
        return article.c.story_id.in_(stories)
    found = sa.select(story.c.id).where((story.c.key == name) | (story.c.slug == name))
    number = connection.execute(found).scalars().first()
    return None if number is None else article.c.story_id == number


def count_by_mailing(
    connection: sa.Connection, chosen: sa.ColumnElement[bool]
) -> Mapping[str, int]:
    """Return how many published articles of these there are, by the value of `Mailing`."""
    query = sa.select(article.c.mailing, sa.func.count()).group_by(article.c.mailing)
    rows = connection.execute(query.where(chosen, article.c.status == ArticleStatus.READY))
    return {str(mailing): number for mailing, number in rows}


def announce_archive(
    connection: sa.Connection, chosen: sa.ColumnElement[bool], now: datetime
) -> int:
    """Make articles of an archive news from now on; return how many. Others stay as they are."""
    is_archived = article.c.mailing == Mailing.ARCHIVE
    rows = sa.update(article).where(
        chosen, is_archived, article.c.status == ArticleStatus.READY
    )
    values = rows.values(mailing=Mailing.ANNOUNCED, available_at=now)
    return connection.execute(values).rowcount
