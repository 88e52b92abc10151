"""Ids of feeds and entries: tag: URIs (RFC 4151), assigned once and stored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import count

from sqlalchemy import Connection, select

import feeds
from publisher.config import Publication
from publisher.syndication.tables import feed_entry

# The specific part of a feed's id starts with this, and that of an entry never does.
FEED_PREFIX = "feed"


def publication_tag(publication: Publication, specific: str) -> str:
    """Return a tag: URI with the publication's host and first year."""
    return feeds.tag_uri(publication.host, date(publication.since, 1, 1), specific)


def new_entry_tag(
    connection: Connection, publication: Publication, slug: str, language: str
) -> str:
    """Return an id that no entry has yet: `slug/language`, with a number if that is taken."""
    tags = (publication_tag(publication, specific) for specific in _specifics(slug, language))
    return next(tag for tag in tags if not _is_taken(connection, tag))


def _specifics(slug: str, language: str) -> Iterator[str]:
    if slug != FEED_PREFIX:
        yield f"{slug}/{language}"
    yield from (f"{slug}/{language}/{number}" for number in count(2))


def _is_taken(connection: Connection, tag: str) -> bool:
    query = select(feed_entry.c.id).where(feed_entry.c.tag == tag)
    return connection.execute(query).first() is not None
