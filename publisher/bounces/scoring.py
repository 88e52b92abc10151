"""Decide from a subscriber's events whether mail still arrives. Pure.

A complaint counts at once; for good only from who proves that it was made of our mail to that person,
else as a leaving, which can be undone. A dead mailbox has to be reported on two days: a mail
server that lost its list of users for an hour reports thousands. Other failures add up, one for
each issue and day, and each issue that arrives takes one away. Full mailboxes, refusals because of
us, delays and automatic replies count for nothing, and so does what anybody could have written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import Final

from publisher.bounces.model import BounceEvent, BounceKind, Evidence
from publisher.delivery import causes
from subscribers import SubscriberStatus

# Days on which a mailbox has to be reported dead.
DEAD_DAYS: Final = 2
# Points from which an address is suppressed, if the first is at least so old.
MAX_SCORE: Final = 5
MIN_SCORE_AGE: Final = timedelta(days=14)
# An accepted message that was not returned until then has arrived.
RETURN_PERIOD: Final = timedelta(days=7)
# A bounce address is seen by mail servers, and a provider has signed. Message-IDs and links travel
# with each answer and each forwarded mail.
_OF_THE_PROVIDER = frozenset({Evidence.VERP, Evidence.PROVIDER})
# Only the subscriber can make room, and every provider returns mail then.
_HARMLESS = frozenset({causes.MAILBOX_FULL.key, causes.CROWDED.key})


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A message that a server accepted."""

    issue_id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class BounceScore:
    """What a subscriber's events add up to."""

    points: int = 0
    # When the first of the points came.
    since: datetime | None = None
    # Days with a report of a dead mailbox since the last message that arrived.
    dead_days: int = 0
    # The status to store; None to leave it.
    status: SubscriberStatus | None = None


def score_events(
    events: Iterable[BounceEvent], accepted: Iterable[Acceptance], now: datetime
) -> BounceScore:
    """Return the score of one subscriber, from events since the last revival."""
    counted = sorted((one for one in events if counts(one)), key=attrgetter("at"))
    complaints = {one.evidence for one in counted if one.kind is BounceKind.COMPLAINT}
    if complaints:
        is_final = bool(complaints & _OF_THE_PROVIDER)
        status = SubscriberStatus.COMPLAINED if is_final else SubscriberStatus.UNSUBSCRIBED
        return BounceScore(status=status)
    return _bounces_score(counted, _arrived(counted, accepted, now))


def is_failure(event: BounceEvent) -> bool:
    """Return whether an event means that a message did not arrive because of the mailbox."""
    return event.kind in {BounceKind.DEAD, BounceKind.SOFT} and event.cause not in _HARMLESS


def counts(event: BounceEvent) -> bool:
    """Return whether an event counts: a complaint or failure, on evidence that nobody can invent."""
    is_trusted = event.evidence is not None and event.evidence is not Evidence.ADDRESS
    return is_trusted and (event.kind is BounceKind.COMPLAINT or is_failure(event))


def may_suppress(events: Iterable[BounceEvent]) -> bool:
    """Return whether a score is worth computing: never for a single failure."""
    kinds = [one.kind for one in events if counts(one)]
    return BounceKind.COMPLAINT in kinds or len(kinds) >= DEAD_DAYS


def _arrived(
    counted: Sequence[BounceEvent], accepted: Iterable[Acceptance], now: datetime
) -> list[datetime]:
    """Return when messages arrived that were not returned."""
    returned = {one.issue_id for one in counted}
    return [
        one.at
        for one in accepted
        if one.issue_id not in returned and one.at <= now - RETURN_PERIOD
    ]


def _bounces_score(counted: Sequence[BounceEvent], arrived: Sequence[datetime]) -> BounceScore:
    score = BounceScore()
    seen = set()
    days: set[date] = set()
    steps = [(at, None) for at in arrived] + [(one.at, one) for one in counted]
    for at, event in sorted(steps, key=lambda step: step[0]):
        if event is None:
            points = max(0, score.points - 1)
            score = BounceScore(points, score.since if points else None)
            days.clear()
            continue
        key = (event.issue_id, at.date())
        if event.kind is BounceKind.DEAD:
            days.add(at.date())
        points = score.points + (key not in seen)
        seen.add(key)
        since = score.since or at
        is_bad = len(days) >= DEAD_DAYS or (points >= MAX_SCORE and at - since >= MIN_SCORE_AGE)
        if is_bad:
            return BounceScore(points, since, len(days), SubscriberStatus.BOUNCED)
        score = BounceScore(points, since, len(days))
    return score
