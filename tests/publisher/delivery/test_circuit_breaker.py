"""A server that rejects everything is told from one that rejects single recipients."""

from __future__ import annotations

from dataclasses import replace

from publisher.delivery.circuit_breaker import TRIP_AFTER, CircuitBreaker
from publisher.delivery.outcomes import ACCEPTED_OUTCOME, Outcome, SendStatus
from tests.publisher.delivery.claims import a_claim, claims

NO = Outcome(SendStatus.REFUSED, "550 relaying denied", is_dead_address=True)
LATER = Outcome(SendStatus.DEFERRED, "450 later")


def test_a_rejection_is_unconfirmed_until_something_is_accepted() -> None:
    breaker, (ann, bob) = CircuitBreaker(), claims(2)
    breaker.record([(ann, NO)])
    assert breaker.is_unconfirmed(ann)
    assert not breaker.is_unconfirmed(bob)
    assert breaker.confirmed() == {}
    breaker.record([(bob, ACCEPTED_OUTCOME)])
    assert not breaker.is_unconfirmed(ann)
    assert breaker.confirmed() == {ann: NO}


def test_rejections_count_when_every_recipient_was_tried() -> None:
    breaker, (ann, bob) = CircuitBreaker(), claims(2)
    breaker.record([(ann, NO), (bob, LATER)])
    assert breaker.confirmed(all_were_tried=True) == {ann: NO}


def test_ten_rejections_in_a_row_trip_the_breaker() -> None:
    breaker = CircuitBreaker()
    *most, last = claims(TRIP_AFTER)
    breaker.record((claim, NO) for claim in most)
    assert breaker.trip_reason is None
    breaker.record([(last, Outcome(SendStatus.REFUSED, "550 the last words"))])
    assert breaker.trip_reason == "550 the last words"


def test_deferrals_do_not_trip_the_breaker() -> None:
    breaker = CircuitBreaker()
    breaker.record((claim, LATER) for claim in claims(2 * TRIP_AFTER))
    assert breaker.trip_reason is None
    assert not breaker.is_unconfirmed(a_claim())


def test_a_second_rejection_counts_if_others_have_got_the_issue() -> None:
    breaker = CircuitBreaker(issues_with_sent={1})
    first, second, other = (
        a_claim(1),
        replace(a_claim(2), attempts=1),
        replace(a_claim(3, issue_id=2), attempts=1),
    )
    breaker.record([(first, NO), (second, NO), (other, NO)])
    assert [breaker.is_unconfirmed(one) for one in (first, second, other)] == [
        True,
        False,
        True,
    ]


def test_second_rejections_of_the_rest_of_an_issue_do_not_trip_the_breaker() -> None:
    breaker = CircuitBreaker(issues_with_sent={1})
    rest = [replace(claim, attempts=2) for claim in claims(2 * TRIP_AFTER)]
    breaker.record((claim, NO) for claim in rest)
    assert breaker.trip_reason is None


def test_three_rejections_about_us_trip_the_breaker() -> None:
    breaker = CircuitBreaker()
    breaker.record((claim, US) for claim in claims(2))
    assert breaker.trip_reason is None
    breaker.record([(a_claim(3), US)])
    assert breaker.trip_reason == US.reason


US = Outcome(SendStatus.REFUSED, "554 5.7.1 Relay access denied", is_about_sender=True)


def test_a_rejection_about_us_is_remembered_until_something_is_accepted() -> None:
    breaker, (ann, bob, cyd) = CircuitBreaker(), claims(3)
    breaker.record([(ann, NO)])
    assert [breaker.sender_rejection_reason] == [None]
    breaker.record([(bob, US)])
    assert [breaker.sender_rejection_reason] == [US.reason]
    breaker.record([(cyd, ACCEPTED_OUTCOME)])
    assert [breaker.sender_rejection_reason] == [None]
    assert breaker.confirmed() == {ann: NO, bob: US}
