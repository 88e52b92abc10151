"""Taking note of articles that came, changed or went: their entries, and where those stand.

Costs what has changed, not what there is. Each portion is one transaction, and an article is
marked as noted in the one that notes it. Knows no file and no format.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    and_,
    bindparam,
    exists,
    insert,
    or_,
    select,
    update,
)

from publisher.articles.columns import content_hash
from publisher.articles.model import Article, ArticleStatus
from publisher.articles.store import articles_by_id
from publisher.articles.tables import article, story
from publisher.config import Publication
from publisher.database import Database
from publisher.database.chunks import chunks
from publisher.syndication.feed_index import FeedIndex, subjects_of
from publisher.syndication.feed_positions import FeedPositions
from publisher.syndication.tables import feed_entry
from publisher.syndication.tag_uris import new_entry_tag

# So many are noted in one transaction; a kill costs at most this much work.
ARTICLES_PER_TRANSACTION = 200


def record_changes(database: Database, publication: Publication, now: datetime) -> int:
    """Take note of everything that is due; gives how many articles that were."""
    with database.reading() as connection:
        numbers = _due(connection, now)
    for some in chunks(numbers, ARTICLES_PER_TRANSACTION):
        with database.writing() as connection:
            _ChangeRecorder(connection, publication, now).take(some)
    return len(numbers)


def mark_all_articles_changed(connection: Connection) -> None:
    """Have every article looked at again, as when the publication's languages change."""
    connection.execute(update(article).values(feed_hash=None))


def _due(connection: Connection, now: datetime) -> list[int]:
    """List the articles to look at, in the order in which they were published.

    Whatever is noted is newer news than what was noted before; among itself it is ordered by
    publication, not by when it was found: reading an archive may have taken several attempts.
    What is to appear later waits.
    """
    waits = and_(article.c.status == ArticleStatus.READY, article.c.available_at > now)
    known = exists().where(
        feed_entry.c.article_id == article.c.id, feed_entry.c.gone_at.is_(None)
    )
    query = (
        select(article.c.id)
        .join(story)
        .where(article.c.feed_hash.is_(None), or_(~waits, known))
        .order_by(article.c.published_at, story.c.key, article.c.language)
    )
    return list(connection.execute(query).scalars())


def entry_fingerprint(one: Article) -> str:
    """Hash what an entry's `updated` speaks of: its content, and when it was published."""
    return content_hash(
        {"content": one.content_hash, "published": one.published_at.isoformat()}
    )


