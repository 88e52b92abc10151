"""What becomes of a delivery after an attempt: its next state, why, and when it is tried again.

Pure: an outcome and the terms of the issue in, a fate out. Knows no row and no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from publisher.config import InDoubt
from publisher.delivery.backoff import retry_delay
from publisher.delivery.outcomes import Outcome, SendStatus
from publisher.delivery.states import DeliveryState
from publisher.delivery.transports.base import Guarantee

# With `resend`, a server that never answers must not get the same mail for days.
MOST_REPEATS = 3
# A lost connection says little about the message; three in a row might.
FREE_TRIES = 2


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """What an issue says of its deliveries."""

    in_doubt: InDoubt = InDoubt.HOLD
    patience: timedelta = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt: which it was for its reader, when she was first tried, and the present."""

    number: int
    tried_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class StateChange:
    """Where a row goes. Without `next_at`, what was said before holds."""

    state: DeliveryState
    reason: str | None = None
    next_at: datetime | None = None


ENDS = {
    SendStatus.ACCEPTED: DeliveryState.SENT,
    SendStatus.REFUSED: DeliveryState.BOUNCED,
    SendStatus.UNSUBSCRIBED: DeliveryState.SUPPRESSED,
    SendStatus.UNSENDABLE: DeliveryState.FAILED,
}


def next_state(
    outcome: Outcome, attempt: Attempt, terms: RetryPolicy, guarantee: Guarantee, chance: Random
) -> StateChange:
    """Decide what an outcome makes of a row that was being attempted."""
    status, reason = outcome.status, outcome.reason
    if status in ENDS:
        return StateChange(ENDS[status], reason or None)
    next_at = attempt.now + retry_delay(attempt.number, chance)
    is_over = next_at > attempt.tried_at + terms.patience
    if status is SendStatus.UNKNOWN and guarantee == "ambiguous":
        if is_over or terms.in_doubt is InDoubt.HOLD or attempt.number > MOST_REPEATS:
            return StateChange(DeliveryState.IN_DOUBT, reason)
    elif status is not SendStatus.DEFERRED and attempt.number <= FREE_TRIES:
        return StateChange(DeliveryState.PENDING, reason, attempt.now)
    elif is_over:
        return StateChange(
            DeliveryState.FAILED, f"given up after {_hours(terms.patience)}: {reason}"
        )
    return StateChange(DeliveryState.DEFERRED, reason, next_at)


def _hours(patience: timedelta) -> str:
    hours = round(patience.total_seconds() / 3600)
    return "1 hour" if hours == 1 else f"{hours} hours"
