"""What two feed parsers find in a document.

feedparser reads RSS and Atom, atoma JSON Feed. atoma knows no languages of entries and nothing
that JSON Feed 1.1 added to 1.0; `json_languages` reads those by the specification.
"""

import json
from calendar import timegm
from dataclasses import dataclass
from datetime import UTC, datetime
from time import struct_time
from typing import Any

import atoma
import feedparser


@dataclass(frozen=True, slots=True)
class Enclosure:
    """An enclosure; the length is in bytes."""

    url: str
    media_type: str
    length: int


@dataclass(frozen=True, slots=True)
class Item:
    """A parsed entry; `updated` and `language` are None if the parser has none."""

    id: str
    link: str
    title: str
    published: datetime
    updated: datetime | None
    enclosure: Enclosure | None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A parsed feed."""

    title: str
    link: str
    language: str | None
    items: tuple[Item, ...]


def by_feedparser(document: bytes) -> Reading:
    """Return what feedparser finds in RSS or Atom; raise its error if it has one."""
    parsed: Any = feedparser.parse(document, sanitize_html=False)
    if parsed.bozo:
        raise parsed.bozo_exception
    feed = parsed.feed
    language = feed.get("language") or feed.title_detail.language
    items = (_feedparser_item(item, language) for item in parsed.entries)
    return Reading(feed.title, feed.link, language, tuple(items))


def json_languages(document: bytes) -> tuple[str | None, list[str | None]]:
    """Return the language of a JSON Feed and those of its items, which may inherit it."""
    feed = json.loads(document)
    own = feed.get("language")
    return own, [item.get("language", own) for item in feed["items"]]


def _feedparser_item(item: Any, language: str | None) -> Item:
    enclosures = [
        Enclosure(one.href, one.type, int(one.length)) for one in item.get("enclosures", [])
    ]
    return Item(
        id=item.id,
        link=item.link,
        title=item.title,
        published=_moment(item.published_parsed),
        updated=_moment(item.updated_parsed) if "updated_parsed" in item else None,
        enclosure=enclosures[0] if enclosures else None,
        language=item.get("language") or item.title_detail.language or language,
    )


def _moment(parts: struct_time) -> datetime:
    return datetime.fromtimestamp(timegm(parts), UTC)


def by_atoma(document: bytes) -> Reading:
    """Return what atoma finds in a JSON Feed."""
    feed = atoma.parse_json_feed_bytes(document)
    items = (
        Item(
            id=item.id_,
            link=item.url,
            title=item.title,
            published=item.date_published,
            updated=item.date_modified,
            enclosure=next(
                (
                    Enclosure(one.url, one.mime_type, one.size_in_bytes)
                    for one in item.attachments
                    if one.size_in_bytes
                ),
                None,
            ),
        )
        for item in feed.items
    )
    return Reading(feed.title, feed.home_page_url, None, tuple(items))
