"""How many read each feed on a day, in the database. The transaction belongs to the caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date

from sqlalchemy import Connection, case, func, select

from publisher.database.dialect.sql import upsert
from publisher.syndication.follower_log import FeedDay, FollowerNumbers
from publisher.syndication.tables import feed, feed_follower_day


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFollowers:
    """The readers of a feed on the last day of which there are numbers. Empty language: all of them."""

    feed: str
    language: str
    day: date
    stated: int
    clients: int


def store_followers(connection: Connection, counted: Mapping[FeedDay, FollowerNumbers]) -> int:
    """Store numbers of feeds that there are; return of how many feeds and days.

    Of a day in two logs, the larger number counts: whoever asked in both would count twice.
    """
    known = set(connection.execute(select(feed.c.name)).scalars())
    stored = 0
    table = feed_follower_day.c
    for (name, day), numbers in counted.items():
        if name not in known:
            continue
        row = upsert(connection, feed_follower_day).values(
            feed=name, day=day, **asdict(numbers)
        )
        new = row.excluded
        larger = {
            one.name: case((new[one.name] > one, new[one.name]), else_=one)
            for one in (table.stated, table.clients)
        }
        connection.execute(
            row.on_conflict_do_update(index_elements=["feed", "day"], set_=larger)
        )
        stored += 1
    return stored


def load_followers(connection: Connection, languages: Sequence[str]) -> list[FeedFollowers]:
    """Return the latest numbers of the feeds of some languages, by language and name."""
    table = feed_follower_day.c
    last = select(table.feed, func.max(table.day).label("day")).group_by(table.feed).subquery()
    query = (
        select(table.feed, feed.c.language, table.day, table.stated, table.clients)
        .join(last, (last.c.feed == table.feed) & (last.c.day == table.day))
        .join(feed, feed.c.name == table.feed)
        .where(feed.c.language.in_(languages))
        .order_by(feed.c.language, table.feed)
    )
    rows = connection.execute(query).mappings()
    return [FeedFollowers(**row) for row in rows]
