"""Whether a server refuses single readers, or everything."""

from __future__ import annotations

from dataclasses import replace

from publisher.delivery.circuit_breaker import EVERYTHING, CircuitBreaker
from publisher.delivery.outcomes import ACCEPTED_OUTCOME, Outcome, SendStatus
from tests.publisher.delivery.claims import a_claim, claims

NO = Outcome(SendStatus.REFUSED, "550 relaying denied", is_dead_address=True)
LATER = Outcome(SendStatus.DEFERRED, "450 later")


def test_a_refusal_is_doubted_until_something_was_accepted() -> None:
    suspicion, (ann, bob) = CircuitBreaker(), claims(2)
    suspicion.weigh([(ann, NO)])
    assert suspicion.doubts(ann)
    assert not suspicion.doubts(bob)
    assert suspicion.believed() == {}
    suspicion.weigh([(bob, ACCEPTED_OUTCOME)])
    assert not suspicion.doubts(ann)
    assert suspicion.believed() == {ann: NO}


def test_a_refusal_beside_an_acceptance_is_believed_at_once_in_either_order() -> None:
    for order in (1, -1):
        suspicion, (ann, bob) = CircuitBreaker(), claims(2)
        suspicion.weigh([(ann, NO), (bob, ACCEPTED_OUTCOME)][::order])
        assert not suspicion.doubts(ann)


def test_after_an_acceptance_no_refusal_is_a_suspect() -> None:
    suspicion = CircuitBreaker()
    suspicion.weigh([(a_claim(), ACCEPTED_OUTCOME)])
    suspicion.weigh((claim, NO) for claim in claims(2 * EVERYTHING, 2))
    assert suspicion.refuses_everything is None
    assert suspicion.believed() == {}


def test_refusals_are_believed_when_all_were_tried() -> None:
    suspicion, (ann, bob) = CircuitBreaker(), claims(2)
    suspicion.weigh([(ann, NO), (bob, LATER)])
    assert suspicion.believed(all_were_tried=True) == {ann: NO}


def test_so_many_refusals_in_a_row_are_no_chance() -> None:
    suspicion = CircuitBreaker()
    *most, last = claims(EVERYTHING)
    suspicion.weigh((claim, NO) for claim in most)
    assert suspicion.refuses_everything is None
    suspicion.weigh([(last, Outcome(SendStatus.REFUSED, "550 the last words"))])
    assert suspicion.refuses_everything == "550 the last words"


def test_what_is_put_off_says_nothing_about_the_server() -> None:
    suspicion = CircuitBreaker()
    suspicion.weigh((claim, LATER) for claim in claims(2 * EVERYTHING))
    assert suspicion.refuses_everything is None
    assert not suspicion.doubts(a_claim())


def test_weighing_twice_changes_nothing() -> None:
    suspicion = CircuitBreaker()
    some = [(claim, NO) for claim in claims(EVERYTHING - 1)]
    suspicion.weigh(some)
    suspicion.weigh(some)
    assert suspicion.refuses_everything is None
    assert suspicion.believed(all_were_tried=True) == dict(some)


def test_what_was_written_down_is_forgotten() -> None:
    suspicion, (ann, bob) = CircuitBreaker(), claims(2)
    suspicion.weigh([(ann, NO), (bob, NO)])
    believed = suspicion.believed(all_were_tried=True)
    suspicion.forget([ann, a_claim(9)])
    assert suspicion.believed(all_were_tried=True) == {bob: NO}
    # What was given before is not changed by that.
    assert believed == {ann: NO, bob: NO}


def test_a_row_that_was_tried_again_is_another_suspect() -> None:
    suspicion = CircuitBreaker()
    first, second = a_claim(epoch=1), a_claim(epoch=2)
    suspicion.weigh([(first, NO)])
    assert not suspicion.doubts(second)


def test_a_second_refusal_is_believed_where_others_have_got_the_issue() -> None:
    suspicion = CircuitBreaker(begun={1})
    first, second, other = (
        a_claim(1),
        replace(a_claim(2), attempts=1),
        replace(a_claim(3, issue_id=2), attempts=1),
    )
    suspicion.weigh([(first, NO), (second, NO), (other, NO)])
    assert [suspicion.doubts(one) for one in (first, second, other)] == [True, False, True]


def test_what_is_left_of_an_issue_may_be_refused_all_of_it() -> None:
    suspicion = CircuitBreaker(begun={1})
    rest = [replace(claim, attempts=2) for claim in claims(2 * EVERYTHING)]
    suspicion.weigh((claim, NO) for claim in rest)
    assert suspicion.refuses_everything is None


def test_few_refusals_suffice_where_they_are_of_us() -> None:
    suspicion = CircuitBreaker()
    suspicion.weigh((claim, US) for claim in claims(2))
    assert suspicion.refuses_everything is None
    suspicion.weigh([(a_claim(3), US)])
    assert suspicion.refuses_everything == US.reason


US = Outcome(SendStatus.REFUSED, "554 5.7.1 Relay access denied", blames_sender=True)


def test_a_refusal_of_us_is_one_of_everybody_unless_others_are_taken() -> None:
    suspicion, (ann, bob, cyd) = CircuitBreaker(), claims(3)
    suspicion.weigh([(ann, NO)])
    assert [suspicion.refuses_us] == [None]
    suspicion.weigh([(bob, US)])
    assert [suspicion.refuses_us] == [US.reason]
    suspicion.weigh([(cyd, ACCEPTED_OUTCOME)])
    assert [suspicion.refuses_us] == [None]
    assert suspicion.believed() == {ann: NO, bob: US}
