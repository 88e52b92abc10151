"""What is on record of translations: who promised or makes one, and from which words each was made.

Claims are made and ended by people. The words are noted when articles are picked up: a translation counts as made
from the words that its original has when the translation comes or changes. It is stale while the original has
other words than these, unless somebody dismissed it. Of a translation that was there before this was noted,
nothing is known until its original changes.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, func, select, update

from publisher.articles.model import ArticleStatus, Origin
from publisher.articles.tables import article, story
from publisher.database.dialect.sql import upsert, upsert_by_key
from publisher.database.engine import chunks
from publisher.translations.model import ClaimState, TranslationClaim, Words, words_of
from publisher.translations.tables import former_words, translation_claim, translation_source
from publisher.webhooks.events import EventType
from publisher.webhooks.store import Event, queue_events


def claims_of(
    connection: Connection, stories: Sequence[int]
) -> dict[tuple[int, str], TranslationClaim]:
    query = select(translation_claim)
    return {
        (claim.story_id, claim.language): claim
        for some in chunks(stories)
        for claim in _claims(connection, query.where(translation_claim.c.story_id.in_(some)))
    }


def active_claims(
    connection: Connection, language: str, now: datetime
) -> list[TranslationClaim]:
    """Return the claims of a language of those who are at work, or will be."""
    query = select(translation_claim).where(
        translation_claim.c.language == language,
        translation_claim.c.state != ClaimState.GIVEN_UP,
    )
    found = _claims(connection, query.order_by(translation_claim.c.story_id))
    return [claim for claim in found if claim.is_active(now)]


def claims_by(connection: Connection, person: str) -> dict[str, list[datetime | None]]:
    """Return by language until when each translation is promised that somebody has claimed, None if no time was stated."""
    table = translation_claim
    query = (
        select(table.c.language, table.c.until)
        .where(table.c.by == person, table.c.state != ClaimState.GIVEN_UP)
        .order_by(table.c.language)
    )
    found: dict[str, list[datetime | None]] = {}
    for row in connection.execute(query):
        found.setdefault(row.language, []).append(row.until)
    return found


def count_expired(connection: Connection, now: datetime) -> dict[str, int]:
    """Count the promises whose time is over, by language, if there are any."""
    query: Select[str, int] = (
        select(translation_claim.c.language, func.count())
        .where(
            translation_claim.c.state != ClaimState.GIVEN_UP, translation_claim.c.until <= now
        )
        .group_by(translation_claim.c.language)
        .order_by(translation_claim.c.language)
    )
    return dict(connection.execute(query).all())


def store_claim(connection: Connection, claim: TranslationClaim) -> None:
    connection.execute(upsert_by_key(connection, translation_claim), asdict(claim))


def end_claim(connection: Connection, story_id: int, language: str) -> None:
    here = translation_claim.c.story_id == story_id
    connection.execute(
        delete(translation_claim).where(here, translation_claim.c.language == language)
    )


def _claims(connection: Connection, query: Select[Any]) -> Iterator[TranslationClaim]:
    for row in connection.execute(query).mappings():
        yield TranslationClaim(**{**row, "state": ClaimState(row["state"])})


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
Before = Mapping[int, Words | None]  # what an article was; None for one that is new


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
            group
            for _, versions in groupby(rows, attrgetter("story_id"))
            if len(group := [*versions]) > 1
        ]
        if not found:
            continue
        originals = {one.id: one for one in map(_original, found) if one is not None}
        words = current_words(connection, [*originals])
        changes = _Changes(before, now)
        for versions in found:
            original = _original(versions)
            if original is not None:
                changes.add_story(versions, original, words[original.id])
        changes.store(connection, claims_of(connection, some))


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


def _original(versions: Sequence[Row[Any]]) -> Row[Any] | None:
    return next((one for one in versions if one.origin == Origin.ORIGINAL), None)


@dataclass(slots=True)
class _Changes:
    """What is to be noted of some stories: rows of translations, and words that may be needed."""

    before: Before
    now: datetime
    made: list[dict[str, Any]] = field(default_factory=list)
    changed: list[dict[str, Any]] = field(default_factory=list)
    # Articles that are originals now, and have been translations.
    originals: list[int] = field(default_factory=list)
    # Stories and languages of translations that came or changed.
    came: list[tuple[int, str]] = field(default_factory=list)
    # Stories and languages of translations whose originals changed.
    stale: list[tuple[int, str]] = field(default_factory=list)
    words: list[Words | str] = field(default_factory=list)

    def add_story(self, versions: Sequence[Row[Any]], original: Row[Any], words: Words) -> None:
        old = self.before.get(original.id)
        is_changed = old is not None and old.hash != words.hash
        if original.words_hash is not None:
            self.originals.append(original.id)
        for one in versions:
            if one.id == original.id or one.status == ArticleStatus.UNTRANSLATED:
                continue
            if one.id in self.before:
                self.came.append((one.story_id, one.language))
            if one.id in self.before or self._is_made_anew(one, original):
                self._add_made(one.id, original.id, words.hash, self.now)
            elif is_changed and old is not None:
                if one.original_id is None:
                    self._add_made(one.id, original.id, old.hash, None)
                self.changed.append({"article": one.id, "at": self.now})
                self.stale.append((one.story_id, one.language))
        self.words += {one.words_hash for one in versions if one.words_hash}
        self.words += [old] if old is not None else []

    def _queue_events(self, connection: Connection) -> None:
        numbers = {number for number, _language in self.stale}
        rows = connection.execute(
            select(story.c.id, story.c.key).where(story.c.id.in_(numbers))
        )
        keys = {row.id: row.key for row in rows}
        events = [
            Event(
                EventType.TRANSLATION_STALE,
                {"story": keys[number], "language": language},
                self.now,
            )
            for number, language in self.stale
        ]
        queue_events(connection, *events)

    def _is_made_anew(self, one: Row[Any], original: Row[Any]) -> bool:
        """Return whether a translation counts as made from what the original says now.

        What came in the same pick-up was made from the original that came with it.
        """
        is_other = one.original_id not in {None, original.id}
        return is_other or (one.made_at is not None and one.made_at == self.now)

    def _add_made(
        self, article_id: int, original_id: int, words_hash: str, made_at: datetime | None
    ) -> None:
        self.made.append(
            {
                "article_id": article_id,
                "original_id": original_id,
                "words_hash": words_hash,
                "made_at": made_at,
                "original_changed_at": None,
                "dismissed_hash": None,
            }
        )

    def store(self, connection: Connection, claims: Collection[tuple[int, str]]) -> None:
        """Store all of it, and end the claims on translations that came."""
        for number in self.originals:
            of_original = translation_source.c.article_id == number
            connection.execute(delete(translation_source).where(of_original))
        if self.made:
            connection.execute(upsert_by_key(connection, translation_source), self.made)
        if self.changed:
            connection.execute(_CHANGED, self.changed)
            self._queue_events(connection)
        for story_id, language in self.came:
            if (story_id, language) in claims:
                end_claim(connection, story_id, language)
        _keep(connection, self.words)


def _keep(connection: Connection, words: Iterable[Words | str]) -> None:
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
            row = upsert(connection, former_words).values(hash=number, **asdict(one))
            connection.execute(row.on_conflict_do_nothing(index_elements=["hash"]))
