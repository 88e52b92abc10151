"""The feeds of a publication: find them by subject, create missing ones, list them.

Name, address and id of a feed are fixed when it is created. Ids are tag: URIs (RFC 4151), assigned once and stored.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import count
from typing import Literal

import sqlalchemy as sa

import feeds
from feeds.normalisation import label
from publisher.articles.model import Article, Byline, KnownByline
from publisher.articles.store import known_bylines
from publisher.config import Publication
from publisher.config.publication import People
from publisher.database.engine import chunks
from publisher.syndication.tables import feed, feed_archive, feed_entry, feed_position
from publisher.urls import story_slug

FEED_PREFIX = "feed"  # the specific part of a feed's id starts with it, that of an entry never


def publication_tag(publication: Publication, specific: str) -> str:
    return feeds.tag_uri(publication.host, date(publication.since, 1, 1), specific)


def new_entry_tag(
    connection: sa.Connection, publication: Publication, slug: str, language: str
) -> str:
    """Return an id that no entry has yet: `slug/language`, with a number if that is taken."""
    tags = (publication_tag(publication, specific) for specific in _specifics(slug, language))
    return next(tag for tag in tags if not _is_taken(connection, feed_entry.c.tag, tag))


def _specifics(slug: str, language: str) -> Iterator[str]:
    if slug != FEED_PREFIX:
        yield f"{slug}/{language}"
    yield from (f"{slug}/{language}/{number}" for number in count(2))


def _is_taken(connection: sa.Connection, column: sa.Column[str], text: str) -> bool:
    return connection.execute(sa.select(column).where(column == text)).first() is not None


# Of `recordings`, the entries are articles with sound; of `issues`, they are those of a newsletter.
FeedKind = Literal["language", "topic", "author", "all", "issues", "recordings"]
_FOLDERS: dict[FeedKind, str] = {"topic": "topics", "author": "authors", "issues": "issues"}
# Those that nobody is shown while they are empty.
_BY_ARTICLE: tuple[FeedKind, ...] = ("topic", "author", "recordings")


# Their titles are made of words of the program.
NAMED_BY_PROGRAM: tuple[FeedKind, ...] = ("issues", "recordings")


@dataclass(frozen=True, slots=True)
class FeedSubject:
    """What a feed is about; `label` is the topic, the author's name or that of a newsletter.

    An author of people.toml has a `key`, with which the feed's name ends. `former` are folded names of earlier feeds
    of it.
    """

    kind: FeedKind
    language: str = ""
    label: str = ""
    affiliation: str | None = None
    key: str = ""
    former: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Feed:
    """A row of the feed table, in the order of its columns; `language` is empty for the feed of all languages."""

    id: int
    name: str
    kind: FeedKind
    language: str
    label: str
    title: str
    affiliation: str | None
    tag: str
    updated_at: datetime | None
    due: bool
    announced: str

    @property
    def is_whole(self) -> bool:
        """Whether it is a language's, or that of all of them: most readers have one of these."""
        return self.kind in {"language", "all"}

    @property
    def page(self) -> str:
        """The path of its page below that of its language: empty, or like "topics/harbour"."""
        return self.name.partition("/")[2]


def subjects_of(article: Article, publication: Publication) -> list[FeedSubject]:
    language, people = article.language, publication.people
    named = [_topic(publication, topic, language) for topic in article.topics]
    named += [
        _author(people, byline, language)
        for byline in known_bylines(people, article.bylines, language)
    ]
    if any(one.media_type.startswith("audio/") for one in article.attachments):
        named.append(FeedSubject("recordings", language, "recordings"))
    distinct = {(s.kind, s.label.casefold()): s for s in reversed(named) if s.label}
    return [*_permanent(publication, language), *reversed(distinct.values())]


def _permanent(publication: Publication, language: str) -> list[FeedSubject]:
    """Return the feeds that are there without articles, too: of one language, `all` would be the same."""
    if len(publication.languages) > 1:
        return [FeedSubject("language", language), FeedSubject("all")]
    return [FeedSubject("language", language, former=frozenset({""}))]


def _topic(publication: Publication, topic: str, language: str) -> FeedSubject:
    present = publication.present_topic(label(topic))
    return FeedSubject("topic", language, present, former=publication.former_topics(present))


def _author(people: People, byline: Byline, language: str) -> FeedSubject:
    subject = FeedSubject("author", language, label(byline.name), byline.affiliation)
    if not isinstance(byline, KnownByline):
        return subject
    return replace(subject, key=byline.key, former=people.spellings(byline.key))


def is_former_feed(publication: Publication, one: Feed) -> bool:
    """Return whether a feed goes on for its readers only, as another one, such as that of a new name, has taken its place."""
    if one.kind == "author":
        key = publication.people.key_of(one.title)
        return key is not None and one.page != f"{_FOLDERS['author']}/{key}"
    if one.kind == "topic":
        return publication.present_topic(one.title) != one.title
    return one.kind == "all" and len(publication.languages) == 1


def is_successor(publication: Publication, former: Feed, one: Feed) -> bool:
    if former.kind == "all":
        return one.kind == "language"
    if (former.kind, former.language) != (one.kind, one.language):
        return False
    if former.kind == "topic":
        return one.label == publication.present_topic(former.title).casefold()
    return one.page == f"{_FOLDERS['author']}/{publication.people.key_of(former.title)}"


