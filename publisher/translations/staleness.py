"""What each translation was made from, noted when articles are picked up.

A translation counts as made from the words that its original has when the translation comes or changes.
It is stale while the original has other words than these, unless somebody dismissed it. Of a
translation that was there before this was noted, nothing is known until its original changes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select, update

from publisher.articles.model import ArticleStatus, Origin
from publisher.articles.tables import article, story
from publisher.database.dialect.sql import upsert, upsert_by_key
from publisher.database.engine import chunks
from publisher.translations.claims import end_claim
from publisher.translations.tables import former_words, translation_source
from publisher.translations.words import Words, words_of
from publisher.webhooks.events import EventType
from publisher.webhooks.queue import Event, queue_events

_VERSIONS = (
    select(
        *article.c["id", "story_id", "language", "origin", "status"],
        *translation_source.c["original_id", "words_hash", "made_at"],
    )
    .outerjoin(translation_source, translation_source.c.article_id == article.c.id)
    .where(
        article.c.story_id.in_(bindparam("stories", expanding=True)),
        article.c.status != ArticleStatus.WITHDRAWN,
        article.c.origin != Origin.CONVERTED,
    )
    .order_by(article.c.story_id, article.c.id)
)
_WORDS = select(*article.c["id", "title", "summary", "text"]).where(
    article.c.id.in_(bindparam("ids", expanding=True))
)
_CHANGED = (
    update(translation_source)
    .where(translation_source.c.article_id == bindparam("article"))
    .values(original_changed_at=bindparam("at"))
)
# What an article was before: its words, or None for one that is new.
Before = Mapping[int, Words | None]


def note_changes(
    connection: Connection, stories: Collection[int], before: Before, now: datetime
) -> None:
    """Note what the translations of stories were made from, and which originals changed.

    `before` has the articles that came or whose words changed. A translation that comes or changes ends
    the claim on it.
    """
    for some in chunks(sorted(stories)):
        rows = connection.execute(_VERSIONS, {"stories": some}).all()
        found = [
            group for _, versions in groupby(rows, _story) if len(group := [*versions]) > 1
        ]
        originals = {one.id: one for one in map(_original, found) if one is not None}
        words = current_words(connection, [*originals])
        for versions in found:
            original = _original(versions)
            if original is not None:
                _note_story(connection, versions, original.id, words[original.id], before, now)


def current_words(connection: Connection, ids: Sequence[int]) -> dict[int, Words]:
    """Return the words of articles as they are stored now."""
    return {
        row.id: words_of(row)
        for some in chunks(ids)
        for row in connection.execute(_WORDS, {"ids": some})
    }


def words_by_hash(connection: Connection, words_hash: str) -> Words | None:
    """Return words that an original had, None if they are not kept."""
    row = connection.execute(
        select(former_words).where(former_words.c.hash == words_hash)
    ).one_or_none()
    return words_of(row) if row else None


def source_hash(connection: Connection, article_id: int) -> str:
    """Return the hash of the words that a translation was made from, which must be known."""
    here = translation_source.c.article_id == article_id
    query = select(translation_source.c.words_hash).where(here)
    return str(connection.execute(query).scalar_one())


def dismiss(connection: Connection, article_id: int, words_hash: str) -> None:
    """Let a translation count as up to date until its original has other words than these."""
    here = translation_source.c.article_id == article_id
    connection.execute(update(translation_source).where(here).values(dismissed_hash=words_hash))


def _story(row: Row[Any]) -> int:
    return int(row.story_id)


def _original(versions: Sequence[Row[Any]]) -> Row[Any] | None:
    return next((one for one in versions if one.origin == Origin.ORIGINAL), None)


def _note_story(  # a story, and what is known of it
    connection: Connection,
    versions: Sequence[Row[Any]],
    original_id: int,
    words: Words,
    before: Before,
    now: datetime,
) -> None:
    connection.execute(
        delete(translation_source).where(translation_source.c.article_id == original_id)
    )
    old = before.get(original_id)
    is_changed = old is not None and old.hash != words.hash
    for one in versions:
        if one.id == original_id or one.status == ArticleStatus.UNTRANSLATED:
            continue
        if one.id in before:
            end_claim(connection, one.story_id, one.language)
        is_other = one.original_id not in {None, original_id}
        # What came in the same pick-up was made from the original that came with it.
        if one.id in before or is_other or (one.made_at is not None and one.made_at == now):
            _store(connection, one.id, original_id, words.hash, made_at=now)
        elif is_changed and old is not None:
            if one.original_id is None:
                _store(connection, one.id, original_id, old.hash, made_at=None)
            connection.execute(_CHANGED, {"article": one.id, "at": now})
            queue_events(connection, _stale_event(connection, one, now))
    _keep(connection, _replaced(versions, old))


def _stale_event(connection: Connection, translation: Row[Any], now: datetime) -> Event:
    key = select(story.c.key).where(story.c.id == translation.story_id)
    data = {"story": connection.execute(key).scalar_one(), "language": translation.language}
    return Event(EventType.TRANSLATION_STALE, data, now)


def _replaced(versions: Sequence[Row[Any]], old: Words | None) -> Iterator[Words | str]:
    """Yield the words that may be needed from now on, and the hashes of those that may not be."""
    yield from {one.words_hash for one in versions if one.words_hash}
    if old is not None:
        yield old


def _store(
    connection: Connection,
    article_id: int,
    original_id: int,
    words_hash: str,
    *,
    made_at: datetime | None,
) -> None:
    values = {
        "article_id": article_id,
        "original_id": original_id,
        "words_hash": words_hash,
        "made_at": made_at,
        "original_changed_at": None,
        "dismissed_hash": None,
    }
    connection.execute(upsert_by_key(connection, translation_source), values)


def _keep(connection: Connection, words: Iterator[Words | str]) -> None:
    """Keep words from which a translation was made that is older than its original; drop others."""
    for one in words:
        number = one if isinstance(one, str) else one.hash
        here = translation_source.c.words_hash == number
        needed = select(translation_source.c.article_id).where(
            here, translation_source.c.original_changed_at.is_not(None)
        )
        if connection.execute(needed.limit(1)).first() is None:
            connection.execute(delete(former_words).where(former_words.c.hash == number))
        elif isinstance(one, Words):
            values = {"hash": number, "title": one.title, "summary": one.summary}
            row = upsert(connection, former_words).values(**values, text=one.text)
            connection.execute(row.on_conflict_do_nothing(index_elements=["hash"]))
