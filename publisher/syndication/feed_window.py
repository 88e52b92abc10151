"""Read what a feed's documents contain: the open entries, those of an archive, tombstones; in portions."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

import feeds
from publisher.articles import store as articles
from publisher.articles.model import Article, LanguageVersion
from publisher.articles.tables import article, story
from publisher.database.dialect.sql import upsert_by_key
from publisher.database.engine import chunks
from publisher.issues import digests
from publisher.syndication.tables import feed, feed_archive, feed_entry, feed_position

# A subscription document has the latest tombstones. Archive documents have all of theirs.
MAX_TOMBSTONES = 50

# A withdrawn entry stays at least so long in feeds, with a sentence instead of its text: feed readers follow no
# tombstones, and most replace what they hold by an entry with the same id. Some poll once in weeks. Then the
# next entry that comes, changes or goes takes it away.
WITHDRAWN_SHOWN_FOR = timedelta(days=30)
# Of those that only archive documents had: readers that never held them show the sentence as news.
MAX_ARCHIVED_SHOWN = 10

_ARCHIVES = sa.select(*feed_archive.c["number", "first", "last"])

# A literal, not a parameter: only then is the partial index used.
_WITHDRAWN = feed_position.c.state == sa.literal_column("'withdrawn'")


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry of a feed: its position, id, date of change, and the id of its article."""

    position: int
    tag: str
    updated: datetime
    article_id: int


@dataclass(frozen=True, slots=True)
class StoredEntry(EntryRow):
    """An entry, its article, and that one's versions; `is_corrected` if a newsletter carried the article in other words."""

    article: Article
    versions: Sequence[LanguageVersion]
    is_corrected: bool = False


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A withdrawn entry: its id, when it was withdrawn, its article and that one's status, and its last position."""

    tag: str
    when: datetime
    language: str
    slug: str
    url: str | None
    published: datetime
    status: str
    article_id: int
    position: int

    @property
    def tombstone(self) -> feeds.Tombstone:
        return feeds.Tombstone(entry_id=self.tag, when=self.when)


@dataclass(frozen=True, slots=True)
class ArchiveRange:
    """An archive document: its number, from 1, and its first and last position."""

    number: int
    first: int
    last: int


def count_open(connection: Connection, feed_id: int, after: int) -> int:
    query = sa.select(sa.func.count()).where(
        _is_present(feed_id), feed_position.c.position > after
    )
    return int(connection.execute(query).scalar_one())


def newest_entries(
    connection: Connection, feed_id: int, after: int, limit: int
) -> list[EntryRow]:
    return _entries(connection, feed_id, feed_position.c.position > after, limit)


def nth_position(connection: Connection, feed_id: int, after: int, number: int) -> int:
    """Return the position of the oldest entry but some after a position; the oldest has number 1."""
    position = feed_position.c.position
    query = sa.select(position).where(_is_present(feed_id), position > after)
    nth = query.order_by(position).offset(number - 1).limit(1)
    return int(connection.execute(nth).scalar_one())


def archived_entries(
    connection: Connection, feed_id: int, archive: ArchiveRange
) -> list[EntryRow]:
    inside = feed_position.c.position.between(archive.first, archive.last)
    return _entries(connection, feed_id, inside)


def stored_entries(
    connection: Connection, rows: Sequence[EntryRow], now: datetime, *, with_texts: bool
) -> list[StoredEntry]:
    """Return entries with their articles, in the same order; `html` and `text` are empty without texts."""
    texts: dict[int, Article] = {}
    for portion in chunks([row.article_id for row in rows]):
        texts |= articles.articles_by_id(connection, portion, with_texts=with_texts)
    versions = articles.versions(connection, {one.story_id for one in texts.values()}, now)
    corrected = digests.corrected_articles(connection, texts) if with_texts else frozenset()
    return [_stored_entry(row, texts[row.article_id], versions, corrected) for row in rows]


def _stored_entry(
    row: EntryRow,
    one: Article,
    versions: Mapping[int, Sequence[LanguageVersion]],
    corrected: Collection[int],
) -> StoredEntry:
    others = versions.get(one.story_id, ())
    return StoredEntry(
        **asdict(row), article=one, versions=others, is_corrected=one.id in corrected
    )