class FeedIndex:
    """Find feeds by subject within one transaction, and create missing ones."""

    def __init__(self, connection: sa.Connection, publication: Publication) -> None:
        self._connection = connection
        self._publication = publication
        self._known: dict[tuple[str, str, str], int] = {}
        self._former: dict[tuple[str, str, str], list[int]] = {}

    def find_or_create(self, subject: FeedSubject) -> int:
        key = (subject.kind, subject.language, subject.key or subject.label.casefold())
        if key not in self._known:
            found = self._find_of_person(subject) if subject.key else self._find(*key)
            self._known[key] = found or self._create(subject)
        return self._known[key]

    def find_former(self, subject: FeedSubject) -> list[int]:
        """Return the feeds that a subject has had under other names; their readers get new articles, too."""
        if not subject.former:
            return []
        key = (subject.kind, subject.language, subject.key or subject.label)
        if key not in self._former:
            kind = (
                ("all", "") if subject.kind == "language" else (subject.kind, subject.language)
            )
            query = sa.select(feed.c.id).where(
                feed.c.kind == kind[0],
                feed.c.language == kind[1],
                feed.c.label.in_(sorted(subject.former)),
                feed.c.id != self.find_or_create(subject),
            )
            self._former[key] = list(self._connection.execute(query).scalars())
        return self._former[key]

    def set_affiliation(self, subject: FeedSubject) -> None:
        if subject.kind == "author" and subject.affiliation:
            here = feed.c.id == self.find_or_create(subject)
            differs = feed.c.affiliation.is_distinct_from(subject.affiliation)
            row = sa.update(feed).where(here, differs)
            self._connection.execute(row.values(affiliation=subject.affiliation))

    def _find(self, kind: str, language: str, folded: str) -> int | None:
        query = sa.select(feed.c.id).where(
            feed.c.kind == kind, feed.c.language == language, feed.c.label == folded
        )
        return self._connection.execute(query).scalar_one_or_none()

    def _find_of_person(self, subject: FeedSubject) -> int | None:
        """Return the feed whose address has the person's key; it gets the person's present name."""
        here = feed.c.name == next(_names(subject))
        renamed = sa.update(feed).where(here, feed.c.title != subject.label)
        self._connection.execute(renamed.values(title=subject.label, due=True))
        return self._connection.execute(sa.select(feed.c.id).where(here)).scalar_one_or_none()

    def _create(self, subject: FeedSubject) -> int:
        names = _names(subject)
        name = next(n for n in names if not _is_taken(self._connection, feed.c.name, n))
        row = sa.insert(feed).values(
            name=name,
            kind=subject.kind,
            language=subject.language,
            label=subject.key or subject.label.casefold(),
            title="" if subject.kind in NAMED_BY_PROGRAM else subject.label,
            affiliation=subject.affiliation,
            tag=publication_tag(self._publication, f"{FEED_PREFIX}/{name}"),
            due=True,
            announced="",
        )
        return int(self._connection.execute(row.returning(feed.c.id)).scalar_one())


def _names(subject: FeedSubject) -> Iterator[str]:
    """Yield names for a feed; each further one is for when those before are taken."""
    if subject.kind not in _FOLDERS:
        below = "/recordings" if subject.kind == "recordings" else ""
        yield (subject.language or "all") + below
        return
    folder = f"{subject.language}/{_FOLDERS[subject.kind]}"
    yield from (
        f"{folder}/{story_slug(subject.key or subject.label, attempt)}" for attempt in count()
    )


def create_permanent_feeds(connection: sa.Connection, publication: Publication) -> None:
    index = FeedIndex(connection, publication)
    for language in publication.languages:
        for subject in _permanent(publication, language):
            index.find_or_create(subject)


def feeds_to_name(connection: sa.Connection, *, again: bool) -> list[Feed]:
    """Return feeds whose titles are made of words of the program: new ones, or `again` all."""
    query = sa.select(feed).where(feed.c.kind.in_(NAMED_BY_PROGRAM))
    rows = connection.execute(query if again else query.where(feed.c.title == ""))
    return [Feed(*row) for row in rows]


def store_title(connection: sa.Connection, one: Feed, title: str) -> None:
    connection.execute(sa.update(feed).where(feed.c.id == one.id).values(title=title, due=True))


def mark_feeds_due(connection: sa.Connection, ids: Sequence[int] | None = None) -> None:
    rows = sa.update(feed).values(due=True)
    if ids is None:
        connection.execute(rows)
        return
    for portion in chunks(ids):
        connection.execute(rows.where(feed.c.id.in_(portion)))


def due_feeds(connection: sa.Connection) -> list[Feed]:
    """Return the feeds to write, oldest first, also of languages that are gone; of those not `due` only archive documents."""
    archives = sa.select(feed_archive.c.feed_id).where(feed_archive.c.due)
    query = sa.select(feed).where(sa.or_(feed.c.due, feed.c.id.in_(archives)))
    rows = connection.execute(query.order_by(feed.c.id))
    return [Feed(*row) for row in rows]


def feeds_in(
    connection: sa.Connection, languages: tuple[str, ...], *, listed: bool = False
) -> list[Feed]:
    """Return, by name, feeds of some languages and that of all languages; `listed` omits empty ones of topics and authors."""
    query = sa.select(feed).where(feed.c.language.in_(("", *languages)))
    if listed:
        filled = sa.exists().where(
            feed_position.c.feed_id == feed.c.id, feed_position.c.state == "present"
        )
        query = query.where(sa.or_(feed.c.kind.not_in(_BY_ARTICLE), filled))
    return [Feed(*row) for row in connection.execute(query.order_by(feed.c.name))]


def count_feeds(connection: sa.Connection, languages: tuple[str, ...]) -> int:
    query = sa.select(sa.func.count()).where(feed.c.language.in_(("", *languages)))
    return int(connection.execute(query).scalar_one())
