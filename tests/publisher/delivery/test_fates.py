"""What becomes of a delivery after each outcome, for both kinds of transport and both policies."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.config import InDoubt
from publisher.delivery.fates import FREE_TRIES, MOST_REPEATS, Attempt, Fate, Terms, fate_of
from publisher.delivery.outcomes import Outcome, Verdict
from publisher.delivery.states import ARROWS, DeliveryState
from publisher.delivery.transports.base import Guarantee
from tests.publisher.conftest import NOW

S = DeliveryState
HOLD, RESEND = Terms(), Terms(in_doubt=InDoubt.RESEND)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class NoChance(Random):
    """Adds nothing to any wait."""

    def random(self) -> float:
        return 0.0


def fate(
    verdict: Verdict,
    number: int = 1,
    *,
    terms: Terms = HOLD,
    guarantee: Guarantee = "ambiguous",
    age: timedelta = timedelta(0),
) -> Fate:
    attempt = Attempt(number, NOW - age, NOW)
    return fate_of(Outcome(verdict, "why"), attempt, terms, guarantee, NoChance())


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (Verdict.ACCEPTED, S.SENT),
        (Verdict.REFUSED, S.BOUNCED),
        (Verdict.WITHDRAWN, S.SUPPRESSED),
        (Verdict.UNWRITABLE, S.FAILED),
    ],
)
@pytest.mark.parametrize("number", [1, 99])
def test_what_is_final_is_final_however_often_it_was_tried(
    verdict: Verdict, state: DeliveryState, number: int
) -> None:
    assert fate(verdict, number, age=99 * HOUR) == Fate(state, "why")


def test_what_needs_no_reason_has_none() -> None:
    attempt = Attempt(1, NOW, NOW)
    accepted = fate_of(Outcome(Verdict.ACCEPTED), attempt, HOLD, "ambiguous", NoChance())
    assert accepted == Fate(S.SENT, None)


@pytest.mark.parametrize("guarantee", ["ambiguous", "idempotent"])
@pytest.mark.parametrize(("number", "minutes"), [(1, 5), (2, 10), (3, 20), (7, 240), (40, 240)])
def test_what_was_put_off_is_tried_again_later_and_later(
    guarantee: Guarantee, number: int, minutes: int
) -> None:
    found = fate(Verdict.DEFERRED, number, guarantee=guarantee)
    assert found == Fate(S.DEFERRED, "why", NOW + minutes * MINUTE)


@pytest.mark.parametrize("guarantee", ["ambiguous", "idempotent"])
def test_what_was_not_begun_may_be_tried_at_once_and_waits_when_that_goes_on(
    guarantee: Guarantee,
) -> None:
    for number in range(1, FREE_TRIES + 1):
        assert fate(Verdict.UNTRIED, number, guarantee=guarantee) == Fate(S.PENDING, "why", NOW)
    third = fate(Verdict.UNTRIED, FREE_TRIES + 1, guarantee=guarantee)
    assert third == Fate(S.DEFERRED, "why", NOW + 20 * MINUTE)


def test_without_an_answer_a_message_is_in_doubt() -> None:
    assert fate(Verdict.UNKNOWN) == Fate(S.IN_DOUBT, "why")


def test_without_an_answer_a_message_is_repeated_if_the_newsletter_says_so() -> None:
    repeated = fate(Verdict.UNKNOWN, MOST_REPEATS, terms=RESEND)
    assert repeated == Fate(S.DEFERRED, "why", NOW + 20 * MINUTE)
    assert fate(Verdict.UNKNOWN, MOST_REPEATS + 1, terms=RESEND) == Fate(S.IN_DOUBT, "why")


@pytest.mark.parametrize("terms", [HOLD, RESEND])
def test_where_twice_is_the_same_as_once_no_answer_is_no_doubt(terms: Terms) -> None:
    first = fate(Verdict.UNKNOWN, terms=terms, guarantee="idempotent")
    assert first == Fate(S.PENDING, "why", NOW)
    later = fate(Verdict.UNKNOWN, 9, terms=terms, guarantee="idempotent")
    assert later.state is S.DEFERRED


@pytest.mark.parametrize("verdict", [Verdict.DEFERRED, Verdict.UNTRIED])
def test_patience_ends_before_a_try_that_would_come_too_late(verdict: Verdict) -> None:
    terms = Terms(patience=HOUR)
    # The third wait is twenty minutes.
    assert fate(verdict, 3, terms=terms, age=40 * MINUTE).state is S.DEFERRED
    late = fate(verdict, 3, terms=terms, age=40 * MINUTE + timedelta(seconds=1))
    assert late == Fate(S.FAILED, "given up after 1 hour: why")


def test_who_gives_up_says_after_how_long() -> None:
    given_up = fate(Verdict.DEFERRED, 9, age=48 * HOUR)
    assert given_up == Fate(S.FAILED, "given up after 48 hours: why")


def test_what_may_have_been_taken_is_never_said_to_have_failed() -> None:
    assert fate(Verdict.UNKNOWN, 2, terms=RESEND, age=48 * HOUR) == Fate(S.IN_DOUBT, "why")


@given(
    verdict=st.sampled_from(Verdict),
    number=st.integers(1, 200),
    age=st.timedeltas(timedelta(0), timedelta(days=40)),
    hours=st.integers(1, 720),
    in_doubt=st.sampled_from(InDoubt),
    guarantee=st.sampled_from(["ambiguous", "idempotent"]),
)
def test_any_outcome_has_a_fate_that_a_row_can_go_to(
    verdict: Verdict,
    number: int,
    age: timedelta,
    hours: int,
    in_doubt: InDoubt,
    guarantee: Guarantee,
) -> None:
    terms = Terms(in_doubt, timedelta(hours=hours))
    attempt = Attempt(number, NOW - age, NOW)
    found = fate_of(Outcome(verdict, "why"), attempt, terms, guarantee, Random(number))
    assert found.state in ARROWS[S.ATTEMPTING]
    # A row that was taken for doubtful may get the same answer, only later.
    assert found.state in ARROWS[S.IN_DOUBT] | {S.IN_DOUBT}
    waits = found.state in {S.DEFERRED, S.PENDING}
    assert waits == (found.next_at is not None)
    if found.next_at and found.state is S.DEFERRED:
        assert NOW < found.next_at <= attempt.tried_at + terms.patience
    assert (found.state is S.IN_DOUBT) <= (
        verdict is Verdict.UNKNOWN and guarantee == "ambiguous"
    )
