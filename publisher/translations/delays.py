"""For which translations an issue waits and until when, and how late translations come.

An issue waits at its hour for what somebody has promised for the time of the wait, or has in work. Then
it goes out with what there is, as `missing` says. The wait ends when the next issue of its edition is due.
Statistics say how late translations come, how many are missing, and which subscribers are served in which
language. Figures are sums over stories and subscribers: none is about one person.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import Connection, or_, select

from publisher.articles.model import ArticleStatus, Mailing, Origin, Provenance
from publisher.articles.tables import article
from publisher.config import Edition
from publisher.languages import match
from publisher.translations import listing
from publisher.translations.listing import StoryFilter, StoryLine
from publisher.translations.model import CellState, TranslationClaim
from publisher.translations.records import active_claims
from subscribers.store import count_subscribers_by_languages

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
    """Return for how many translations an issue waits, None if it is to be made; stories that were `sent` do not count."""
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
    lines = listing.stories_by_id(connection, [*claims], [language], now)
    return [(claims[line.story_id], line) for line in lines]


@dataclass(frozen=True, slots=True)
class Lag:
    """How long after their originals translations were available; None if there are none."""

    count: int
    median: timedelta | None
    p95: timedelta | None


@dataclass(frozen=True, slots=True)
class ServedShare:
    """How many are served in the first of their languages, in another one, and in none."""

    first: int = 0
    other: int = 0
    none: int = 0

    @property
    def total(self) -> int:
        return self.first + self.other + self.none


@dataclass(frozen=True, slots=True)
class TranslationStatistics:
    """Of the originals published since an instant: states and lags by language.

    `subscribers` says whether the publication has a language of theirs. `readings` counts each story
    once for each subscriber: whether it can be read in a language of theirs today.
    """

    since: datetime
    states: Mapping[str, Counter[CellState]]
    lags: Mapping[str, Lag]
    subscribers: ServedShare
    readings: ServedShare


def statistics_of(
    connection: Connection, languages: Sequence[str], since: datetime, now: datetime
) -> TranslationStatistics:
    """Return the statistics of the originals that were published since an instant."""
    lines = list(
        listing.read_stories(connection, StoryFilter(languages=languages, since=since), now)
    )
    offered = Counter(
        frozenset(
            cell.language
            for cell in line.cells
            if cell.available_at is not None and cell.available_at <= now
        )
        for line in lines
    )
    people = _in_languages_of(languages, count_subscribers_by_languages(connection))
    lags = _lags(connection, since)
    states = listing.count_states(lines)
    return TranslationStatistics(
        since=since,
        states={tag: states.get(tag, Counter()) for tag in languages},
        lags={tag: summarise_lags(lags.get(tag, ())) for tag in languages},
        subscribers=share_served(people, Counter([frozenset(languages)])),
        readings=share_served(people, offered),
    )


def summarise_lags(lags: Iterable[timedelta]) -> Lag:
    """Return number, median and 95th percentile (nearest rank)."""
    ordered = sorted(lags)
    if not ordered:
        return Lag(0, None, None)

    def rank(part: float) -> timedelta:
        return ordered[ceil(part * len(ordered)) - 1]

    return Lag(len(ordered), rank(0.5), rank(0.95))


def share_served(
    people: Mapping[tuple[str | None, ...], int], offered: Mapping[frozenset[str], int]
) -> ServedShare:
    """Return in which of their languages people are served, once for each thing that is offered.

    `people` counts them by their languages, best first, None for one that nothing is offered in.
    """
    first = other = none = 0
    for languages, count in people.items():
        for tags, number in offered.items():
            if languages and languages[0] in tags:
                first += count * number
            elif not tags.isdisjoint(languages):
                other += count * number
            else:
                none += count * number
    return ServedShare(first, other, none)


def _in_languages_of(
    offered: Sequence[str], people: Mapping[tuple[str, ...], int]
) -> Counter[tuple[str | None, ...]]:
    """Count people by the publication's languages that serve theirs."""
    counts: Counter[tuple[str | None, ...]] = Counter()
    for languages, count in people.items():
        counts[tuple(match(one, offered) for one in languages)] += count
    return counts


def _lags(connection: Connection, since: datetime) -> dict[str, list[timedelta]]:
    """Return how long after their originals people's translations were available, by language.

    When what is in an archive was translated is not known.
    """
    made, original = article.alias("made"), article.alias("original")
    is_by_machine = made.c.provenance == Provenance.MACHINE
    query = (
        select(made.c.language, made.c.available_at, original.c.available_at)
        .join(original, original.c.story_id == made.c.story_id)
        .where(
            original.c.origin == Origin.ORIGINAL,
            original.c.published_at >= since,
            made.c.origin == Origin.TRANSLATION,
            made.c.status == ArticleStatus.READY,
            made.c.mailing != Mailing.ARCHIVE,
            or_(made.c.provenance.is_(None), ~is_by_machine),
        )
    )
    found: dict[str, list[timedelta]] = {}
    for language, came, began in connection.execute(query):
        found.setdefault(language, []).append(max(came - began, timedelta()))
    return found
