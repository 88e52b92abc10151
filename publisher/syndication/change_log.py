"""Record new, changed and withdrawn articles as feed entries, with their positions in feeds.

The cost depends on what has changed, not on the size of the archive. Each portion of articles is one transaction.

An open position is in the subscription document, an archived one in an archive document, which is only written again
if an entry is withdrawn or revised. Open positions are in the order in which their entries first appeared: so an old
entry that comes into a feed later is archived before newer ones.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from publisher.articles.model import Article, ArticleStatus
from publisher.articles.store import articles_by_id, content_hash
from publisher.articles.tables import article, story
from publisher.config import Publication
from publisher.database import Database
from publisher.database.dialect.sql import greatest
from publisher.database.engine import chunks
from publisher.database.metadata import UTCDateTime
from publisher.fault_isolation import Report, isolated, stops_all, unreported
from publisher.syndication.feed_index import FeedIndex, new_entry_tag, subjects_of
from publisher.syndication.feed_window import newest_archive
from publisher.syndication.tables import feed, feed_archive, feed_entry, feed_position
from publisher.urls import article_url
from publisher.webhooks.events import EventType
from publisher.webhooks.store import Event, queue_events


class FeedPositions:
    """The positions in all feeds, within one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._archived: dict[int, int] = {}
        self._last: dict[int, tuple[int, int]] = {}
        self._added: list[dict[str, Any]] = []
        # Feeds that got an entry which appeared before the last one.
        self._unsorted: set[int] = set()
        # By feed: when its content changed, or None if only links of an entry did.
        self._due: dict[int, datetime | None] = {}

    def add(self, entry_id: int, wanted: Sequence[int], updated: datetime) -> None:
        for feed_id in wanted:
            self._append(feed_id, entry_id, updated)

    def reconcile(
        self, entry_id: int, wanted: Sequence[int], updated: datetime, *, revised: bool
    ) -> None:
        """Bring an entry into the wanted feeds, and remove its open positions in others. A revised entry keeps its position.

        If that is archived, the archive document is written again: in the subscription document it would push out a
        newer entry, and feed readers would show it as news.
        """
        present = self._present(entry_id)
        for feed_id in wanted:
            position = present.pop(feed_id, None)
            if position is None:
                self._append(feed_id, entry_id, updated)
            elif not self._is_archived(feed_id, position):
                self._mark_changed(feed_id, updated)
            elif revised:
                self._mark_archive(feed_id, position)
        for feed_id, position in present.items():
            if not self._is_archived(feed_id, position):
                self._connection.execute(sa.delete(feed_position).where(_at(feed_id, position)))
                self._mark_changed(feed_id, updated)

    def rewrite(self, entry_id: int) -> None:
        """Write the subscription documents again that contain an entry; their dates stay as they are."""
        for feed_id, position in self._present(entry_id).items():
            if not self._is_archived(feed_id, position):
                self._mark_changed(feed_id, None)

    def withdraw(self, entry_id: int, when: datetime) -> None:
        query = sa.select(feed_position.c.feed_id, feed_position.c.position).where(
            feed_position.c.entry_id == entry_id, feed_position.c.state != "withdrawn"
        )
        for feed_id, position in self._connection.execute(query).all():
            row = sa.update(feed_position).where(_at(feed_id, position))
            self._connection.execute(row.values(state="withdrawn"))
            self._mark_changed(feed_id, when)
            if self._is_archived(feed_id, position):
                self._mark_archive(feed_id, position)

    def flush(self) -> None:
        """Store the added positions in one statement, since the first run adds very many."""
        if self._added:
            self._connection.execute(sa.insert(feed_position), self._added)
            self._added.clear()
        for feed_id in sorted(self._unsorted):
            self._sort_open(feed_id)
        self._unsorted.clear()

    def mark_due(self) -> None:
        if not self._due:
            return
        at = sa.bindparam("at", type_=UTCDateTime())
        later = sa.func.coalesce(greatest(feed.c.updated_at, at), at, feed.c.updated_at)
        here = feed.c.id == sa.bindparam("number")
        self._connection.execute(
            sa.update(feed).where(here).values(due=True, updated_at=later),
            [{"number": number, "at": moment} for number, moment in self._due.items()],
        )
        self._due.clear()

    def _sort_open(self, feed_id: int) -> None:
        table = feed_position.c
        here = (table.feed_id == feed_id) & (table.position > self._last_archived(feed_id))
        query = sa.select(table.position, table.entry_id, table.state).where(here)
        rows = self._connection.execute(query.order_by(table.entry_id, table.position)).all()
        self._connection.execute(sa.delete(feed_position).where(here))
        self._connection.execute(
            sa.insert(feed_position),
            [
                {**row._mapping, "feed_id": feed_id, "position": at}  # noqa: SLF001  # its public name
                for at, row in zip(sorted(row.position for row in rows), rows, strict=True)
            ],
        )

    def _last_archived(self, feed_id: int) -> int:
        if feed_id not in self._archived:
            self._archived[feed_id] = newest_archive(self._connection, feed_id).last
        return self._archived[feed_id]

    def _is_archived(self, feed_id: int, position: int) -> bool:
        return position <= self._last_archived(feed_id)

    def _present(self, entry_id: int) -> dict[int, int]:
        query = sa.select(feed_position.c.feed_id, feed_position.c.position).where(
            feed_position.c.entry_id == entry_id, feed_position.c.state == "present"
        )
        return dict(self._connection.execute(query).all())

    def _append(self, feed_id: int, entry_id: int, updated: datetime) -> None:
        if feed_id not in self._last:
            query = sa.select(feed_position.c.position, feed_position.c.entry_id)
            query = query.where(feed_position.c.feed_id == feed_id)
            query = query.order_by(feed_position.c.position.desc()).limit(1)
            row = self._connection.execute(query).one_or_none()
            self._last[feed_id] = (row.position, row.entry_id) if row else (0, 0)
        position, newest = self._last[feed_id]
        if entry_id < newest:
            self._unsorted.add(feed_id)
        self._last[feed_id] = position + 1, max(newest, entry_id)
        values = {"feed_id": feed_id, "position": position + 1, "entry_id": entry_id}
        self._added.append(values | {"state": "present"})
        self._mark_changed(feed_id, updated)

    def _mark_archive(self, feed_id: int, position: int) -> None:
        here = (
            (feed_archive.c.feed_id == feed_id)
            & (feed_archive.c.first <= position)
            & (feed_archive.c.last >= position)
        )
        self._connection.execute(sa.update(feed_archive).where(here).values(due=True))

    def _mark_changed(self, feed_id: int, at: datetime | None) -> None:
        moments = [one for one in (self._due.get(feed_id), at) if one is not None]
        self._due[feed_id] = max(moments, default=None)


