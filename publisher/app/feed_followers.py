"""Readers of feeds: count them in access logs, and show the numbers. No address is stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from publisher.syndication.follower_counts import FeedFollowers, load_followers, store_followers
from publisher.syndication.follower_log import count_followers

if TYPE_CHECKING:
    from publisher.database import Database

# What callers import, with the values of other packages that they get.
__all__ = ["CountedFollowers", "FeedFollowers", "count_feed_followers", "list_feed_followers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedFollowers:
    """What came of a log: of how many feeds and days there are numbers, and lines not understood."""

    stored: int
    first: date | None
    last: date | None
    unread: int


def count_feed_followers(database: Database, lines: Iterable[str]) -> CountedFollowers:
    """Count the readers of feeds in lines of an access log, and store the numbers by feed and day."""
    counted, unread = count_followers(lines)
    days = sorted(one.day for one in counted)
    with database.writing() as connection:
        stored = store_followers(connection, counted)
    first, last = (days[0], days[-1]) if days else (None, None)
    return CountedFollowers(stored=stored, first=first, last=last, unread=unread)


def list_feed_followers(database: Database, languages: Sequence[str]) -> list[FeedFollowers]:
    """Return the latest numbers of the feeds of some languages; "" is the feed of all."""
    with database.reading() as connection:
        return load_followers(connection, languages)
