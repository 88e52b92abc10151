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
from publisher.articles.model import Article
from publisher.articles.story_key import story_slug
from publisher.config import Publication
from publisher.database.chunks import chunks
from publisher.syndication.tables import feed, feed_position
from publisher.syndication.tag_uris import FEED_PREFIX, publication_tag

FeedKind = Literal["language", "topic", "author", "all"]
_FOLDERS: dict[FeedKind, str] = {"topic": "topics", "author": "authors"}


@dataclass(frozen=True, slots=True)
class FeedSubject:
    """What a feed is of; `label` is the topic, or the author's name."""

    kind: FeedKind
    language: str = ""
    label: str = ""
    affiliation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed as it is stored; `language` is empty for the feed of all languages."""

    id: int
    name: str
    kind: FeedKind
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


def subjects_of(article: Article) -> list[FeedSubject]:
    """List the feeds that an article belongs to."""
    language = article.language
    named = [FeedSubject("topic", language, label(topic)) for topic in article.topics]
    named += [
        FeedSubject("author", language, label(byline.name), byline.affiliation)
        for byline in article.bylines
    ]
    distinct = {(s.kind, s.label.casefold()): s for s in reversed(named) if s.label}
    return [FeedSubject("all"), FeedSubject("language", language), *reversed(distinct.values())]


def permanent_subjects(publication: Publication) -> list[FeedSubject]:
    """List the feeds that there are from the beginning, even if nothing is in them."""
    languages = [FeedSubject("language", language) for language in publication.languages]
    return [*languages, FeedSubject("all")]


class FeedIndex:
    """Finds feeds within one transaction, and makes them."""

    def __init__(self, connection: Connection, publication: Publication) -> None:
        self._connection = connection
        self._publication = publication
        self._known: dict[tuple[str, str, str], int] = {}

    def find(self, subject: FeedSubject) -> int:
        """Give a feed's number; it is made if there is none."""
        key = (subject.kind, subject.language, subject.label.casefold())
        if key not in self._known:
            self._known[key] = self._look_up(*key) or self._make(subject)
        return self._known[key]

    def affiliate(self, subject: FeedSubject) -> None:
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

    def _make(self, subject: FeedSubject) -> int:
        name = next(name for name in _names(subject) if not self._is_taken(name))
        row = insert(feed).values(
            name=name,
            kind=subject.kind,
            language=subject.language,
            label=subject.label.casefold(),
            title=subject.label,
            affiliation=subject.affiliation,
            tag=publication_tag(self._publication, f"{FEED_PREFIX}/{name}"),
            due=True,
            told="",
        )
        return int(self._connection.execute(row.returning(feed.c.id)).scalar_one())

    def _is_taken(self, name: str) -> bool:
        query = select(feed.c.id).where(feed.c.name == name)
        return self._connection.execute(query).first() is not None


def _names(subject: FeedSubject) -> Iterator[str]:
    """Name a feed by what it is of; each further name is for when another has the one before."""
    if subject.kind not in _FOLDERS:
        yield subject.language or "all"
        return
    folder = f"{subject.language}/{_FOLDERS[subject.kind]}"
    yield from (
        f"{folder}/{story_slug(subject.label, attempt)}" for attempt in itertools.count()
    )


def create_permanent_feeds(connection: Connection, publication: Publication) -> None:
    """See that the feeds exist that there are from the beginning."""
    shelf = FeedIndex(connection, publication)
    for subject in permanent_subjects(publication):
        shelf.find(subject)


def mark_feeds_due(connection: Connection, numbers: Sequence[int] | None = None) -> None:
    """Have feeds written again: these, or all of them."""
    rows = update(feed).values(due=True)
    if numbers is None:
        connection.execute(rows)
        return
    for some in chunks(numbers):
        connection.execute(rows.where(feed.c.id.in_(some)))


def due_feeds(connection: Connection) -> list[Feed]:
    """List the feeds that are to be written, in the order in which they were made.

    Among them those of languages that the publication has given up: their entries have gone.
    """
    query = select(feed).where(feed.c.due)
    return [_to_feed(row) for row in connection.execute(query.order_by(feed.c.id))]


def visible_feeds(connection: Connection, languages: tuple[str, ...]) -> list[Feed]:
    """List the feeds to show to readers, by name: not those of a topic that nothing is in."""
    filled = exists().where(
        feed_position.c.feed_id == feed.c.id, feed_position.c.standing == "here"
    )
    query = select(feed).where(
        feed.c.language.in_(("", *languages)), or_(feed.c.kind.not_in(_FOLDERS), filled)
    )
    return [_to_feed(row) for row in connection.execute(query.order_by(feed.c.name))]


def all_feeds(connection: Connection, languages: tuple[str, ...]) -> list[Feed]:
    """List all feeds of some languages, and that of all, by name."""
    query = select(feed).where(feed.c.language.in_(("", *languages)))
    return [_to_feed(row) for row in connection.execute(query.order_by(feed.c.name))]


def count_feeds(connection: Connection, languages: tuple[str, ...]) -> int:
    """Count the feeds of some languages, and that of all."""
    query = select(func.count()).where(feed.c.language.in_(("", *languages)))
    return int(connection.execute(query).scalar_one())


def _to_feed(row: Row[tuple[object, ...]]) -> Feed:
    return Feed(
        id=row.id,
        name=row.name,
        kind=cast("FeedKind", row.kind),
        language=row.language,
        title=row.title,
        affiliation=row.affiliation,
        tag=row.tag,
        updated_at=row.updated_at,
        told=row.told,
    )