def _at(feed_id: int, position: int) -> sa.ColumnElement[bool]:
    return (feed_position.c.feed_id == feed_id) & (feed_position.c.position == position)


ARTICLES_PER_TRANSACTION = 200  # a killed process loses at most this much work


def record_changes(
    database: Database,
    publication: Publication,
    now: datetime,
    report: Report = unreported,
    progress: Callable[[int, int], object] = lambda _done, _of: None,
) -> int:
    """Record all changes of articles; return how many had any. What fails is reported, and tried again in the next cycle."""

    def record(some: Sequence[int]) -> None:
        with database.writing() as connection:
            _ChangeRecorder(connection, publication, now).record(some)

    with database.reading() as connection:
        ids = _changed_articles(connection, now)
    for number, portion in enumerate(chunks(ids, ARTICLES_PER_TRANSACTION)):
        progress(number * ARTICLES_PER_TRANSACTION, len(ids))
        try:
            record(portion)
        except Exception as error:
            if stops_all(error):
                raise
            for one in portion:
                with isolated(f"article {one} in feeds", report):
                    record([one])
    return len(ids)


def mark_all_articles_changed(connection: sa.Connection) -> None:
    """Have every article examined again, as when the publication's languages change."""
    connection.execute(sa.update(article).values(feed_hash=None))


def _changed_articles(connection: sa.Connection, now: datetime) -> list[int]:
    """Return the articles to examine, not embargoed ones, in the order of publication: discovery may have taken several attempts."""
    embargoed = sa.and_(article.c.status == ArticleStatus.READY, article.c.available_at > now)
    known = sa.exists().where(
        feed_entry.c.article_id == article.c.id, feed_entry.c.withdrawn_at.is_(None)
    )
    query = (
        sa.select(article.c.id)
        .join(story)
        .where(article.c.feed_hash.is_(None), sa.or_(~embargoed, known))
        .order_by(article.c.published_at, story.c.key, article.c.language)
    )
    return list(connection.execute(query).scalars())


