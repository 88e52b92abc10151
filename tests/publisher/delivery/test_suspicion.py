"""Whether a server refuses single readers, or everything."""

from __future__ import annotations

from dataclasses import replace

from publisher.delivery.circuit_breaker import TRIP_AFTER, CircuitBreaker
from publisher.delivery.outcomes import ACCEPTED_OUTCOME, Outcome, SendStatus
from tests.publisher.delivery.claims import a_claim, claims

NO = Outcome(SendStatus.REFUSED, "550 relaying denied", is_dead_address=True)
LATER = Outcome(SendStatus.DEFERRED, "450 later")


def test_a_rejection_is_unconfirmed_until_something_is_accepted() -> None:
    suspicion, (ann, bob) = CircuitBreaker(), claims(2)
    suspicion.record([(ann, NO)])
    assert suspicion.is_unconfirmed(ann)
    assert not suspicion.is_unconfirmed(bob)
    assert suspicion.confirmed() == {}
    suspicion.record([(bob, ACCEPTED_OUTCOME)])
    assert not suspicion.is_unconfirmed(ann)
    assert suspicion.confirmed() == {ann: NO}


def test_a_rejection_beside_an_acceptance_counts_at_once() -> None:
    for order in (1, -1):
        suspicion, (ann, bob) = CircuitBreaker(), claims(2)
        suspicion.record([(ann, NO), (bob, ACCEPTED_OUTCOME)][::order])
        assert not suspicion.is_unconfirmed(ann)


def test_rejections_count_when_every_recipient_was_tried() -> None:
    suspicion, (ann, bob) = CircuitBreaker(), claims(2)
    suspicion.record([(ann, NO), (bob, LATER)])
    assert suspicion.confirmed(all_were_tried=True) == {ann: NO}


def test_ten_rejections_in_a_row_trip_the_breaker() -> None:
    suspicion = CircuitBreaker()
    *most, last = claims(TRIP_AFTER)
    suspicion.record((claim, NO) for claim in most)
    assert suspicion.tripped is None
    suspicion.record([(last, Outcome(SendStatus.REFUSED, "550 the last words"))])
    assert suspicion.tripped == "550 the last words"


def test_deferrals_do_not_trip_the_breaker() -> None:
    suspicion = CircuitBreaker()
    suspicion.record((claim, LATER) for claim in claims(2 * TRIP_AFTER))
    assert suspicion.tripped is None
    assert not suspicion.is_unconfirmed(a_claim())


def test_a_second_rejection_counts_if_others_have_got_the_issue() -> None:
    suspicion = CircuitBreaker(issues_with_sent={1})
    first, second, other = (
        a_claim(1),
        replace(a_claim(2), attempts=1),
        replace(a_claim(3, issue_id=2), attempts=1),
    )
    suspicion.record([(first, NO), (second, NO), (other, NO)])
    assert [suspicion.is_unconfirmed(one) for one in (first, second, other)] == [
        True,
        False,
        True,
    ]


def test_second_rejections_of_the_rest_of_an_issue_do_not_trip_the_breaker() -> None:
    suspicion = CircuitBreaker(issues_with_sent={1})
    rest = [replace(claim, attempts=2) for claim in claims(2 * TRIP_AFTER)]
    suspicion.record((claim, NO) for claim in rest)
    assert suspicion.tripped is None


def test_three_rejections_about_us_trip_the_breaker() -> None:
    suspicion = CircuitBreaker()
    suspicion.record((claim, US) for claim in claims(2))
    assert suspicion.tripped is None
    suspicion.record([(a_claim(3), US)])
    assert suspicion.tripped == US.reason


US = Outcome(SendStatus.REFUSED, "554 5.7.1 Relay access denied", blames_sender=True)


def test_a_rejection_about_us_is_remembered_until_something_is_accepted() -> None:
    suspicion, (ann, bob, cyd) = CircuitBreaker(), claims(3)
    suspicion.record([(ann, NO)])
    assert [suspicion.blames_us] == [None]
    suspicion.record([(bob, US)])
    assert [suspicion.blames_us] == [US.reason]
    suspicion.record([(cyd, ACCEPTED_OUTCOME)])
    assert [suspicion.blames_us] == [None]
    assert suspicion.confirmed() == {ann: NO, bob: US}
