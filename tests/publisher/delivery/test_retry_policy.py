"""What becomes of a delivery after each outcome, for both kinds of transport and both policies."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from publisher.config import InDoubtPolicy
from publisher.delivery.causes import MAILBOX_FULL
from publisher.delivery.outcomes import Outcome, SendStatus
from publisher.delivery.retry_policy import (
    IMMEDIATE_RETRIES,
    MAX_UNANSWERED_ATTEMPTS,
    Attempt,
    RetryPolicy,
    StateChange,
    next_state,
)
from publisher.delivery.states import DeliveryState
from publisher.delivery.transports.base import Guarantee
from tests.publisher.conftest import NOW

S = DeliveryState
HOLD, RESEND = RetryPolicy(), RetryPolicy(in_doubt=InDoubtPolicy.RESEND)
WHY = ("full", "why")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class NoChance(Random):
    """Adds nothing to any wait."""

    def random(self) -> float:
        return 0.0


def state_after(
    status: SendStatus,
    number: int = 1,
    *,
    terms: RetryPolicy = HOLD,
    guarantee: Guarantee = "ambiguous",
    age: timedelta = timedelta(0),
) -> StateChange:
    attempt = Attempt(number, NOW - age, NOW)
    return next_state(
        Outcome(status, "why", MAILBOX_FULL), attempt, terms, guarantee, NoChance()
    )


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
def test_a_final_outcome_is_final_on_every_attempt(
    status: SendStatus, state: DeliveryState, number: int
) -> None:
    assert state_after(status, number, age=99 * HOUR) == StateChange(state, *WHY)


@pytest.mark.parametrize("guarantee", ["ambiguous", "idempotent"])
@pytest.mark.parametrize(("number", "minutes"), [(1, 5), (2, 10), (3, 20), (7, 240), (40, 240)])
def test_a_deferred_delivery_waits_longer_each_time(
    guarantee: Guarantee, number: int, minutes: int
) -> None:
    found = state_after(SendStatus.DEFERRED, number, guarantee=guarantee)
    assert found == StateChange(S.DEFERRED, *WHY, NOW + minutes * MINUTE)


@pytest.mark.parametrize("guarantee", ["ambiguous", "idempotent"])
def test_an_unsent_message_is_retried_at_once_twice_and_then_with_delays(
    guarantee: Guarantee,
) -> None:
    for number in range(1, IMMEDIATE_RETRIES + 1):
        assert state_after(SendStatus.NOT_SENT, number, guarantee=guarantee) == StateChange(
            S.PENDING, *WHY, NOW
        )
    third = state_after(SendStatus.NOT_SENT, IMMEDIATE_RETRIES + 1, guarantee=guarantee)
    assert third == StateChange(S.DEFERRED, *WHY, NOW + 20 * MINUTE)


def test_a_message_without_a_reply_is_in_doubt() -> None:
    assert state_after(SendStatus.UNKNOWN) == StateChange(S.IN_DOUBT, *WHY)


def test_with_resend_a_message_without_a_reply_is_retried() -> None:
    repeated = state_after(SendStatus.UNKNOWN, MAX_UNANSWERED_ATTEMPTS, terms=RESEND)
    assert repeated == StateChange(S.DEFERRED, *WHY, NOW + 20 * MINUTE)
    assert state_after(
        SendStatus.UNKNOWN, MAX_UNANSWERED_ATTEMPTS + 1, terms=RESEND
    ) == StateChange(S.IN_DOUBT, *WHY)


@pytest.mark.parametrize("terms", [HOLD, RESEND])
def test_nothing_is_in_doubt_with_an_idempotent_transport(terms: RetryPolicy) -> None:
    first = state_after(SendStatus.UNKNOWN, terms=terms, guarantee="idempotent")
    assert first == StateChange(S.PENDING, *WHY, NOW)
    later = state_after(SendStatus.UNKNOWN, 9, terms=terms, guarantee="idempotent")
    assert later.state is S.DEFERRED


@pytest.mark.parametrize("status", [SendStatus.DEFERRED, SendStatus.NOT_SENT])
def test_no_retry_is_planned_after_the_give_up_time(status: SendStatus) -> None:
    terms = RetryPolicy(give_up_after=HOUR)
    # The third wait is twenty minutes.
    assert state_after(status, 3, terms=terms, age=40 * MINUTE).state is S.DEFERRED
    late = state_after(status, 3, terms=terms, age=40 * MINUTE + timedelta(seconds=1))
    assert late == StateChange(S.FAILED, *WHY)


def test_a_message_that_may_have_been_accepted_never_fails() -> None:
    assert state_after(SendStatus.UNKNOWN, 2, terms=RESEND, age=48 * HOUR) == StateChange(
        S.IN_DOUBT, *WHY
    )
