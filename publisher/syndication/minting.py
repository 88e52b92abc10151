"""Minting what stays: tag: URIs and moments of change, each for one entry alone.

Validators and readers take two entries with one id for one, and two with one moment of change
for a mistake of the software; so neither is given twice, whatever articles say. Knows no feed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import count

from sqlalchemy import Connection, exists, select

import feeds
from publisher.config import Publication
from publisher.syndication.tables import entry


def tag(publication: Publication, specific: str) -> str:
    """Make a tag: URI (RFC 4151) in the publication's name."""
    return feeds.tag_uri(publication.host, date(publication.since, 1, 1), specific)


class Mint:
    """Mints within one transaction; what it gives out must be stored before it is asked again."""

    def __init__(self, connection: Connection, publication: Publication) -> None:
        self._connection = connection
        self._publication = publication
        # Where the run of taken seconds ends that begins with a wanted one, as far as known:
        # without it, a thousand articles of one date would look at each other's seconds.
        self._ends: dict[int, int] = {}

    def tag(self, slug: str, language: str) -> str:
        """Give an id that no entry has had; its first form is `slug/language`."""
        specifics = _specifics(slug, language)
        tags = (tag(self._publication, specific) for specific in specifics)
        return next(one for one in tags if not self._is_known(one))

    def second(self, wanted: int) -> int:
        """Give the first second at or after `wanted` (since 1970) at which no entry changed."""
        start = self._ends.get(wanted, wanted)
        taken = select(entry.c.updated).where(entry.c.updated == start)
        if self._connection.execute(taken).first() is not None:
            after = entry.alias("after")
            ends = ~exists().where(after.c.updated == entry.c.updated + 1)
            query = select(entry.c.updated + 1).where(entry.c.updated >= start, ends)
            start = self._connection.execute(
                query.order_by(entry.c.updated).limit(1)
            ).scalar_one()
        self._ends[wanted] = start + 1
        return start

    def _is_known(self, one: str) -> bool:
        query = select(entry.c.id).where(entry.c.tag == one)
        return self._connection.execute(query).first() is not None


def _specifics(slug: str, language: str) -> Iterator[str]:
    yield f"{slug}/{language}"
    yield from (f"{slug}/{language}/{number}" for number in count(2))
