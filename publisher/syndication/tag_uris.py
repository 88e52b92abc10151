"""Minting what stays: tag: URIs, each for one entry alone. Knows no feed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import count

from sqlalchemy import Connection, select

import feeds
from publisher.config import Publication
from publisher.syndication.tables import feed_entry

# The specific part of feeds' own ids begins so, and no entry's may.
FEED_PREFIX = "feed"


def publication_tag(publication: Publication, specific: str) -> str:
    """Make a tag: URI (RFC 4151) in the publication's name."""
    return feeds.tag_uri(publication.host, date(publication.since, 1, 1), specific)


def new_entry_tag(
    connection: Connection, publication: Publication, slug: str, language: str
) -> str:
    """Give an id that no entry has had; its first form is `slug/language`."""
    tags = (publication_tag(publication, specific) for specific in _specifics(slug, language))
    return next(one for one in tags if not _is_known(connection, one))


def _specifics(slug: str, language: str) -> Iterator[str]:
    if slug != FEED_PREFIX:
        yield f"{slug}/{language}"
    yield from (f"{slug}/{language}/{number}" for number in count(2))


def _is_known(connection: Connection, one: str) -> bool:
    query = select(feed_entry.c.id).where(feed_entry.c.tag == one)
    return connection.execute(query).first() is not None
