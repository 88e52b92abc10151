"""An issue's deliveries as people count them: what is under way is waiting. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from publisher.delivery.states import DeliveryState

S = DeliveryState

REPORTED_STATES = (
    S.SENT,
    S.DEFERRED,
    S.BOUNCED,
    S.FAILED,
    S.IN_DOUBT,
    S.SUPPRESSED,
    S.CANCELLED,
)
WAITING_STATES = (S.PENDING, S.CLAIMED, S.ATTEMPTING)


def summarize_counts(count: Mapping[str, int]) -> dict[str, int]:
    """Give the counts that add up to what was planned, in their order, zeros and all."""
    shown: dict[str, int] = {state.value: count.get(state, 0) for state in REPORTED_STATES}
    return shown | {"waiting": sum(count.get(state, 0) for state in WAITING_STATES)}
