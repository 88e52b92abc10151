"""The life of an issue, arrow by arrow."""

from __future__ import annotations

from itertools import product

import pytest

from publisher.errors import TransitionError
from publisher.issues.life import ARROWS, PUBLIC, State, check_arrow

ALLOWED = {
    "scheduled": "assembling skipped cancelled",
    "assembling": "awaiting_approval ready skipped cancelled",
    "awaiting_approval": "assembling ready cancelled",
    "ready": "assembling sending cancelled",
    "sending": "paused sent partial failed cancelled",
    "paused": "sending cancelled",
    # What was in doubt is decided.
    "partial": "sending sent",
    "failed": "sending sent partial",
}


@pytest.mark.parametrize(("source", "target"), list(product(State, State)))
def test_an_issue_goes_along_the_arrows_of_its_life_and_no_others(
    source: State, target: State
) -> None:
    if target in ALLOWED.get(source, "").split():
        check_arrow(source, target)
    else:
        with pytest.raises(TransitionError, match=f"can't go from {source} to {target}"):
            check_arrow(source, target)


def test_every_state_has_its_arrows_and_can_be_reached() -> None:
    assert set(ARROWS) == set(State)
    assert {State.SCHEDULED}.union(*ARROWS.values()) == set(State)


def test_only_an_end_of_which_something_may_be_in_doubt_can_be_left_again() -> None:
    ends = {State.SENT, State.PARTIAL, State.FAILED, State.SKIPPED, State.CANCELLED}
    assert {end for end in ends if ARROWS[end]} == {State.PARTIAL, State.FAILED}


def test_whatever_may_still_be_sent_or_was_has_a_page() -> None:
    assert set(State) - PUBLIC == {State.SCHEDULED, State.SKIPPED, State.CANCELLED}
