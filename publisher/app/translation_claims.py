"""What translators say: who translates what by when, what is given up, and which change may be ignored.

A claim holds until the translation comes, its time is over, or it is released. Somebody else's can be
released by those who may edit issues in that language.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from publisher.app.editing_state import Change, EditingState, Permission
from publisher.errors import TranslationError
from publisher.messages import message
from publisher.translations import claims, staleness
from publisher.translations.listing import StoryLine
from publisher.translations.lookup import require_story, source_of_stale
from publisher.translations.model import Cell, CellState, ClaimState, TranslationClaim

if TYPE_CHECKING:
    from publisher.accounts.actor import Actor
    from publisher.config import Settings

# Nobody plans a translation further ahead; a wrong year is found by it.
_FURTHEST_AHEAD = timedelta(days=366)
# Of a day, as people read it.
_LAST_MINUTE = time(23, 59)


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
    """Say that a translation is in work. Without `until`, an own earlier date is kept."""
    return _take(state, actor, ClaimState.IN_WORK, key, language, until)


def give_up_translation(
    state: EditingState, actor: Actor, key: str, language: str, reason: str
) -> TranslationClaim:
    """Say that a story will not be translated into a language, and why."""
    if not reason.strip():
        raise TranslationError(message("say why the translation is given up"))
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
            raise TranslationError(
                message(
                    "%(key)s in %(language)s: nobody has claimed it", key=key, language=language
                )
            )
        _require_own(actor, cell, state.clock.now())
        change.details["was"] = f"{cell.claim.state} by {cell.claim.by}"
        claims.end_claim(change.connection, line.story_id, language)


def dismiss_staleness(state: EditingState, actor: Actor, key: str, language: str) -> None:
    """Let a translation count as up to date until its original changes again."""
    with _changing(state, actor, "dismiss change", key, language) as (change, line, cell):
        source_of_stale(change.connection, line, cell)
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
            raise TranslationError(
                message(
                    "%(key)s in %(language)s: %(claim)s",
                    key=key,
                    language=language,
                    claim=_claimed(old),
                )
            )
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
        yield (
            change,
            *require_story(
                *(change.connection, state.settings, key, language, state.clock.now())
            ),
        )


def _require_wanted(cell: Cell, key: str) -> None:
    if cell.state in {CellState.ORIGINAL, CellState.TRANSLATION}:
        is_original = cell.state is CellState.ORIGINAL
        what = message("is the original") if is_original else message("is there already")
        raise TranslationError(
            message(
                "%(key)s in %(language)s: %(what)s", key=key, language=cell.language, what=what
            )
        )


def _require_own(actor: Actor, cell: Cell, now: datetime) -> None:
    claim = cell.claim
    if claim is None or claim.by == actor.name or not claim.is_active(now):
        return
    if not actor.permits(Permission.EDIT_ISSUE, cell.language):
        raise TranslationError(
            message(
                "%(claim)s; who may edit issues in %(language)s can release it",
                claim=_claimed(claim),
                language=cell.language,
            )
        )


def _claimed(claim: TranslationClaim) -> str:
    is_in_work = claim.state is ClaimState.IN_WORK
    if claim.until is None:
        return (
            message("in work by %(name)s", name=claim.by)
            if is_in_work
            else message("promised by %(name)s", name=claim.by)
        )
    given = {"name": claim.by, "until": f"{claim.until:%Y-%m-%d %H:%M} UTC"}
    if is_in_work:
        return message("in work by %(name)s until %(until)s", **given)
    return message("promised by %(name)s until %(until)s", **given)


def _end(settings: Settings, until: date | datetime, now: datetime) -> datetime:
    """Return the instant of a promise. Raise TranslationError if it is over, or too far away."""
    if isinstance(until, datetime):
        end = until.astimezone(UTC)
    else:
        zone = ZoneInfo(settings.publication.timezone)
        end = datetime.combine(until, _LAST_MINUTE, tzinfo=zone).astimezone(UTC)
    if end <= now:
        raise TranslationError(
            message("%(until)s: is over; promise it for a later time", until=until)
        )
    if end - now > _FURTHEST_AHEAD:
        raise TranslationError(message("%(until)s: is more than a year ahead", until=until))
    return end
