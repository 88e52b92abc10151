"""What becomes of a delivery, and of a server that refuses everything, after each outcome."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from publisher.config import InDoubtPolicy
from publisher.delivery import causes
from publisher.delivery.causes import CAUSES, MAILBOX_FULL, explain_delivery
from publisher.delivery.ledger_writer import TRIP_AFTER, CircuitBreaker
from publisher.delivery.retry_policy import (
    IMMEDIATE_RETRIES,
    MAX_UNANSWERED_ATTEMPTS,
    Attempt,
    RetryPolicy,
    StateChange,
    next_state,
)
from publisher.delivery.states import DeliveryState
from publisher.delivery.transports.base import ACCEPTED_OUTCOME, Guarantee, Outcome, SendStatus
from tests.publisher.conftest import NOW
from tests.publisher.delivery.mailing import a_claim, claims

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


AGAIN = StateChange(S.DEFERRED, *WHY, NOW + 20 * MINUTE)


@pytest.mark.parametrize(
    ("terms", "number", "age", "found"),
    [
        (HOLD, 1, 0, StateChange(S.IN_DOUBT, *WHY)),
        (RESEND, MAX_UNANSWERED_ATTEMPTS, 0, AGAIN),
        (RESEND, MAX_UNANSWERED_ATTEMPTS + 1, 0, StateChange(S.IN_DOUBT, *WHY)),
        # It may have been accepted, so it never fails.
        (RESEND, 2, 48, StateChange(S.IN_DOUBT, *WHY)),
    ],
)
def test_a_message_without_a_reply_is_in_doubt_unless_it_is_resent(
    terms: RetryPolicy, number: int, age: int, found: StateChange
) -> None:
    assert state_after(SendStatus.UNKNOWN, number, terms=terms, age=age * HOUR) == found


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


# --- a server that rejects everything is told from one that rejects single recipients


NO = Outcome(SendStatus.REFUSED, "550 relaying denied", is_dead_address=True)
LATER = Outcome(SendStatus.DEFERRED, "450 later")
US = Outcome(SendStatus.REFUSED, "554 5.7.1 Relay access denied", is_about_sender=True)


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


@pytest.mark.parametrize(
    ("outcome", "before", "trips_at"),
    [
        (NO, 0, TRIP_AFTER),
        (US, 0, 3),
        # A deferral says nothing of the server, nor the second rejection of who has not got what others have.
        (LATER, 0, None),
        (NO, 2, None),
    ],
)
def test_so_many_rejections_and_no_acceptance_trip_the_breaker(
    outcome: Outcome, before: int, trips_at: int | None
) -> None:
    breaker, reasons = CircuitBreaker(issues_with_sent={1}), list[str | None]()
    for number, claim in enumerate(claims(2 * TRIP_AFTER), start=1):
        said = replace(outcome, words=f"the words of {number}")
        breaker.record([(replace(claim, attempts=before), said)])
        reasons.append(breaker.trip_reason)
    expected = [f"the words of {number}" for number in range(1, 2 * TRIP_AFTER + 1)]
    late = trips_at - 1 if trips_at else len(reasons)
    assert reasons == [None] * late + expected[late:]


def test_a_second_rejection_counts_if_others_have_got_the_issue() -> None:
    breaker = CircuitBreaker(issues_with_sent={1})
    second, other = a_claim(2), a_claim(3, issue_id=2)
    tried = [a_claim(1), replace(second, attempts=1), replace(other, attempts=1)]
    breaker.record((claim, NO) for claim in tried)
    assert [breaker.is_unconfirmed(claim) for claim in tried] == [True, False, True]


def test_a_rejection_about_us_is_remembered_until_something_is_accepted() -> None:
    breaker, (ann, bob, cyd) = CircuitBreaker(), claims(3)

    def reason() -> str | None:
        return breaker.sender_rejection_reason

    breaker.record([(ann, NO)])
    assert reason() is None
    breaker.record([(bob, US)])
    assert reason() == US.reason
    breaker.record([(cyd, ACCEPTED_OUTCOME)])
    assert reason() is None
    assert breaker.confirmed() == {ann: NO, bob: US}


# --- causes: keys that never change, and the sentences that people read


REFERENCE = Path(__file__).parents[3] / "docs/reference/delivery.md"
WORDS = "452 4.2.2: no {room}"


def test_the_reference_lists_every_cause_with_its_sentence_and_advice() -> None:
    lines = REFERENCE.read_text("utf-8").splitlines()
    rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    listed = {(row[2], row[-2]) for row in rows if len(row) > 4 and row[2].endswith("`)")}
    assert listed == {(f"{one.sentence} (`{one.key}`)", one.advice) for one in CAUSES.values()}


def test_a_mailbox_that_a_paused_issue_tries_again_is_not_called_given_up() -> None:
    assert "not written to again" in causes.advise(DeliveryState.BOUNCED, "no-mailbox")
    assert "tried again" in causes.advise(DeliveryState.DEFERRED, "no-mailbox")
    assert "Message-ID" in causes.advise(DeliveryState.IN_DOUBT, "program-failed")
    assert "tried again" in causes.advise(DeliveryState.DEFERRED, "program-failed")


def test_every_cause_has_a_sentence_and_an_advice() -> None:
    assert all(one.advice and one.sentence for one in CAUSES.values())


@pytest.mark.parametrize(
    ("state", "key", "words", "sentence"),
    [
        ("bounced", "full", WORDS, f"the mailbox is full ({WORDS})"),
        ("bounced", "full", None, "the mailbox is full"),
        ("failed", "full", WORDS, f"given up: the mailbox is full ({WORDS})"),
        ("failed", "unsendable", "no address", "no message can be written: no address"),
        (
            "in_doubt",
            "unanswered",
            "was silent",
            "all of it was sent, but the server was silent",
        ),
        ("pending", "connection-lost", "hung up", "the server hung up"),
        ("bounced", "unknown", "no room", "no room"),
        # A key of a later version.
        ("bounced", "moon-phase", "it is new", "it is new"),
        ("bounced", "moon-phase", None, "no reason is known"),
        ("sent", None, None, None),
    ],
)
def test_a_delivery_is_explained_by_its_state_key_and_words(
    state: str, key: str | None, words: str | None, sentence: str | None
) -> None:
    assert explain_delivery(DeliveryState(state), key, words) == sentence
