"""Decide a mail's next state from the result of an attempt, and when deferred mail is retried. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from publisher.config import InDoubtPolicy, Settings
from publisher.delivery.causes import UNKNOWN_CAUSE
from publisher.delivery.states import DeliveryState
from publisher.delivery.transports.base import Guarantee, Outcome, SendStatus
from publisher.issues.model import Issue

# Greylisting lets a second try pass after a minute (RFC 6647 section 5), and often after five.
FIRST_DELAY = timedelta(minutes=5)
# RFC 5321 section 4.5.4.1 asks for at least half an hour between tries, after the first ones.
MAX_DELAY = timedelta(hours=4)
# Recipients who were refused in the same second must not be tried again in the same second.
_JITTER = 0.25
# With `in_doubt = "resend"`, a server that never replies must not get the same mail for days.
MAX_UNANSWERED_ATTEMPTS = 3
IMMEDIATE_RETRIES = 2  # a lost connection says little about the message: no delay at first


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """What an edition's settings say about retries."""

    in_doubt: InDoubtPolicy = InDoubtPolicy.HOLD
    give_up_after: timedelta = timedelta(days=2)


def retry_policy_of(settings: Settings, issue: Issue) -> RetryPolicy:
    edition = settings.edition(issue.newsletter, issue.language)
    return RetryPolicy(edition.in_doubt, edition.give_up_after) if edition else RetryPolicy()


@dataclass(frozen=True, slots=True)
class Attempt:
    """The number of an attempt (from 1), the instant of the first one, and the present."""

    number: int
    tried_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class StateChange:
    """The next state of a row, and why. Without `next_at`, the row keeps the one it has."""

    state: DeliveryState
    reason_key: str | None = None
    reason: str | None = None  # the words that go with the cause
    next_at: datetime | None = None


FINAL_STATES = {
    SendStatus.ACCEPTED: DeliveryState.SENT,
    SendStatus.REFUSED: DeliveryState.BOUNCED,
    SendStatus.UNSUBSCRIBED: DeliveryState.SUPPRESSED,
    SendStatus.UNSENDABLE: DeliveryState.FAILED,
}


def next_state(
    outcome: Outcome,
    attempt: Attempt,
    policy: RetryPolicy,
    guarantee: Guarantee,
    random: Random,
) -> StateChange:
    cause = outcome.cause or (UNKNOWN_CAUSE if outcome.words else None)
    status, why = outcome.status, (cause.key if cause else None, outcome.words or None)
    if status in FINAL_STATES:
        return StateChange(FINAL_STATES[status], *why)
    next_at = attempt.now + retry_delay(attempt.number, random)
    is_expired = next_at > attempt.tried_at + policy.give_up_after
    if status is SendStatus.UNKNOWN and guarantee == "ambiguous":
        is_last = attempt.number > MAX_UNANSWERED_ATTEMPTS
        if is_expired or policy.in_doubt is InDoubtPolicy.HOLD or is_last:
            return StateChange(DeliveryState.IN_DOUBT, *why)
    elif status is not SendStatus.DEFERRED and attempt.number <= IMMEDIATE_RETRIES:
        return StateChange(DeliveryState.PENDING, *why, attempt.now)
    elif is_expired:
        return StateChange(DeliveryState.FAILED, *why)
    return StateChange(DeliveryState.DEFERRED, *why, next_at)


def retry_delay(attempts: int, random: Random) -> timedelta:
    doublings = min(max(attempts, 1) - 1, 16)
    delay: timedelta = min(FIRST_DELAY * 2**doublings, MAX_DELAY)
    return delay * (1 + _JITTER * random.random())
