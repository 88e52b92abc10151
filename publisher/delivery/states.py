"""Where a delivery stands, and which way it may go from there. Pure.

    pending ──> claimed ──> attempting ──> sent | bounced | failed | in_doubt | suppressed
       ^           │            │
       └───────────┴────────────┴──> deferred ──> claimed | bounced
    claimed ──> suppressed              pending, deferred ──> cancelled
    in_doubt ──> whatever an attempt may come to, or pending

A row is `attempting` before any of its message may leave, so that what was cut off is known to
have been under way. Only `claimed` and `attempting` rows are anybody's.
"""

from __future__ import annotations

from enum import StrEnum


class DeliveryState(StrEnum):
    """Where one delivery stands."""

    PENDING = "pending"
    CLAIMED = "claimed"
    ATTEMPTING = "attempting"
    SENT = "sent"
    DEFERRED = "deferred"
    BOUNCED = "bounced"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"


S = DeliveryState

DELIVERY_TRANSITIONS: dict[DeliveryState, frozenset[DeliveryState]] = {
    S.PENDING: frozenset({S.CLAIMED, S.CANCELLED}),
    # As it was again: put off by a rate, paused, or its holder is gone.
    S.CLAIMED: frozenset({S.ATTEMPTING, S.PENDING, S.DEFERRED, S.SUPPRESSED}),
    S.ATTEMPTING: frozenset(
        {S.SENT, S.DEFERRED, S.BOUNCED, S.FAILED, S.IN_DOUBT, S.PENDING, S.SUPPRESSED}
    ),
    # Bounced: a refusal that is believed once the same server has accepted something.
    S.DEFERRED: frozenset({S.CLAIMED, S.BOUNCED, S.CANCELLED}),
    # The answer came after all; or a person, or the newsletter's policy, has decided.
    S.IN_DOUBT: frozenset({S.SENT, S.DEFERRED, S.BOUNCED, S.FAILED, S.PENDING, S.SUPPRESSED}),
    S.SENT: frozenset(),
    S.BOUNCED: frozenset(),
    S.FAILED: frozenset(),
    S.SUPPRESSED: frozenset(),
    S.CANCELLED: frozenset(),
}

# What is still to be done; all others are at their end, or wait for a person.
OPEN_STATES = (S.PENDING, S.CLAIMED, S.ATTEMPTING, S.DEFERRED)
# What nobody holds, and may be taken up.
CLAIMABLE_STATES = (S.PENDING, S.DEFERRED)
