"""Translations: which story has which language, who translates what by when, and what is outdated.

A claim holds until the translation comes, its time is over, or it is released. Somebody else's can be
released by those who may edit issues in that language.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from publisher.app.editing_state import Change, EditingState, Permission
from publisher.errors import TranslationError
from publisher.translations import claims, staleness
from publisher.translations.listing import StoryFilter, StoryLine, find_story, read_stories
from publisher.translations.model import Cell, CellState, ClaimState, TranslationClaim
from publisher.translations.statistics import ServedShare, TranslationStatistics, statistics_of
from publisher.translations.words import ChangedParagraph, changes_between

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from publisher.accounts.actor import Actor
    from publisher.config import Settings

# What callers import, with the values of other packages that they get.
__all__ = [
    "Cell",
    "CellState",
    "ChangedParagraph",
    "ClaimState",
    "ServedShare",
    "StoryLine",
    "TranslationClaim",
    "TranslationPage",
    "TranslationStatistics",
    "claim_translation",
    "dismiss_staleness",
    "give_up_translation",
    "list_translations",
    "original_changes",
    "read_statistics",
    "release_translation",
    "start_translation",
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
    languages = _languages(state.settings, language)
    before = _place(cursor) if cursor else None
    wanted = StoryFilter(
        languages=languages, states=states, since=now - timedelta(days=days), before=before
    )
    with state.database.reading() as connection:
        found = list(islice(read_stories(connection, wanted, now), limit + 1))
    shown = found[:limit]
    more = _cursor(shown[-1]) if len(found) > limit else None
    return TranslationPage(languages, tuple(shown), more)


def original_changes(
    state: EditingState, actor: Actor, key: str, language: str
) -> list[ChangedParagraph]:
    """Return what changed in an original since it was translated, paragraph by paragraph.

    Raise TranslationError if the translation is not stale, or if the words of before are not known.
    """
    actor.require(Permission.VIEW)
    with state.database.reading() as connection:
        line, cell = _found(state, connection, key, language)
        made_from = _source_of_stale(connection, line, cell)
        old = staleness.words_by_hash(connection, made_from)
        new = staleness.current_words(connection, [line.original_id])[line.original_id]
    if old is None:
        raise TranslationError(
            f"{key} in {language}: what its original said before is not kept"
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


def claim_translation(
    state: EditingState, actor: Actor, key: str, language: str, until: date | datetime
) -> TranslationClaim:
    """Promise a translation by an instant, or by the end of a day in the publication's time zone.

    Raise TranslationError if it is there and up to date, or claimed by somebody else.
    """
    return _take(state, actor, ClaimState.PROMISED, key, language, until)


def start_translation(
    state: EditingState,
    actor: Actor,
    key: str,
    language: str,
    until: date | datetime | None = None,
) -> TranslationClaim:
    """Say that a translation is in work. Without `until`, an own promise of before stays."""
    return _take(state, actor, ClaimState.IN_WORK, key, language, until)


def give_up_translation(
    state: EditingState, actor: Actor, key: str, language: str, reason: str
) -> TranslationClaim:
    """Say that a story will not be translated into a language, and why."""
    if not reason.strip():
        raise TranslationError("say why the translation is given up")
    with _changing(state, actor, "give up translation", key, language) as (change, line, cell):
        _require_wanted(cell, key)
        _require_own(actor, cell, state.clock.now())
        change.details["reason"] = reason.strip()
        claim = _claim(state, actor, line, language, ClaimState.GIVEN_UP)
        claim = replace(claim, reason=reason.strip())
        claims.store_claim(change.connection, claim)
    return claim


def release_translation(state: EditingState, actor: Actor, key: str, language: str) -> None:
    """Remove what was said of a translation: the promise, that it is in work, or that it is given up."""
    with _changing(state, actor, "release translation", key, language) as (change, line, cell):
        if cell.claim is None:
            raise TranslationError(f"{key} in {language}: nobody has claimed it")
        _require_own(actor, cell, state.clock.now())
        change.details["was"] = f"{cell.claim.state} by {cell.claim.by}"
        claims.end_claim(change.connection, line.story_id, language)


def dismiss_staleness(state: EditingState, actor: Actor, key: str, language: str) -> None:
    """Let a translation count as up to date until its original changes again."""
    with _changing(state, actor, "dismiss change", key, language) as (change, line, cell):
        _source_of_stale(change.connection, line, cell)
        assert cell.article_id is not None  # noqa: S101  # a stale translation is an article
        words = staleness.current_words(change.connection, [line.original_id])
        number = words[line.original_id].hash
        change.details["words"] = number
        staleness.dismiss(change.connection, cell.article_id, number)


def _take(  # a claim
    state: EditingState,
    actor: Actor,
    kind: ClaimState,
    key: str,
    language: str,
    until: date | datetime | None,
) -> TranslationClaim:
    verb = "claim translation" if kind is ClaimState.PROMISED else "start translation"
    with _changing(state, actor, verb, key, language) as (change, line, cell):
        now, old = state.clock.now(), cell.claim
        _require_wanted(cell, key)
        if old is not None and old.is_active(now) and old.by != actor.name:
            raise TranslationError(f"{key} in {language}: {_claimed(old)}")
        claim = _claim(state, actor, line, language, kind)
        if until is not None:
            claim = replace(claim, until=_end(state.settings, until, now))
        elif old is not None and old.is_active(now):
            claim = replace(claim, until=old.until)
        change.details["until"] = claim.until.isoformat() if claim.until else None
        claims.store_claim(change.connection, claim)
    return claim


def _claim(
    state: EditingState, actor: Actor, line: StoryLine, language: str, kind: ClaimState
) -> TranslationClaim:
    return TranslationClaim(
        story_id=line.story_id,
        language=language,
        state=kind,
        by=actor.name,
        until=None,
        reason=None,
        changed_at=state.clock.now(),
    )


@contextmanager
def _changing(
    state: EditingState, actor: Actor, verb: str, key: str, language: str
) -> Iterator[tuple[Change, StoryLine, Cell]]:
    actor.require(Permission.TRANSLATE, language)
    with state.changing(actor, verb, f"{key} ({language})") as change:
        yield change, *_found(state, change.connection, key, language)


def _found(
    state: EditingState, connection: Connection, key: str, language: str
) -> tuple[StoryLine, Cell]:
    languages = _languages(state.settings, language)
    line = find_story(connection, key, languages, state.clock.now())
    if line is None:
        raise TranslationError(
            f"{key}: no story has this key and an original; `publisher translations` lists them"
        )
    return line, line.cells[0]


def _require_wanted(cell: Cell, key: str) -> None:
    if cell.state in {CellState.ORIGINAL, CellState.TRANSLATION}:
        what = "is the original" if cell.state is CellState.ORIGINAL else "is there already"
        raise TranslationError(f"{key} in {cell.language}: {what}")


def _require_own(actor: Actor, cell: Cell, now: datetime) -> None:
    claim = cell.claim
    if claim is None or claim.by == actor.name or not claim.is_active(now):
        return
    if not actor.permits(Permission.EDIT_ISSUE, cell.language):
        raise TranslationError(
            f"{_claimed(claim)}; who may edit issues in {cell.language} can release it"
        )


def _claimed(claim: TranslationClaim) -> str:
    what = "in work by" if claim.state is ClaimState.IN_WORK else "promised by"
    until = f" until {claim.until:%Y-%m-%d %H:%M} UTC" if claim.until else ""
    return f"{what} {claim.by}{until}"


def _source_of_stale(connection: Connection, line: StoryLine, cell: Cell) -> str:
    """Return the hash of the words that a stale translation was made from."""
    if cell.changed_at is None or cell.article_id is None:
        says_so = cell.state is CellState.STALE
        why = "only its own document calls it stale" if says_so else "is not stale"
        raise TranslationError(f"{line.key} in {cell.language}: {why}")
    return staleness.source_hash(connection, cell.article_id)


def _end(settings: Settings, until: date | datetime, now: datetime) -> datetime:
    """Return the instant of a promise. Raise TranslationError if it is over, or too far away."""
    if isinstance(until, datetime):
        end = until.astimezone(UTC)
    else:
        zone = ZoneInfo(settings.publication.timezone)
        end = datetime.combine(until + timedelta(days=1), time(), tzinfo=zone).astimezone(UTC)
    if end <= now:
        raise TranslationError(f"{until}: is over; promise it for a later time")
    if end - now > _FURTHEST_AHEAD:
        raise TranslationError(f"{until}: is more than a year ahead")
    return end


def _languages(settings: Settings, language: str | None) -> tuple[str, ...]:
    served: tuple[str, ...] = tuple(settings.publication.languages)
    if language is None:
        return served
    if language not in served:
        raise TranslationError(
            f"{language}: the publication does not have it; it has {', '.join(served)}"
        )
    return (language,)


def _cursor(line: StoryLine) -> str:
    return f"{line.published_at:%Y%m%dT%H%M%SZ}-{line.original_id}"


def _place(cursor: str) -> tuple[datetime, int]:
    instant, _, number = cursor.partition("-")
    try:
        return datetime.fromisoformat(instant), int(number)
    except ValueError:
        raise TranslationError(f"{cursor!r}: is no place in the list") from None
