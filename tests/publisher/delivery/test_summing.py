"""What people are shown of an issue's deliveries adds up to what was planned."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from publisher.delivery.states import OPEN_STATES, DeliveryState
from publisher.delivery.summing import REPORTED_STATES, WAITING_STATES, summarize_counts

COUNTS = st.dictionaries(st.sampled_from(DeliveryState), st.integers(0, 10**7))


@given(COUNTS)
def test_every_delivery_is_counted_once(count: dict[str, int]) -> None:
    assert sum(summarize_counts(count).values()) == sum(count.values())


def test_every_state_is_either_shown_or_waiting() -> None:
    assert sorted([*REPORTED_STATES, *WAITING_STATES]) == sorted(DeliveryState)
    # What a server has put off is still to be done, and yet worth a number of its own.
    assert {*WAITING_STATES} == {*OPEN_STATES} - {DeliveryState.DEFERRED}


def test_all_numbers_are_there_in_their_order_zeros_too() -> None:
    assert summarize_counts({}) == dict.fromkeys(
        [
            *("sent", "deferred", "bounced", "failed", "in_doubt", "suppressed"),
            *("cancelled", "waiting"),
        ],
        0,
    )
    assert [*summarize_counts({})][-1] == "waiting"
