"""What a subscriber's reports add up to."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

import pytest

from publisher.bounces.model import BounceEvent, BounceKind, Evidence
from publisher.bounces.scoring import Acceptance, score_events
from publisher.delivery import causes
from subscribers import SubscriberStatus
from tests.publisher.conftest import NOW

K = BounceKind
_ids = count()


def event(
    kind: BounceKind,
    day: float,
    issue: int | None = None,
    cause: causes.Cause = causes.NOT_KNOWN,
    evidence: Evidence = Evidence.VERP,
) -> BounceEvent:
    at = NOW + timedelta(days=day)
    number = str(next(_ids))
    return BounceEvent(
        "mailbox", number, kind, at, at, cause.key, issue_id=issue, evidence=evidence
    )


def status(
    *events: BounceEvent, accepted: tuple[Acceptance, ...] = ()
) -> SubscriberStatus | None:
    return score_events(events, accepted, NOW + timedelta(days=100)).status


def accepted(issue: int, day: float) -> Acceptance:
    return Acceptance(issue, NOW + timedelta(days=day))


def test_a_dead_mailbox_counts_on_the_second_day() -> None:
    assert status(event(K.DEAD, 0, 1), event(K.DEAD, 0.3, 2)) is None
    assert status(event(K.DEAD, 0, 1), event(K.DEAD, 1, 2)) is SubscriberStatus.BOUNCED


def test_a_message_that_arrived_in_between_makes_a_dead_mailbox_alive() -> None:
    events = event(K.DEAD, 0, 1), event(K.DEAD, 20, 3)
    assert status(*events, accepted=(accepted(2, 7),)) is None
    # It was returned: it did not arrive.
    returned = event(K.SOFT, 8, 2)
    assert status(*events, returned, accepted=(accepted(2, 7),)) is SubscriberStatus.BOUNCED


def test_five_failures_in_two_weeks_suppress() -> None:
    weekly = [event(K.SOFT, 7 * number, number) for number in range(5)]
    assert status(*weekly) is SubscriberStatus.BOUNCED
    assert status(*weekly[:4]) is None
    daily = [event(K.SOFT, number, number) for number in range(10)]
    assert status(*daily) is None


def test_one_issue_counts_once_a_day() -> None:
    assert status(*(event(K.SOFT, 20 + number / 100, 1) for number in range(20))) is None
    score = score_events([event(K.SOFT, 0, 1), event(K.SOFT, 0.1, 1)], (), NOW)
    assert score.points == 1


def test_each_issue_that_arrives_takes_a_point_away() -> None:
    events = [event(K.SOFT, 7 * number, number) for number in range(5)]
    arrived = tuple(accepted(100 + number, 7 * number + 1) for number in range(5))
    assert status(*events, accepted=arrived) is None


@pytest.mark.parametrize("kind", sorted(set(K) - {K.DEAD, K.SOFT, K.COMPLAINT}))
def test_other_reports_never_suppress(kind: BounceKind) -> None:
    assert status(*(event(kind, 7 * number, number) for number in range(50))) is None


def test_a_full_mailbox_never_suppresses() -> None:
    full = [event(K.SOFT, 7 * n, n, causes.MAILBOX_FULL) for n in range(50)]
    assert status(*full) is None


def test_a_complaint_counts_at_once() -> None:
    assert status(event(K.COMPLAINT, 0)) is SubscriberStatus.COMPLAINED


@pytest.mark.parametrize("kind", [K.COMPLAINT, K.DEAD, K.SOFT])
def test_what_anybody_could_have_written_counts_for_nothing(kind: BounceKind) -> None:
    invented = [event(kind, 7 * n, n, evidence=Evidence.ADDRESS) for n in range(50)]
    assert status(*invented) is None
