"""Store parsed articles or quarantine items, in the caller's transaction: which article an item is, and what is new."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from itertools import count
from typing import Any, Literal

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from publisher import web_files
from publisher.article_links import mark_related_pages_due
from publisher.articles.content.internal_links import with_links_apart
from publisher.articles.content.text import make_excerpt
from publisher.articles.model import ArticleStatus, Mailing, Origin, ParsedArticle
from publisher.articles.store import content_hash, publication_time
from publisher.articles.tables import NEEDS_PUBLISHING, SHOWN_BY_TRANSLATIONS, article, story
from publisher.config import Settings
from publisher.i18n.messages import message
from publisher.ingest.links import link_store
from publisher.ingest.pickup import script_conversion, source_items, story_keys
from publisher.ingest.pickup.source_items import ArchiveRule, ItemId, ItemResult
from publisher.ingest.tables import source_item
from publisher.issues.store import is_former_story
from publisher.log import log
from publisher.translations.model import Words, words_of
from publisher.translations.records import note_changes
from publisher.urls import story_slug

# Built once: to build a statement and its key in SQLAlchemy's cache takes three times as long as to run it.
_ITEM = select(source_item).where(
    source_item.c.source == bindparam("source"), source_item.c.key == bindparam("key")
)
_HOLDERS = (
    select(source_item)
    .join(article, article.c.id == source_item.c.article_id)
    .join(story, story.c.id == article.c.story_id)
    .where(story.c.key == bindparam("key"), article.c.language == bindparam("language"))
    .order_by(source_item.c.key)
)
_STORY = select(story.c.id).where(story.c.key == bindparam("key"))
_SLUG = select(story.c.id).where(story.c.slug == bindparam("slug"))
_NEW_STORY = insert(story).returning(story.c.id)
_ARTICLE = select(article).where(article.c.id == bindparam("number"))
_ARTICLE_OF_STORY = select(article.c.id).where(
    article.c.story_id == bindparam("story"), article.c.language == bindparam("language")
)
_KNOWN_SINCE = select(func.min(article.c.available_at)).where(
    article.c.story_id == bindparam("story")
)
_NEW_ARTICLE = insert(article).returning(article.c.id)

UpsertOutcome = Literal["new", "changed", "moved", "unchanged", "conflict"]


def upsert_articles(  # noqa: PLR0913  # what one pick-up knows
    connection: Connection,
    settings: Settings,
    source: str,
    readings: Sequence[ItemResult],
    gone: Collection[ItemId],
    now: datetime,
    *,
    archive: ArchiveRule,
) -> list[UpsertOutcome]:
    """Store the results of items of one source, and return for each what changed.

    `gone` are withdrawn items of any source. An item in conflict is quarantined because another one has its
    story and language; that may change. `archive` says which new articles are no news.
    """
    languages = settings.publication.languages
    upserter = _Upserter(connection, source, gone, languages, now, archive)
    outcomes = [upserter.store(reading) for reading in readings]
    touched = upserter.touched
    unseen = touched - upserter.shown_otherwise
    story_keys.update_variants(connection, touched, languages, now, only_texts=unseen)
    note_changes(connection, touched, upserter.words_before, now)
    script_conversion.mark_for_conversion(connection, touched)
    mark_related_pages_due(connection, upserter.retitled, settings.folders.public)
    if readings:
        link_store.mark_links_due(connection)
    return outcomes


def article_row(connection: Connection, number: int) -> Row[Any] | None:
    return connection.execute(_ARTICLE, {"number": number}).one_or_none()


def story_holders(connection: Connection, story_key: str, language: str) -> Sequence[Row[Any]]:
    """Return the items from which a story's article in this language comes, or came."""
    return connection.execute(_HOLDERS, {"key": story_key, "language": language}).all()


def taken_story(reading: ItemResult, key: str) -> str:
    """Return why an item can't be an article: the item `key` has its story in its language."""
    return message(
        "story %(story_key)s has its %(language)s article in %(key)s already; give one of them a key of its own",
        story_key=repr(reading.story_key),
        language=reading.language,
        key=key,
    )


