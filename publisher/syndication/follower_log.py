"""Readers of feeds as a web server's access log shows them. Pure: lines in, numbers by feed and day out.

Aggregators fetch a feed once for many people, and say for how many in their User-Agent: that number is
taken as it is stated. Any other client counts once a day, by its address and User-Agent. These are
forgotten with the end of the run, and are in no result.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple


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
