"""How late translations come, how many are missing, and which subscribers are served in which language.

Figures are sums over stories and subscribers: none is about one person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import Connection, or_, select

from publisher.articles.model import ArticleStatus, Mailing, Origin, Provenance
from publisher.articles.tables import article
from publisher.languages import match
from publisher.translations.listing import StoryFilter, count_states, read_stories
from publisher.translations.model import CellState
from subscribers import count_subscribers_by_languages


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
        """All of them."""
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
    lines = list(read_stories(connection, StoryFilter(languages=languages, since=since), now))
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
    states = count_states(lines)
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
