"""For which translations an issue waits, and until when. Pure but for the last function.

An issue waits at its hour for what somebody has promised for the time of the wait, or has in work. Then
it goes out with what there is, as `missing` says. The wait ends when the next issue of its edition is due.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from publisher.config import Edition
from publisher.translations.claims import active_claims
from publisher.translations.listing import StoryLine, stories_by_id
from publisher.translations.model import CellState, TranslationClaim

_AT_WORK = frozenset({CellState.PROMISED, CellState.IN_WORK})


@dataclass(frozen=True, slots=True)
class TranslationWait:
    """An issue waits for a number of translations, until an instant at most."""

    count: int
    until: datetime


def end_of_wait(edition: Edition, due_at: datetime) -> datetime:
    """Return until when an issue waits for translations at most.

    The hours count from when it would be made otherwise. One that is made ahead waits until it is due
    at most: editors need the time.
    """
    start = due_at - edition.lead
    end = start + edition.wait_for_translations
    coming = edition.occurrences(due_at, end + edition.lead)
    end = next((one.due_at - edition.lead for one in coming), end)
    return min(end, due_at) if edition.lead else end


def is_awaited(
    claim: TranslationClaim, story: StoryLine, edition: Edition, until: datetime, now: datetime
) -> bool:
    """Return whether an issue waits for a translation that somebody has claimed.

    It does not wait for one that is promised for a later time, nor for one of a story that is too old
    for it, or under an embargo until after the wait.
    """
    cell = story.cell(edition.language)
    is_at_work = cell is not None and cell.state in _AT_WORK
    is_in_time = claim.until is None or claim.until <= until
    is_new = now - story.published_at <= edition.max_age and story.available_at <= until
    return is_at_work and is_in_time and is_new


def wait_of(
    edition: Edition,
    claims: Iterable[tuple[TranslationClaim, StoryLine]],
    sent: Collection[int],
    due_at: datetime,
    now: datetime,
) -> TranslationWait | None:
    """Return for how many translations an issue waits now, None if it is to be made.

    `sent` are the stories that its edition has carried already.
    """
    until = end_of_wait(edition, due_at)
    if until <= now:
        return None
    awaited = [
        story.story_id
        for claim, story in claims
        if story.story_id not in sent and is_awaited(claim, story, edition, until, now)
    ]
    return TranslationWait(len(awaited), until) if awaited else None


def claimed_stories(
    connection: Connection, language: str, now: datetime
) -> list[tuple[TranslationClaim, StoryLine]]:
    """Return the claims of a language of those who are at work, and their stories."""
    claims = {one.story_id: one for one in active_claims(connection, language, now)}
    lines = stories_by_id(connection, [*claims], [language], now)
    return [(claims[line.story_id], line) for line in lines]
