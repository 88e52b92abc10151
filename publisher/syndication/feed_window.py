"""What a feed's documents hold, from the rows: the open window, what leaves it, archives.

Reads portions, so that an archive of any size passes through little memory. Decides nothing;
`publisher.syndication.archiving` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    func,
    insert,
    literal_column,
    select,
    update,
)

import feeds
from publisher.articles import store as articles
from publisher.articles.model import Article
from publisher.database.chunks import chunks
from publisher.syndication.entry_builder import Identity, StoredEntry
from publisher.syndication.tables import feed_archive, feed_entry, feed_position

# Of what was withdrawn, a subscription document names the latest; archive documents name theirs.
MAX_TOMBSTONES = 50

# Written out, not as a parameter: else SQLite would not use the index of what is gone.
_WITHDRAWN = feed_position.c.standing == literal_column("'gone'")


@dataclass(frozen=True, slots=True)
class ArchiveRange:
    """An archive document's place in its feed: the first and last position that it holds."""

    number: int
    first: int
    last: int


def count_open(connection: Connection, feed_id: int, after: int) -> int:
    """Count the entries of a feed that stand after its last closed position."""
    query = select(func.count()).where(
        feed_position.c.feed_id == feed_id,
        feed_position.c.position > after,
        feed_position.c.standing == "here",
    )
    return int(connection.execute(query).scalar_one())


def newest_entries(
    connection: Connection, feed_id: int, after: int, limit: int, now: datetime
) -> list[StoredEntry]:
    """Fetch the entries after a position, newest first."""
    found = _places(
        connection, feed_id, feed_position.c.position > after, limit, newest_first=True
    )
    return _standing(connection, found, now)


def oldest_positions(connection: Connection, feed_id: int, after: int, limit: int) -> list[int]:
    """List the positions of so many entries after one, oldest first."""
    found = _places(
        connection, feed_id, feed_position.c.position > after, limit, newest_first=False
    )
    return [position for position, _number in found]


def archived_entries(
    connection: Connection, feed_id: int, first: int, last: int, now: datetime
) -> list[StoredEntry]:
    """Fetch the entries of an archive document, newest first."""
    here = feed_position.c.position.between(first, last)
    found = _places(connection, feed_id, here, None, newest_first=True)
    return _standing(connection, found, now)


def _places(
    connection: Connection,
    feed_id: int,
    where: ColumnElement[bool],
    limit: int | None,
    *,
    newest_first: bool,
) -> list[tuple[int, int]]:
    order = feed_position.c.position.desc() if newest_first else feed_position.c.position
    query = (
        select(feed_position.c.position, feed_position.c.entry_id)
        .where(feed_position.c.feed_id == feed_id, feed_position.c.standing == "here", where)
        .order_by(order)
        .limit(limit)
    )
    return [(position, number) for position, number in connection.execute(query)]


def _standing(
    connection: Connection, found: Sequence[tuple[int, int]], now: datetime
) -> list[StoredEntry]:
    identities: dict[int, tuple[int, Identity]] = {}
    columns = (feed_entry.c.id, feed_entry.c.article_id, feed_entry.c.tag, feed_entry.c.updated)
    for some in chunks([number for _position, number in found]):
        for row in connection.execute(select(*columns).where(feed_entry.c.id.in_(some))):
            moment = datetime.fromtimestamp(row.updated, UTC)
            identities[row.id] = (row.article_id, Identity(row.tag, moment))
    numbers = [number for number, _identity in identities.values()]
    texts: dict[int, Article] = {}
    for some in chunks(numbers):
        texts |= articles.articles_by_id(connection, some)
    stories = {one.story_id for one in texts.values()}
    versions = articles.versions(connection, stories, now)
    standing = []
    for position, number in found:
        article_id, identity = identities[number]
        one = texts[article_id]
        standing.append(StoredEntry(position, one, identity, versions.get(one.story_id, ())))
    return standing


def tombstones_of(
    connection: Connection, feed_id: int, closed: ArchiveRange | None = None
) -> list[feeds.Tombstone]:
    """List what was withdrawn from a feed and is not back, or from one of its archive documents."""
    query = (
        select(feed_entry.c.tag, feed_entry.c.gone_at)
        .join(feed_position, feed_position.c.entry_id == feed_entry.c.id)
        .where(
            feed_position.c.feed_id == feed_id,
            _WITHDRAWN,
            feed_entry.c.gone_at.is_not(None),
        )
        .distinct()
        .order_by(feed_entry.c.gone_at.desc(), feed_entry.c.tag)
    )
    if closed is None:
        query = query.limit(MAX_TOMBSTONES)
    else:
        query = query.where(feed_position.c.position.between(closed.first, closed.last))
    return [
        feeds.Tombstone(entry_id=tag, when=gone_at)
        for tag, gone_at in connection.execute(query)
    ]


def last_archived_position(connection: Connection, feed_id: int) -> int:
    """Give the last position of a feed that is in an archive document; 0 if none is."""
    return newest_archive(connection, feed_id).last


def newest_archive(connection: Connection, feed_id: int) -> ArchiveRange:
    """Give a feed's newest archive document; number 0 if it has none."""
    query = select(feed_archive.c.number, feed_archive.c.first, feed_archive.c.last)
    query = query.where(feed_archive.c.feed_id == feed_id).order_by(
        feed_archive.c.number.desc()
    )
    row = connection.execute(query.limit(1)).one_or_none()
    return ArchiveRange(*row) if row else ArchiveRange(0, 0, 0)


def due_archives(connection: Connection, feed_id: int) -> Iterator[ArchiveRange]:
    """List the archive documents of a feed that are to be written again."""
    query = select(feed_archive.c.number, feed_archive.c.first, feed_archive.c.last)
    rows = connection.execute(
        query.where(feed_archive.c.feed_id == feed_id, feed_archive.c.due)
    )
    return (ArchiveRange(*row) for row in rows.all())


def record_archive(connection: Connection, feed_id: int, closed: ArchiveRange) -> None:
    """Record that an archive document is in place, for ever or again."""
    values = {"first": closed.first, "last": closed.last, "due": False}
    here = (feed_archive.c.feed_id == feed_id) & (feed_archive.c.number == closed.number)
    if connection.execute(update(feed_archive).where(here).values(due=False)).rowcount == 0:
        key = {"feed_id": feed_id, "number": closed.number}
        connection.execute(insert(feed_archive).values(key | values))


def mark_archives_due(
    connection: Connection, feed_id: int | None = None, numbers: Sequence[int] = ()
) -> None:
    """Have archive documents written again whose files are lost: all, or some of one feed."""
    rows = update(feed_archive).values(due=True)
    if feed_id is None:
        connection.execute(rows)
        return
    for some in chunks(numbers):
        here = (feed_archive.c.feed_id == feed_id) & feed_archive.c.number.in_(some)
        connection.execute(rows.where(here))
