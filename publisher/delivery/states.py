"""The states of a delivery and the transitions between them. Pure.

    pending ──> claimed ──> attempting ──> sent | bounced | failed | in_doubt | suppressed
       ^           │            │
       └───────────┴────────────┴──> deferred ──> claimed | bounced
    claimed, pending, deferred ──> suppressed       pending, deferred ──> cancelled
    pending ──> failed                  no mail of its variant could be made for too long
    in_doubt ──> any result of an attempt, or pending
    bounced, failed ──> pending             a person has them tried again

A recovered row takes the state that it had come to since, or `in_doubt` (`lineage.evidence`). `attempting` is
committed before the first byte of a message leaves. Only `claimed` and `attempting` rows are held by a lease.
"""

from collections.abc import Mapping
from enum import StrEnum


class DeliveryState(StrEnum):
    """The state of one delivery."""

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


_S = DeliveryState

# Still to be done. All other states are final, or wait for an operator.
OPEN_STATES = (_S.PENDING, _S.CLAIMED, _S.ATTEMPTING, _S.DEFERRED)
CLAIMABLE_STATES = (_S.PENDING, _S.DEFERRED)  # held by no lease; may be claimed
HELD_STATES = (_S.CLAIMED, _S.ATTEMPTING)  # held by a lease, which their rows name
# In reports, these three are one: waiting.
WAITING_STATES = (_S.PENDING, _S.CLAIMED, _S.ATTEMPTING)
# Each has a count of its own in reports.
REPORTED_STATES = (
    *(_S.SENT, _S.DEFERRED, _S.BOUNCED, _S.FAILED),
    *(_S.IN_DOUBT, _S.SUPPRESSED, _S.CANCELLED),
)
# The mail was not accepted, for a reason that is known.
FAILURE_STATES = (_S.DEFERRED, _S.BOUNCED, _S.FAILED)
UNSENT_STATES = (*FAILURE_STATES, _S.IN_DOUBT)  # an attempt was made, and no success is known


def reported_state(state: str) -> str:
    return "waiting" if state in WAITING_STATES else str(state)


def summarise_counts(count: Mapping[str, int]) -> dict[str, int]:
    shown: dict[str, int] = {state.value: count.get(state, 0) for state in REPORTED_STATES}
    return shown | {"waiting": sum(count.get(state, 0) for state in WAITING_STATES)}