class _ChangeRecorder:
    """One portion, in one transaction."""

    def __init__(self, connection: Connection, publication: Publication, now: datetime) -> None:
        self._connection = connection
        self._publication = publication
        self._now = now
        self._shelf = FeedIndex(connection, publication)
        self._places = FeedPositions(connection)
        # Articles that readers see and did not before, and those that are done with.
        self._appeared: list[Article] = []
        self._noted: list[Article] = []

    def take(self, numbers: Sequence[int]) -> None:
        articles = articles_by_id(self._connection, numbers)
        known = self._entries(numbers)
        for number in numbers:
            self._note(articles[number], known.get(number, []))
        self._places.flush()
        self._refresh_siblings()
        self._places.mark_due()
        self._mark_noted()

    def _entries(self, numbers: Sequence[int]) -> dict[int, list[Row[Any]]]:
        rows = self._connection.execute(
            select(feed_entry).where(feed_entry.c.article_id.in_(numbers))
        )
        found: dict[int, list[Row[Any]]] = {}
        for row in rows:
            found.setdefault(row.article_id, []).append(row)
        return found

    def _note(self, one: Article, known: Sequence[Row[Any]]) -> None:
        ready = one.status == ArticleStatus.READY
        live = any(row.language == one.language and row.gone_at is None for row in known)
        # A clock that was set back hides nothing that is out.
        since = one.published_at if live else one.available_at
        visible = ready and since <= self._now
        served = one.language in self._publication.languages
        own = None
        for row in known:
            if row.language == one.language and visible and served:
                own = row
            elif row.gone_at is None:  # withdrawn, hidden again, or now in another language
                self._withdraw(row)
        if visible and served:
            self._show(one, own)
            if own is None or own.gone_at is not None:
                self._appeared.append(one)
        if visible or not ready:
            self._noted.append(one)

    def _refresh_siblings(self) -> None:
        """Have the entries and pages written again that name what appeared as their translation.

        When it appears by the clock, at the end of an embargo, nothing has marked them. What is
        marked will be looked at anyway.
        """
        stories = {one.story_id for one in self._appeared}
        unmarked = article.c.story_id.in_(stories) & article.c.feed_hash.is_not(None)
        siblings = select(feed_entry.c.id).join(article).where(unmarked)
        for number in self._connection.execute(siblings).scalars().all():
            self._places.touch(number)
        self._connection.execute(update(article).where(unmarked).values(page_hash=None))

    def _mark_noted(self) -> None:
        if self._noted:
            here = article.c.id == bindparam("number")
            self._connection.execute(
                update(article).where(here).values(feed_hash=bindparam("hash")),
                [{"number": one.id, "hash": one.content_hash} for one in self._noted],
            )

    def _withdraw(self, row: Row[Any]) -> None:
        """Take an entry out of all feeds, and its title out of what names it as a translation."""
        # A tombstone counts only if it is later than its entry (RFC 6721 section 4).
        when = max(self._now, datetime.fromtimestamp(row.updated + 1, UTC))
        gone = update(feed_entry).where(feed_entry.c.id == row.id).values(gone_at=when)
        self._connection.execute(gone)
        self._places.leave(row.id, when)
        mine = select(article.c.story_id).where(article.c.id == row.article_id)
        siblings = (
            select(feed_entry.c.id)
            .join(article)
            .where(article.c.story_id == mine.scalar_subquery(), article.c.id != row.article_id)
        )
        for number in self._connection.execute(siblings).scalars().all():
            self._places.open_again(number)

    def _show(self, one: Article, row: Row[Any] | None) -> None:
        stamp = entry_fingerprint(one)
        revised = row is not None and row.gone_at is None and row.stamp != stamp
        number, second = self._entry(one, row, stamp)
        wanted = [self._shelf.find(subject) for subject in subjects_of(one)]
        if row is None or revised:
            for subject in subjects_of(one):
                self._shelf.affiliate(subject)
        updated = datetime.fromtimestamp(second, UTC)
        if row is None:
            self._places.begin(number, wanted, updated)
        else:
            self._places.stand(number, wanted, updated, revised=revised)

    def _entry(self, one: Article, row: Row[Any] | None, stamp: str) -> tuple[int, int]:
        """Bring the article's entry up to date; gives its number, and the second of its change."""
        changed = round(one.updated_at.timestamp())
        if row is None:
            tag = new_entry_tag(self._connection, self._publication, one.slug, one.language)
            values = {
                "article_id": one.id,
                "language": one.language,
                "tag": tag,
                "updated": changed,
                "stamp": stamp,
            }
            new = insert(feed_entry).values(values).returning(feed_entry.c.id)
            return int(self._connection.execute(new).scalar_one()), changed
        if row.gone_at is not None or row.stamp != stamp:
            # Later than ever before: also than the moment at which it was withdrawn.
            before = max(row.updated, _seconds(row.gone_at))
            second = max(changed, before + 1)
            values = {"updated": second, "stamp": stamp, "gone_at": None}
            self._connection.execute(
                update(feed_entry).where(feed_entry.c.id == row.id).values(values)
            )
            return int(row.id), second
        return int(row.id), int(row.updated)


def _seconds(moment: datetime | None) -> int:
    return 0 if moment is None else round(moment.timestamp())
