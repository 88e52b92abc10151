"""What becomes of a delivery after an attempt: its next state, why, and when it is tried again.

Pure: an outcome and the terms of the issue in, a fate out. Knows no row and no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from publisher.config import InDoubt
from publisher.delivery.backoff import delay
from publisher.delivery.outcomes import Outcome, Verdict
from publisher.delivery.states import DeliveryState
from publisher.delivery.transports.base import Guarantee

# With `resend`, a server that never answers must not get the same mail for days.
MOST_REPEATS = 3
# A lost connection says little about the message; three in a row might.
FREE_TRIES = 2


@dataclass(frozen=True, slots=True)
class Terms:
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
class Fate:
    """Where a row goes. Without `next_at`, what was said before holds."""

    state: DeliveryState
    reason: str | None = None
    next_at: datetime | None = None


ENDS = {
    Verdict.ACCEPTED: DeliveryState.SENT,
    Verdict.REFUSED: DeliveryState.BOUNCED,
    Verdict.WITHDRAWN: DeliveryState.SUPPRESSED,
    Verdict.UNWRITABLE: DeliveryState.FAILED,
}


def fate_of(
    outcome: Outcome, attempt: Attempt, terms: Terms, guarantee: Guarantee, chance: Random
) -> Fate:
    """Decide what an outcome makes of a row that was being attempted."""
    verdict, reason = outcome.verdict, outcome.reason
    if verdict in ENDS:
        return Fate(ENDS[verdict], reason or None)
    next_at = attempt.now + delay(attempt.number, chance)
    is_over = next_at > attempt.tried_at + terms.patience
    if verdict is Verdict.UNKNOWN and guarantee == "ambiguous":
        if is_over or terms.in_doubt is InDoubt.HOLD or attempt.number > MOST_REPEATS:
            return Fate(DeliveryState.IN_DOUBT, reason)
    elif verdict is not Verdict.DEFERRED and attempt.number <= FREE_TRIES:
        return Fate(DeliveryState.PENDING, reason, attempt.now)
    elif is_over:
        return Fate(DeliveryState.FAILED, f"given up after {_hours(terms.patience)}: {reason}")
    return Fate(DeliveryState.DEFERRED, reason, next_at)


def _hours(patience: timedelta) -> str:
    hours = round(patience.total_seconds() / 3600)
    return "1 hour" if hours == 1 else f"{hours} hours"
