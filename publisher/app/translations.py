"""Translations as they stand: which story has which language, what is outdated, and how late they come."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from publisher.app.editing_state import EditingState, Permission
from publisher.articles.store import articles_by_id
from publisher.errors import TranslationError
from publisher.messages import message
from publisher.translations import staleness
from publisher.translations.listing import (
    StoryFilter,
    StoryLine,
    read_stories,
    stories_by_id,
)
from publisher.translations.lookup import offered_languages, require_story, source_of_stale
from publisher.translations.model import Cell, CellState
from publisher.translations.statistics import ServedShare, TranslationStatistics, statistics_of
from publisher.translations.words import ChangedParagraph, changes_between
from publisher.urls import article_url

if TYPE_CHECKING:
    from publisher.accounts.actor import Actor

# What callers import, with the values of other packages that they get.
__all__ = [
    "DAYS_LISTED",
    "Cell",
    "CellState",
    "ChangedParagraph",
    "ServedShare",
    "StoryLine",
    "TranslationDetails",
    "TranslationPage",
    "TranslationStatistics",
    "list_translations",
    "original_changes",
    "read_statistics",
    "read_translation",
]

# How far back stories are listed, if it is not said.
DAYS_LISTED = 60
STORIES_LISTED = 50
# Nobody plans a translation further ahead; a wrong year is found by it.
_FURTHEST_AHEAD = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class TranslationPage:
    """Stories by languages, the newest first. `next_cursor` leads to further ones, None for none."""

    languages: tuple[str, ...]
    stories: tuple[StoryLine, ...]
    next_cursor: str | None


def list_translations(  # noqa: PLR0913  # what can be asked for
    state: EditingState,
    actor: Actor,
    *,
    language: str | None = None,
    states: Collection[CellState] = (),
    days: int = DAYS_LISTED,
    cursor: str | None = None,
    limit: int = STORIES_LISTED,
) -> TranslationPage:
    """Return stories whose originals were published within some days, with the state in each language.

    With a `language`, of that one only. With `states`, those that are in one of them in a language.
    Raise TranslationError for a language that the publication does not have, or a wrong cursor.
    """
    actor.require(Permission.VIEW)
    now = state.clock.now()
    languages = offered_languages(state.settings, language)
    before = _place(cursor) if cursor else None
    wanted = StoryFilter(
        languages=languages, states=states, since=now - timedelta(days=days), before=before
    )
    with state.database.reading() as connection:
        found = list(islice(read_stories(connection, wanted, now), limit + 1))
    shown = found[:limit]
    more = _cursor(shown[-1]) if len(found) > limit else None
    return TranslationPage(languages, tuple(shown), more)


@dataclass(frozen=True, slots=True)
class TranslationDetails:
    """A story in a language. `changes` are those of the original since; empty if none are known."""

    story: StoryLine
    cell: Cell
    original_url: str
    changes: tuple[ChangedParagraph, ...] = ()


def read_translation(
    state: EditingState, actor: Actor, number: int, language: str
) -> TranslationDetails:
    """Return a story, by its number, in a language; raise TranslationError if there is none."""
    actor.require(Permission.VIEW)
    languages = offered_languages(state.settings, language)
    with state.database.reading() as connection:
        found = stories_by_id(connection, [number], languages, state.clock.now())
        line = next(found, None)
        if line is None:
            raise TranslationError(
                message("%(number)s: no story has this number and an original", number=number)
            )
        original = articles_by_id(connection, [line.original_id])[line.original_id]
    cell = line.cells[0]
    changes: tuple[ChangedParagraph, ...] = ()
    if cell.changed_at is not None:
        changes = tuple(original_changes(state, actor, line.key, language))
    url = article_url(state.settings.publication, original)
    return TranslationDetails(line, cell, url, changes)


def original_changes(
    state: EditingState, actor: Actor, key: str, language: str
) -> list[ChangedParagraph]:
    """Return what changed in an original since it was translated, paragraph by paragraph.

    Raise TranslationError if the translation is not stale, or if the words of before are not known.
    """
    actor.require(Permission.VIEW)
    with state.database.reading() as connection:
        line, cell = require_story(
            *(connection, state.settings, key, language, state.clock.now())
        )
        made_from = source_of_stale(connection, line, cell)
        old = staleness.words_by_hash(connection, made_from)
        new = staleness.current_words(connection, [line.original_id])[line.original_id]
    if old is None:
        raise TranslationError(
            message(
                "%(key)s in %(language)s: what its original said before is not kept",
                key=key,
                language=language,
            )
        )
    return changes_between(old, new)


def read_statistics(
    state: EditingState, actor: Actor, *, days: int = DAYS_LISTED
) -> TranslationStatistics:
    """Return how late translations came of originals of some days, and who is served in which language."""
    actor.require(Permission.VIEW)
    now = state.clock.now()
    languages = tuple(state.settings.publication.languages)
    with state.database.reading() as connection:
        return statistics_of(connection, languages, now - timedelta(days=days), now)


def _cursor(line: StoryLine) -> str:
    return f"{line.published_at:%Y%m%dT%H%M%SZ}-{line.original_id}"


def _place(cursor: str) -> tuple[datetime, int]:
    instant, _, number = cursor.partition("-")
    try:
        return datetime.fromisoformat(instant), int(number)
    except ValueError:
        raise TranslationError(
            message("%(cursor)s: is no place in the list", cursor=repr(cursor))
        ) from None