def article_columns(reading: ItemResult, row: Row[Any] | None, now: datetime) -> dict[str, Any]:
    """Return what is stored of an article that a document states. `row` is the article as it was."""
    # A document without a date has the day on which it was first seen.
    first_seen = min(row.published_at, now) if row else now
    published = publication_time(reading.parsed.published or first_seen, reading.zone)
    content = content_columns(reading.parsed, reading.language, published.day)
    return content | {
        "language": reading.language,
        "declared": reading.parsed.status,
        "published_at": published.at,
    }


def is_same_article(row: Row[Any], columns: dict[str, Any]) -> bool:
    """Return whether an article says the same as before, in whatever story."""
    names = ("content_hash", "declared", "language", "published_at")
    same = all(getattr(row, name) == columns[name] for name in names)
    return same and row.status != ArticleStatus.WITHDRAWN and row.origin != Origin.CONVERTED


@dataclass(slots=True)
class _Upserter:
    """Stores the results of one source in one transaction."""

    connection: Connection
    source: str
    gone: Collection[ItemId]
    languages: Sequence[str]
    now: datetime
    archive: ArchiveRule
    touched: set[int] = field(default_factory=set)  # the stories with a changed article
    # Those of them whose other languages may show something else.
    shown_otherwise: set[int] = field(default_factory=set)
    # Articles that are recommended by an old title, or for what they are no longer about.
    retitled: list[Row[Any]] = field(default_factory=list)
    # What articles said whose words changed; None for new ones.
    words_before: dict[int, Words | None] = field(default_factory=dict)

    def _first(self, statement: Any, **values: Any) -> Any:
        return self.connection.execute(statement, values).scalars().first()

    def store(self, reading: ItemResult) -> UpsertOutcome:
        place = {"source": self.source, "key": reading.item.key}
        before = self.connection.execute(_ITEM, place).one_or_none()
        if not reading.has_article:
            return self._store_without_article(reading, before)
        reading = self._beside_siblings(reading)
        holders = story_holders(self.connection, reading.story_key, reading.language)
        rival = next((holder for holder in holders if self._rivals(holder, reading)), None)
        if rival is not None and reading.other_key:
            return self.store(replace(reading, story_key=reading.other_key, other_key=""))
        if rival is not None:
            reason = taken_story(reading, rival.key)
            # The item does not change when its place becomes free, so it must be read again.
            unsigned = replace(reading, item=replace(reading.item, signature=""))
            self._quarantine(unsigned, before, reason)
            return "conflict"
        return self._store_article(reading, before, holders[0].article_id if holders else None)

    def _beside_siblings(self, reading: ItemResult) -> ItemResult:
        """Return a result in the story of an item of the same name, if its own story is not there."""
        if not reading.siblings or self._first(_STORY, key=reading.story_key):
            return reading
        query = (
            select(story.c.key)
            .join(article, article.c.story_id == story.c.id)
            .join(source_item, source_item.c.article_id == article.c.id)
            .where(source_item.c.source == self.source)
            .where(source_item.c.key.in_(reading.siblings))
            .order_by(source_item.c.key)
        )
        for (key,) in self.connection.execute(query).all():
            joined = replace(reading, story_key=key)
            holders = story_holders(self.connection, key, reading.language)
            if not any(self._rivals(holder, joined) for holder in holders):
                return joined
        return reading

    def _store_without_article(
        self, reading: ItemResult, before: Row[Any] | None
    ) -> UpsertOutcome:
        if reading.reason:
            self._quarantine(reading, before, reading.reason)
            return "unchanged"
        source_items.save_item(self.connection, self.source, reading, None)
        if before is None or before.article_id is None:
            return "unchanged"
        self._withdraw(before.article_id)
        return "changed"

    def _quarantine(self, reading: ItemResult, before: Row[Any] | None, reason: str) -> None:
        """Store the reason; an earlier article of the item stays published."""
        if before is None or before.reason != reason:
            log.warning("quarantined", file=reading.item.key, reason=reason)
        article_id = before.article_id if before else None
        source_items.save_item(self.connection, self.source, reading, article_id, reason=reason)

    def _store_article(
        self, reading: ItemResult, before: Row[Any] | None, inherited: int | None
    ) -> UpsertOutcome:
        moved_from = self._moved_from(reading) if before is None else None
        own = before.article_id if before else None
        old_id = own or inherited or moved_from
        story_id = self._renamed_story(reading, moved_from) or self._story(reading)
        taken = self._first(_ARTICLE_OF_STORY, story=story_id, language=reading.language)
        was_held = before is not None and before.reason is not None
        number, kind = self._write(reading, story_id, taken or old_id, was_held=was_held)
        source_items.save_item(self.connection, self.source, reading, number)
        article_of = (self.connection, number, reading.parsed)
        site_url, is_new_text = reading.site_url, kind != "unchanged"
        link_store.save_links(*article_of, site_url, is_new_text=is_new_text)
        link_store.save_addresses(*article_of, site_url)
        link_store.save_linked_files(*article_of)
        for media in reading.parsed.media:
            if media.target.endswith(web_files.NARROWED):
                web_files.queue_picture(self.connection, media.target)
        if old_id is not None and number != old_id:
            self._withdraw(old_id)  # the item now stands for another article
            return "changed"
        if moved_from and kind == "unchanged":
            return "moved"
        return kind

    def _write(
        self, reading: ItemResult, story_id: int, number: int | None, *, was_held: bool
    ) -> tuple[int, UpsertOutcome]:
        row = article_row(self.connection, number) if number else None
        columns = article_columns(reading, row, self.now) | {"story_id": story_id}
        if row is None or row.origin == Origin.CONVERTED:
            is_former = is_former_story(self.connection, story_id, reading.language)
            mailing = self.archive.mailing_of(columns["published_at"], was_held=was_held)
            columns["mailing"] = Mailing.ARCHIVE if is_former or reading.is_archive else mailing
        kind: UpsertOutcome
        if row is None:
            number, kind = self._insert(reading, columns), "new"
        else:
            number, kind = row.id, self._update(reading, row, columns)
        if kind != "unchanged":
            self._note_words(number, row, columns)
            both = {story_id, row.story_id if row else story_id}
            self.touched |= both
            if row is None or self._is_shown_otherwise(row):
                self.shown_otherwise |= both
        return number, kind

    def _note_words(self, number: int, row: Row[Any] | None, columns: dict[str, Any]) -> None:
        """Keep what an article said before, if it says something else now."""
        # A conversion that a person's translation replaces is no earlier state of it.
        before = None if row is None or row.origin == Origin.CONVERTED else words_of(row)
        names = ("title", "summary", "text")
        if before is None or any(getattr(before, n) != columns[n] for n in names):
            self.words_before.setdefault(number, before)

    def _is_shown_otherwise(self, before: Row[Any]) -> bool:
        """Return whether an article changed so that other languages of its story show it."""
        after = article_row(self.connection, before.id)
        return any(getattr(before, n) != getattr(after, n) for n in SHOWN_BY_TRANSLATIONS)

    def _insert(self, reading: ItemResult, columns: dict[str, Any]) -> int:
        published = columns["published_at"]
        available = max(self.now, published)
        since = self._first(_KNOWN_SINCE, story=columns["story_id"])
        # In feeds it is an update only if the story existed before.
        updated = self.now if since is not None and since < self.now else published
        if stated := self._stated_update(reading):
            updated = min(stated, available)
        values = columns | {
            "origin": Origin.ORIGINAL,
            "status": columns["declared"],
            "available_at": available,
            "updated_at": max(published, updated),
        }
        return int(self._first(_NEW_ARTICLE, **values))

    def _update(
        self, reading: ItemResult, row: Row[Any], columns: dict[str, Any]
    ) -> UpsertOutcome:
        if row.story_id == columns["story_id"] and is_same_article(row, columns):
            return "unchanged"
        values = columns | {**NEEDS_PUBLISHING, "converted_from": None}
        values["available_at"] = self._available(row, columns)
        values["updated_at"] = max(row.updated_at, columns["published_at"])
        shown = ("title", "topics", "section")
        if any(getattr(row, name) != columns[name] for name in shown):
            self.retitled.append(row)
        if row.status == ArticleStatus.WITHDRAWN:
            values["status"] = columns["declared"]
        if row.origin == Origin.CONVERTED:
            values["origin"] = Origin.TRANSLATION
        seen = ("content_hash", "published_at")
        if any(getattr(row, name) != columns[name] for name in seen):
            values["updated_at"] = self._updated(reading, row, columns["published_at"])
        self.connection.execute(update(article).where(article.c.id == row.id).values(values))
        return "changed"

    def _available(self, row: Row[Any], columns: dict[str, Any]) -> datetime:
        """Return from when the article is new; an embargo may move, but what was published stays so.

        It is new again if it replaces a conversion, returns after a withdrawal, or has another
        language. Editions never send a story twice in any case.
        """
        published: datetime = columns["published_at"]
        if published > self.now:
            return published
        is_back = row.status == ArticleStatus.WITHDRAWN or row.origin == Origin.CONVERTED
        is_news = is_back or row.language != columns["language"]
        return self.now if is_news else min(row.available_at, self.now)

    def _stated_update(self, reading: ItemResult) -> datetime | None:
        updated = reading.parsed.updated
        return publication_time(updated, reading.zone, self.now).at if updated else None

    def _updated(self, reading: ItemResult, row: Row[Any], published: datetime) -> datetime:
        """Return the document's own time of change if it is plausible, else now."""
        stated = self._stated_update(reading)
        credible = stated if stated and row.updated_at < stated <= self.now else self.now
        return max(credible, published)

    def _rivals(self, holder: Row[Any], reading: ItemResult) -> bool:
        place = (holder.source, holder.key)
        return place not in self.gone and place != (self.source, reading.item.key)

    def _moved_from(self, reading: ItemResult) -> int | None:
        """Return the article of a withdrawn item with the same content, None if there is none."""
        if not self.gone:
            return None
        same = select(source_item.c.article_id).where(source_item.c.sha256 == reading.sha256)
        query = select(source_item.c.source, source_item.c.key, source_item.c.article_id)
        query = query.where(source_item.c.article_id.in_(same))
        rows = self.connection.execute(query.order_by(source_item.c.key)).all()
        # A copy that was renamed at the same time may have its article already.
        kept = {row.article_id for row in rows if (row.source, row.key) not in self.gone}
        return next((row.article_id for row in rows if row.article_id not in kept), None)

    def _story(self, reading: ItemResult) -> int:
        key = reading.story_key
        known = self._first(_STORY, key=key)
        if known is None:
            name = reading.parsed.slug or key
            slugs = (story_slug(name, attempt) for attempt in count())
            free = next(slug for slug in slugs if self._first(_SLUG, slug=slug) is None)
            known = self._first(_NEW_STORY, key=key, slug=free)
        return int(known)

    def _renamed_story(self, reading: ItemResult, moved: int | None) -> int | None:
        """Give the story of a renamed file its new key; its slug, and so its URLs, stay."""
        row = article_row(self.connection, moved) if moved else None
        if row is None or self._first(_STORY, key=reading.story_key):
            return None
        taken = self._first(_ARTICLE_OF_STORY, story=row.story_id, language=reading.language)
        if taken not in {None, moved}:
            return None  # the story has an article in this language already
        here = story.c.id == row.story_id
        self.connection.execute(update(story).where(here).values(key=reading.story_key))
        return int(row.story_id)

    def _withdraw(self, number: int) -> None:
        self.touched |= story_keys.withdraw_articles(
            self.connection, [number], self.languages, self.now
        )


def content_columns(parsed: ParsedArticle, language: str, day: date) -> dict[str, Any]:
    """Return the visible columns of an article, and the hash over them."""
    columns: dict[str, Any] = {
        "title": parsed.title,
        "summary": parsed.summary or make_excerpt(parsed.text, language),
        "html": parsed.html,
        "text": parsed.text,
        "bylines": [asdict(byline) for byline in parsed.bylines],
        "translators": list(parsed.translators),
        "section": parsed.section,
        "topics": list(parsed.topics),
        "picture": parsed.picture.stored if parsed.picture else None,
        "url": parsed.url,
        "offered": list(parsed.offered),
        "attachments": [asdict(attachment) for attachment in parsed.attachments],
        "provenance": parsed.provenance,
        "translated_with": parsed.translated_with,
        "editor": parsed.editor,
        "canonical_url": parsed.canonical,
        "published_on": day,
    }
    return with_links_apart(columns | {"content_hash": content_hash(columns)})
