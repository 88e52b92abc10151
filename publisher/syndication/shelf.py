"""Which feeds there are: finds them by what they are of, and makes those that lack.

A feed's name, address and id are settled when it is made. Knows no entry.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from sqlalchemy import Connection, Row, exists, func, insert, or_, select, update

from feeds.text import label
from publisher.articles.linking import slug_of
from publisher.articles.model import Article
from publisher.config import Publication
from publisher.database.portions import portions
from publisher.syndication.minting import FEED, tag
from publisher.syndication.tables import feed, place

Kind = Literal["language", "topic", "author", "all"]
FOLDERS: dict[Kind, str] = {"topic": "topics", "author": "authors"}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a feed is of; `label` is the topic, or the author's name."""

    kind: Kind
    language: str = ""
    label: str = ""
    affiliation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed as it is stored; `language` is empty for the feed of all languages."""

    id: int
    name: str
    kind: Kind
    language: str
    title: str
    affiliation: str | None
    tag: str
    updated_at: datetime | None
    told: str

    @property
    def page(self) -> str:
        """The rest of its page's path: empty, or as "topics/harbour"."""
        return self.name.partition("/")[2]


def subjects(article: Article) -> list[Subject]:
    """List the feeds that an article belongs to."""
    language = article.language
    named = [Subject("topic", language, label(topic)) for topic in article.topics]
    named += [
        Subject("author", language, label(byline.name), byline.affiliation)
        for byline in article.bylines
    ]
    distinct = {(s.kind, s.label.casefold()): s for s in reversed(named) if s.label}
    return [Subject("all"), Subject("language", language), *reversed(distinct.values())]


def standing_subjects(publication: Publication) -> list[Subject]:
    """List the feeds that there are from the beginning, even if nothing is in them."""
    languages = [Subject("language", language) for language in publication.languages]
    return [*languages, Subject("all")]


class Shelf:
    """Finds feeds within one transaction, and makes them."""

    def __init__(self, connection: Connection, publication: Publication) -> None:
        self._connection = connection
        self._publication = publication
        self._known: dict[tuple[str, str, str], int] = {}

    def find(self, subject: Subject) -> int:
        """Give a feed's number; it is made if there is none."""
        key = (subject.kind, subject.language, subject.label.casefold())
        if key not in self._known:
            self._known[key] = self._look_up(*key) or self._make(subject)
        return self._known[key]

    def affiliate(self, subject: Subject) -> None:
        """Let an author's feed say the affiliation that the newest article gives."""
        if subject.kind == "author" and subject.affiliation:
            here = feed.c.id == self.find(subject)
            other = feed.c.affiliation.is_distinct_from(subject.affiliation)
            row = update(feed).where(here, other)
            self._connection.execute(row.values(affiliation=subject.affiliation))

    def _look_up(self, kind: str, language: str, folded: str) -> int | None:
        query = select(feed.c.id).where(
            feed.c.kind == kind, feed.c.language == language, feed.c.label == folded
        )
        return self._connection.execute(query).scalar_one_or_none()

    def _make(self, subject: Subject) -> int:
        name = next(name for name in _names(subject) if not self._is_taken(name))
        row = insert(feed).values(
            name=name,
            kind=subject.kind,
            language=subject.language,
            label=subject.label.casefold(),
            title=subject.label,
            affiliation=subject.affiliation,
            tag=tag(self._publication, f"{FEED}/{name}"),
            due=True,
            told="",
        )
        return int(self._connection.execute(row.returning(feed.c.id)).scalar_one())

    def _is_taken(self, name: str) -> bool:
        query = select(feed.c.id).where(feed.c.name == name)
        return self._connection.execute(query).first() is not None


def _names(subject: Subject) -> Iterator[str]:
    """Name a feed by what it is of; each further name is for when another has the one before."""
    if subject.kind not in FOLDERS:
        yield subject.language or "all"
        return
    folder = f"{subject.language}/{FOLDERS[subject.kind]}"
    yield from (f"{folder}/{slug_of(subject.label, attempt)}" for attempt in itertools.count())


def make_standing(connection: Connection, publication: Publication) -> None:
    """See that the feeds exist that there are from the beginning."""
    shelf = Shelf(connection, publication)
    for subject in standing_subjects(publication):
        shelf.find(subject)


def mark_due(connection: Connection, numbers: Sequence[int] | None = None) -> None:
    """Have feeds written again: these, or all of them."""
    rows = update(feed).values(due=True)
    if numbers is None:
        connection.execute(rows)
        return
    for some in portions(numbers):
        connection.execute(rows.where(feed.c.id.in_(some)))


def due(connection: Connection) -> list[Feed]:
    """List the feeds that are to be written, in the order in which they were made.

    Among them those of languages that the publication has given up: their entries have gone.
    """
    query = select(feed).where(feed.c.due)
    return [_to_feed(row) for row in connection.execute(query.order_by(feed.c.id))]


def listed(connection: Connection, languages: tuple[str, ...]) -> list[Feed]:
    """List the feeds to show to readers, by name: not those of a topic that nothing is in."""
    filled = exists().where(place.c.feed_id == feed.c.id, place.c.standing == "here")
    query = select(feed).where(
        feed.c.language.in_(("", *languages)), or_(feed.c.kind.not_in(FOLDERS), filled)
    )
    return [_to_feed(row) for row in connection.execute(query.order_by(feed.c.name))]


def every(connection: Connection, languages: tuple[str, ...]) -> list[Feed]:
    """List all feeds of some languages, and that of all, by name."""
    query = select(feed).where(feed.c.language.in_(("", *languages)))
    return [_to_feed(row) for row in connection.execute(query.order_by(feed.c.name))]


def count(connection: Connection, languages: tuple[str, ...]) -> int:
    """Count the feeds of some languages, and that of all."""
    query = select(func.count()).where(feed.c.language.in_(("", *languages)))
    return int(connection.execute(query).scalar_one())


def _to_feed(row: Row[tuple[object, ...]]) -> Feed:
    return Feed(
        id=row.id,
        name=row.name,
        kind=cast("Kind", row.kind),
        language=row.language,
        title=row.title,
        affiliation=row.affiliation,
        tag=row.tag,
        updated_at=row.updated_at,
        told=row.told,
    )
