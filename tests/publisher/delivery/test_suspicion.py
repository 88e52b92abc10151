"""Whether a server refuses single readers, or everything."""

from __future__ import annotations

from dataclasses import replace

from publisher.delivery.circuit_breaker import TRIP_AFTER, CircuitBreaker
from publisher.delivery.outcomes import ACCEPTED_OUTCOME, Outcome, SendStatus
from tests.publisher.delivery.claims import a_claim, claims

NO = Outcome(SendStatus.REFUSED, "550 relaying denied", is_dead_address=True)
LATER = Outcome(SendStatus.DEFERRED, "450 later")


def test_a_refusal_is_doubted_until_something_was_accepted() -> None:
    suspicion, (ann, bob) = CircuitBreaker(), claims(2)
    suspicion.record([(ann, NO)])
    assert suspicion.is_unconfirmed(ann)
    assert not suspicion.is_unconfirmed(bob)
    assert suspicion.confirmed() == {}
    suspicion.record([(bob, ACCEPTED_OUTCOME)])
    assert not suspicion.is_unconfirmed(ann)
    assert suspicion.confirmed() == {ann: NO}


def test_a_refusal_beside_an_acceptance_is_believed_at_once_in_either_order() -> None:
    for order in (1, -1):
        suspicion, (ann, bob) = CircuitBreaker(), claims(2)
        suspicion.record([(ann, NO), (bob, ACCEPTED_OUTCOME)][::order])
        assert not suspicion.is_unconfirmed(ann)


def test_after_an_acceptance_no_refusal_is_a_suspect() -> None:
    suspicion = CircuitBreaker()
    suspicion.record([(a_claim(), ACCEPTED_OUTCOME)])
    suspicion.record((claim, NO) for claim in claims(2 * TRIP_AFTER, 2))
    assert suspicion.tripped is None
    assert suspicion.confirmed() == {}


def test_refusals_are_believed_when_all_were_tried() -> None:
    suspicion, (ann, bob) = CircuitBreaker(), claims(2)
    suspicion.record([(ann, NO), (bob, LATER)])
    assert suspicion.confirmed(all_were_tried=True) == {ann: NO}


def test_so_many_refusals_in_a_row_are_no_chance() -> None:
    suspicion = CircuitBreaker()
    *most, last = claims(TRIP_AFTER)
    suspicion.record((claim, NO) for claim in most)
    assert suspicion.tripped is None
    suspicion.record([(last, Outcome(SendStatus.REFUSED, "550 the last words"))])
    assert suspicion.tripped == "550 the last words"


def test_what_is_put_off_says_nothing_about_the_server() -> None:
    suspicion = CircuitBreaker()
    suspicion.record((claim, LATER) for claim in claims(2 * TRIP_AFTER))
    assert suspicion.tripped is None
    assert not suspicion.is_unconfirmed(a_claim())


def test_weighing_twice_changes_nothing() -> None:
    suspicion = CircuitBreaker()
    some = [(claim, NO) for claim in claims(TRIP_AFTER - 1)]
    suspicion.record(some)
    suspicion.record(some)
    assert suspicion.tripped is None
    assert suspicion.confirmed(all_were_tried=True) == dict(some)


def test_what_was_written_down_is_forgotten() -> None:
    suspicion, (ann, bob) = CircuitBreaker(), claims(2)
    suspicion.record([(ann, NO), (bob, NO)])
    believed = suspicion.confirmed(all_were_tried=True)
    suspicion.forget([ann, a_claim(9)])
    assert suspicion.confirmed(all_were_tried=True) == {bob: NO}
    # What was given before is not changed by that.
    assert believed == {ann: NO, bob: NO}


def test_a_row_that_was_tried_again_is_another_suspect() -> None:
    suspicion = CircuitBreaker()
    first, second = a_claim(epoch=1), a_claim(epoch=2)
    suspicion.record([(first, NO)])
    assert not suspicion.is_unconfirmed(second)


def test_a_second_refusal_is_believed_where_others_have_got_the_issue() -> None:
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


def test_what_is_left_of_an_issue_may_be_refused_all_of_it() -> None:
    suspicion = CircuitBreaker(issues_with_sent={1})
    rest = [replace(claim, attempts=2) for claim in claims(2 * TRIP_AFTER)]
    suspicion.record((claim, NO) for claim in rest)
    assert suspicion.tripped is None


def test_few_refusals_suffice_where_they_are_of_us() -> None:
    suspicion = CircuitBreaker()
    suspicion.record((claim, US) for claim in claims(2))
    assert suspicion.tripped is None
    suspicion.record([(a_claim(3), US)])
    assert suspicion.tripped == US.reason


US = Outcome(SendStatus.REFUSED, "554 5.7.1 Relay access denied", blames_sender=True)


def test_a_refusal_of_us_is_one_of_everybody_unless_others_are_taken() -> None:
    suspicion, (ann, bob, cyd) = CircuitBreaker(), claims(3)
    suspicion.record([(ann, NO)])
    assert [suspicion.blames_us] == [None]
    suspicion.record([(bob, US)])
    assert [suspicion.blames_us] == [US.reason]
    suspicion.record([(cyd, ACCEPTED_OUTCOME)])
    assert [suspicion.blames_us] == [None]
    assert suspicion.confirmed() == {ann: NO, bob: US}
