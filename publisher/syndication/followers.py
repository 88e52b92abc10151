"""Readers of feeds as a web server's access log shows them, and how many read each feed on a day.

The log is read by pure functions: lines in, numbers by feed and day out. Aggregators fetch a feed
once for many people, and say for how many in their User-Agent: that number is taken as it is
stated. Any other client counts once a day, by its address and User-Agent. These are forgotten with
the end of the run, and are in no result. The numbers are in the database; the transaction belongs
to the caller.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, case, func, select

from publisher.database.dialect.sql import upsert
from publisher.syndication.tables import feed, feed_follower_day


class FeedDay(NamedTuple):
    """A feed, by its name below `feeds/`, and a day in UTC."""

    feed: str
    day: date


@dataclass(frozen=True, slots=True)
class FollowerNumbers:
    """How many read a feed on a day: as aggregators state, and other clients that asked for it."""

    stated: int
    clients: int


class _LogLine(NamedTuple):
    client: str
    at: datetime
    path: str
    agent: str


# nginx and Apache: the combined format, which ours begins with.
_COMBINED = re.compile(
    r'(?P<client>\S+) \S+ \S+ \[(?P<at>[^\]]+)\] "GET (?P<path>[^ "]+)[^"]*" (?P<status>\d{3}) '
    r'\S+ "[^"]*" "(?P<agent>(?:[^"\\]|\\.)*)"'
)
_FOUND = frozenset({200, 304})
# Subscription documents; archive documents are read along with them.
_FEED = re.compile(r"/feeds/(?P<name>[^?#]+)\.(?:atom\.xml|rss\.xml|json)(?:[?#].*)?")
_ARCHIVE = re.compile(r"/archive/\d+$")
# As Feedly, NewsBlur, Inoreader, Feedbin and The Old Reader write it.
_STATED = re.compile(r"\b(\d{1,7}) (?:subscriber|reader)s?\b", re.IGNORECASE)
_AGGREGATOR = re.compile(r"[A-Za-z][A-Za-z. ]*")
# Search engines and monitors are no readers.
_ROBOT = re.compile(r"bot\b|crawl|spider|monitor|uptime", re.IGNORECASE)


def count_followers(lines: Iterable[str]) -> tuple[dict[FeedDay, FollowerNumbers], int]:
    """Return the readers by feed and day, and how many lines were not understood."""
    stated: dict[FeedDay, dict[str, int]] = defaultdict(dict)
    clients: dict[FeedDay, set[tuple[str, str]]] = defaultdict(set)
    unread = 0
    for line in lines:
        if not line.strip():
            continue
        try:
            request = (
                _read_json(line) if line.lstrip().startswith("{") else _read_combined(line)
            )
        except (ValueError, TypeError, KeyError, OverflowError):
            unread += 1
            continue
        where = _feed_day(request) if request else None
        if request is None or where is None:
            continue
        if found := _STATED.search(request.agent):
            name = _aggregator(request.agent)
            stated[where][name] = max(stated[where].get(name, 0), int(found[1]))
        elif not _ROBOT.search(request.agent):
            clients[where].add((request.client, request.agent))
    days = sorted({*stated, *clients})
    return {
        one: FollowerNumbers(sum(stated[one].values()), len(clients[one])) for one in days
    }, unread


def _read_combined(line: str) -> _LogLine | None:
    """Return a request by GET that was answered; None for others. Raise ValueError for no log line."""
    found = _COMBINED.match(line)
    if found is None:
        if " [" in line and '] "' in line:
            return None  # another method, or what is no request at all
        raise ValueError(line)
    at = datetime.strptime(found["at"], "%d/%b/%Y:%H:%M:%S %z")
    if int(found["status"]) not in _FOUND:
        return None
    return _LogLine(found["client"], at, found["path"], found["agent"])


def _read_json(line: str) -> _LogLine | None:
    """Return a request of Caddy's log; None for entries that are none, or were not answered."""
    entry: Mapping[str, Any] = json.loads(line)
    request = entry.get("request")
    if request is None or request["method"] != "GET" or entry["status"] not in _FOUND:
        return None
    at = entry["ts"]
    moment = datetime.fromtimestamp(at, UTC) if isinstance(at, int | float) else _moment(at)
    headers = {name.lower(): values for name, values in request.get("headers", {}).items()}
    agent = (headers.get("user-agent") or [""])[0]
    client = request.get("client_ip") or request.get("remote_ip") or ""
    return _LogLine(client, moment, request.get("uri", ""), agent)


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _feed_day(request: _LogLine) -> FeedDay | None:
    found = _FEED.fullmatch(request.path)
    if found is None or _ARCHIVE.search(found["name"]):
        return None
    return FeedDay(found["name"], request.at.astimezone(UTC).date())


def _aggregator(agent: str) -> str:
    found = _AGGREGATOR.match(agent)
    return found[0].strip().casefold() if found else ""


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