class _ChangeRecorder:
    """Record one portion of articles, in one transaction."""

    def __init__(
        self, connection: sa.Connection, publication: Publication, now: datetime
    ) -> None:
        self._connection = connection
        self._publication = publication
        self._now = now
        self._index = FeedIndex(connection, publication)
        self._positions = FeedPositions(connection)
        self._appeared: list[Article] = []
        self._recorded: list[Article] = []

    def record(self, ids: Sequence[int]) -> None:
        articles = articles_by_id(self._connection, ids, with_texts=False)
        known: dict[int, list[sa.Row[Any]]] = {}
        rows = self._connection.execute(
            sa.select(feed_entry).where(feed_entry.c.article_id.in_(ids))
        )
        for row in rows:
            known.setdefault(row.article_id, []).append(row)
        for article_id in ids:
            self._record_article(articles[article_id], known.get(article_id, []))
        self._positions.flush()
        self._refresh_siblings()
        self._positions.mark_due()
        self._mark_recorded()
        queue_events(self._connection, *map(self._published, self._appeared))

    def _published(self, one: Article) -> Event:
        data = {
            "story": one.story_key,
            "language": one.language,
            "title": one.title,
            "url": article_url(self._publication, one),
        }
        return Event(EventType.ARTICLE_PUBLISHED, data, self._now)

    def _record_article(self, one: Article, known: Sequence[sa.Row[Any]]) -> None:
        ready = one.status == ArticleStatus.READY
        live = any(row.language == one.language and row.withdrawn_at is None for row in known)
        # An article that is out stays visible if the clock is set back.
        since = one.published_at if live else one.available_at
        visible = ready and since <= self._now
        served = one.language in self._publication.languages
        own = None
        for row in known:
            if row.language == one.language and visible and served:
                own = row
            elif row.withdrawn_at is None:  # withdrawn, hidden, or now in another language
                self._withdraw(row)
        if visible and served:
            self._show(one, own)
            if own is None or own.withdrawn_at is not None:
                self._appeared.append(one)
        if visible or not ready:
            self._recorded.append(one)

    def _refresh_siblings(self) -> None:
        """Write what links to a new article as its translation again: at the end of an embargo nothing else marks it."""
        stories = {one.story_id for one in self._appeared}
        unmarked = article.c.story_id.in_(stories) & article.c.feed_hash.is_not(None)
        siblings = sa.select(feed_entry.c.id).join(article).where(unmarked)
        for entry_id in self._connection.execute(siblings).scalars().all():
            self._positions.rewrite(entry_id)
        self._connection.execute(sa.update(article).where(unmarked).values(page_hash=None))

    def _mark_recorded(self) -> None:
        if self._recorded:
            here = article.c.id == sa.bindparam("number")
            self._connection.execute(
                sa.update(article).where(here).values(feed_hash=sa.bindparam("hash")),
                [{"number": one.id, "hash": one.content_hash} for one in self._recorded],
            )

    def _withdraw(self, row: sa.Row[Any]) -> None:
        # A tombstone counts only if it is later than its entry (RFC 6721 section 4), also than the one
        # that says that the article was withdrawn, which is itself later than the article's.
        when = max(self._now, datetime.fromtimestamp(row.updated + 2, UTC))
        here = feed_entry.c.id == row.id
        self._connection.execute(sa.update(feed_entry).where(here).values(withdrawn_at=when))
        self._positions.withdraw(row.id, when)

    def _show(self, one: Article, row: sa.Row[Any] | None) -> None:
        fingerprint = content_hash(
            {"content": one.content_hash, "published": one.published_at.isoformat()}
        )
        revised = (
            row is not None and row.withdrawn_at is None and row.fingerprint != fingerprint
        )
        entry_id, second = self._store_entry(one, row, fingerprint)
        subjects = subjects_of(one, self._publication)
        wanted = [self._index.find_or_create(subject) for subject in subjects]
        wanted += [former for one in subjects for former in self._index.find_former(one)]
        if row is None or revised:
            for subject in subjects:
                self._index.set_affiliation(subject)
        updated = datetime.fromtimestamp(second, UTC)
        if row is None:
            self._positions.add(entry_id, wanted, updated)
        else:
            self._positions.reconcile(entry_id, wanted, updated, revised=revised)

    def _store_entry(
        self, one: Article, row: sa.Row[Any] | None, fingerprint: str
    ) -> tuple[int, int]:
        """Insert or update an article's entry; return its id and the second of its change."""
        changed = round(one.updated_at.timestamp())
        if row is None:
            values = {
                "article_id": one.id,
                "language": one.language,
                "tag": new_entry_tag(
                    self._connection, self._publication, one.slug, one.language
                ),
                "updated": changed,
                "fingerprint": fingerprint,
            }
            new = sa.insert(feed_entry).values(values).returning(feed_entry.c.id)
            return int(self._connection.execute(new).scalar_one()), changed
        if row.withdrawn_at is None and row.fingerprint == fingerprint:
            return int(row.id), int(row.updated)
        # Later than ever before, also than the moment of withdrawal.
        withdrawn = 0 if row.withdrawn_at is None else round(row.withdrawn_at.timestamp())
        second = max(changed, max(row.updated, withdrawn) + 1)
        values = {"updated": second, "fingerprint": fingerprint, "withdrawn_at": None}
        self._connection.execute(
            sa.update(feed_entry).where(feed_entry.c.id == row.id).values(values)
        )
        return int(row.id), second