def rows_of_articles(connection: Connection, chosen: Sequence[Article]) -> list[EntryRow]:
    """Return the entries of articles in this order, with position 0; articles that no feed has yet are left out."""
    known: dict[tuple[int, str], sa.Row[tuple[int, str, str, int]]] = {}
    columns = feed_entry.c["article_id", "language", "tag", "updated"]
    for portion in chunks([one.id for one in chosen]):
        query = sa.select(*columns).where(
            feed_entry.c.article_id.in_(portion), feed_entry.c.withdrawn_at.is_(None)
        )
        known |= {(row.article_id, row.language): row for row in connection.execute(query)}
    return [_entry_row(0, row) for one in chosen if (row := known.get((one.id, one.language)))]


def language_feeds(
    connection: Connection, languages: Sequence[str]
) -> Sequence[sa.Row[tuple[int, datetime, str]]]:
    """Return the feeds of languages: id, when each changed last, and hashes of its documents."""
    where = (feed.c.kind == "language") & feed.c.language.in_(languages)
    columns = feed.c["id", "updated_at", "announced"]
    return connection.execute(sa.select(*columns).where(where).order_by(feed.c.id)).all()


def _is_present(feed_id: int) -> ColumnElement[bool]:
    return (feed_position.c.feed_id == feed_id) & (feed_position.c.state == "present")


def _entries(
    connection: Connection, feed_id: int, where: ColumnElement[bool], limit: int | None = None
) -> list[EntryRow]:
    position = feed_position.c.position
    query = (
        sa.select(position, *feed_entry.c["article_id", "tag", "updated"])
        .join(feed_entry, feed_entry.c.id == feed_position.c.entry_id)
        .where(_is_present(feed_id), where)
        .order_by(position.desc())
        .limit(limit)
    )
    return [_entry_row(row.position, row) for row in connection.execute(query)]


def _entry_row(position: int, row: sa.Row[Any]) -> EntryRow:
    updated = datetime.fromtimestamp(row.updated, UTC)
    return EntryRow(position, row.tag, updated, row.article_id)


def withdrawals_from(
    connection: Connection, feed_id: int, archive: ArchiveRange | None = None
) -> list[Withdrawal]:
    columns = (
        *feed_entry.c["tag", "withdrawn_at", "language"],
        *(story.c.slug, article.c.url, article.c.published_at, article.c.status, article.c.id),
    )
    query = (
        sa.select(*columns, sa.func.max(feed_position.c.position))
        .join(feed_position, feed_position.c.entry_id == feed_entry.c.id)
        .join(article, article.c.id == feed_entry.c.article_id)
        .join(story)
        .where(
            feed_position.c.feed_id == feed_id,
            _WITHDRAWN,
            feed_entry.c.withdrawn_at.is_not(None),  # not restored since
        )
        .group_by(*columns)
        .order_by(feed_entry.c.withdrawn_at.desc(), feed_entry.c.tag)
    )
    if archive is None:
        query = query.limit(MAX_TOMBSTONES)
    else:
        query = query.where(feed_position.c.position.between(archive.first, archive.last))
    rows: Iterable[Any] = connection.execute(query)
    return [Withdrawal(*row) for row in rows]


def newest_archive(connection: Connection, feed_id: int) -> ArchiveRange:
    query = _ARCHIVES.where(feed_archive.c.feed_id == feed_id)
    query = query.order_by(feed_archive.c.number.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return ArchiveRange(*row) if row else ArchiveRange(0, 0, 0)


def due_archives(connection: Connection, feed_id: int) -> list[ArchiveRange]:
    query = _ARCHIVES.where(feed_archive.c.feed_id == feed_id, feed_archive.c.due)
    return [ArchiveRange(*row) for row in connection.execute(query).all()]


def record_archive(connection: Connection, feed_id: int, archive: ArchiveRange) -> None:
    row = {**asdict(archive), "feed_id": feed_id, "due": False}
    connection.execute(upsert_by_key(connection, feed_archive), row)


def mark_archives_due(
    connection: Connection, feed_id: int | None = None, numbers: Sequence[int] = ()
) -> None:
    rows = sa.update(feed_archive).values(due=True)
    if feed_id is None:
        connection.execute(rows)
        return
    for portion in chunks(numbers):
        here = (feed_archive.c.feed_id == feed_id) & feed_archive.c.number.in_(portion)
        connection.execute(rows.where(here))
