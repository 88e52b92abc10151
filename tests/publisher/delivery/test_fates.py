"""What becomes of a delivery after each outcome, for both kinds of transport and both policies."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.config import InDoubt
from publisher.delivery.outcomes import Outcome, SendStatus
from publisher.delivery.retry_policy import (
    IMMEDIATE_RETRIES,
    MAX_UNANSWERED_ATTEMPTS,
    Attempt,
    RetryPolicy,
    StateChange,
    next_state,
)
from publisher.delivery.states import DELIVERY_TRANSITIONS, DeliveryState
from publisher.delivery.transports.base import Guarantee
from tests.publisher.conftest import NOW

S = DeliveryState
HOLD, RESEND = RetryPolicy(), RetryPolicy(in_doubt=InDoubt.RESEND)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class NoChance(Random):
    """Adds nothing to any wait."""

    def random(self) -> float:
        return 0.0


def fate(
    status: SendStatus,
    number: int = 1,
    *,
    terms: RetryPolicy = HOLD,
    guarantee: Guarantee = "ambiguous",
    age: timedelta = timedelta(0),
) -> StateChange:
    attempt = Attempt(number, NOW - age, NOW)
    return next_state(Outcome(status, "why"), attempt, terms, guarantee, NoChance())


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (SendStatus.ACCEPTED, S.SENT),
        (SendStatus.REFUSED, S.BOUNCED),
        (SendStatus.UNSUBSCRIBED, S.SUPPRESSED),
        (SendStatus.UNSENDABLE, S.FAILED),
    ],
)
@pytest.mark.parametrize("number", [1, 99])
def test_what_is_final_is_final_however_often_it_was_tried(
    status: SendStatus, state: DeliveryState, number: int
) -> None:
    assert fate(status, number, age=99 * HOUR) == StateChange(state, "why")


def test_what_needs_no_reason_has_none() -> None:
    attempt = Attempt(1, NOW, NOW)
    accepted = next_state(Outcome(SendStatus.ACCEPTED), attempt, HOLD, "ambiguous", NoChance())
    assert accepted == StateChange(S.SENT, None)


@pytest.mark.parametrize("guarantee", ["ambiguous", "idempotent"])
@pytest.mark.parametrize(("number", "minutes"), [(1, 5), (2, 10), (3, 20), (7, 240), (40, 240)])
def test_what_was_put_off_is_tried_again_later_and_later(
    guarantee: Guarantee, number: int, minutes: int
) -> None:
    found = fate(SendStatus.DEFERRED, number, guarantee=guarantee)
    assert found == StateChange(S.DEFERRED, "why", NOW + minutes * MINUTE)


@pytest.mark.parametrize("guarantee", ["ambiguous", "idempotent"])
def test_what_was_not_begun_may_be_tried_at_once_and_waits_when_that_goes_on(
    guarantee: Guarantee,
) -> None:
    for number in range(1, IMMEDIATE_RETRIES + 1):
        assert fate(SendStatus.NOT_SENT, number, guarantee=guarantee) == StateChange(
            S.PENDING, "why", NOW
        )
    third = fate(SendStatus.NOT_SENT, IMMEDIATE_RETRIES + 1, guarantee=guarantee)
    assert third == StateChange(S.DEFERRED, "why", NOW + 20 * MINUTE)


def test_without_an_answer_a_message_is_in_doubt() -> None:
    assert fate(SendStatus.UNKNOWN) == StateChange(S.IN_DOUBT, "why")


def test_without_an_answer_a_message_is_repeated_if_the_newsletter_says_so() -> None:
    repeated = fate(SendStatus.UNKNOWN, MAX_UNANSWERED_ATTEMPTS, terms=RESEND)
    assert repeated == StateChange(S.DEFERRED, "why", NOW + 20 * MINUTE)
    assert fate(SendStatus.UNKNOWN, MAX_UNANSWERED_ATTEMPTS + 1, terms=RESEND) == StateChange(
        S.IN_DOUBT, "why"
    )


@pytest.mark.parametrize("terms", [HOLD, RESEND])
def test_where_twice_is_the_same_as_once_no_answer_is_no_doubt(terms: RetryPolicy) -> None:
    first = fate(SendStatus.UNKNOWN, terms=terms, guarantee="idempotent")
    assert first == StateChange(S.PENDING, "why", NOW)
    later = fate(SendStatus.UNKNOWN, 9, terms=terms, guarantee="idempotent")
    assert later.state is S.DEFERRED


@pytest.mark.parametrize("status", [SendStatus.DEFERRED, SendStatus.NOT_SENT])
def test_patience_ends_before_a_try_that_would_come_too_late(status: SendStatus) -> None:
    terms = RetryPolicy(give_up_after=HOUR)
    # The third wait is twenty minutes.
    assert fate(status, 3, terms=terms, age=40 * MINUTE).state is S.DEFERRED
    late = fate(status, 3, terms=terms, age=40 * MINUTE + timedelta(seconds=1))
    assert late == StateChange(S.FAILED, "given up after 1 hour: why")


def test_who_gives_up_says_after_how_long() -> None:
    given_up = fate(SendStatus.DEFERRED, 9, age=48 * HOUR)
    assert given_up == StateChange(S.FAILED, "given up after 48 hours: why")


def test_what_may_have_been_taken_is_never_said_to_have_failed() -> None:
    assert fate(SendStatus.UNKNOWN, 2, terms=RESEND, age=48 * HOUR) == StateChange(
        S.IN_DOUBT, "why"
    )


@given(
    status=st.sampled_from(SendStatus),
    number=st.integers(1, 200),
    age=st.timedeltas(timedelta(0), timedelta(days=40)),
    hours=st.integers(1, 720),
    in_doubt=st.sampled_from(InDoubt),
    guarantee=st.sampled_from(["ambiguous", "idempotent"]),
)
def test_any_outcome_has_a_fate_that_a_row_can_go_to(
    status: SendStatus,
    number: int,
    age: timedelta,
    hours: int,
    in_doubt: InDoubt,
    guarantee: Guarantee,
) -> None:
    terms = RetryPolicy(in_doubt, timedelta(hours=hours))
    attempt = Attempt(number, NOW - age, NOW)
    found = next_state(Outcome(status, "why"), attempt, terms, guarantee, Random(number))
    assert found.state in DELIVERY_TRANSITIONS[S.ATTEMPTING]
    # A row that was taken for doubtful may get the same answer, only later.
    assert found.state in DELIVERY_TRANSITIONS[S.IN_DOUBT] | {S.IN_DOUBT}
    waits = found.state in {S.DEFERRED, S.PENDING}
    assert waits == (found.next_at is not None)
    if found.next_at and found.state is S.DEFERRED:
        assert NOW < found.next_at <= attempt.tried_at + terms.give_up_after
    assert (found.state is S.IN_DOUBT) <= (
        status is SendStatus.UNKNOWN and guarantee == "ambiguous"
    )
