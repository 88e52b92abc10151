"""The life of an issue, arrow by arrow."""

from __future__ import annotations

from itertools import product

import pytest

from publisher.errors import TransitionError
from publisher.issues.states import (
    ISSUE_TRANSITIONS,
    STATES_WITH_PAGE,
    IssueState,
    check_transition,
)

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


@pytest.mark.parametrize(("source", "target"), list(product(IssueState, IssueState)))
def test_an_issue_goes_along_the_arrows_of_its_life_and_no_others(
    source: IssueState, target: IssueState
) -> None:
    if target in ALLOWED.get(source, "").split():
        check_transition(source, target)
    else:
        with pytest.raises(TransitionError, match=f"can't go from {source} to {target}"):
            check_transition(source, target)


def test_every_state_has_its_arrows_and_can_be_reached() -> None:
    assert set(ISSUE_TRANSITIONS) == set(IssueState)
    assert {IssueState.SCHEDULED}.union(*ISSUE_TRANSITIONS.values()) == set(IssueState)


def test_only_an_end_of_which_something_may_be_in_doubt_can_be_left_again() -> None:
    ends = {
        IssueState.SENT,
        IssueState.PARTIAL,
        IssueState.FAILED,
        IssueState.SKIPPED,
        IssueState.CANCELLED,
    }
    assert {end for end in ends if ISSUE_TRANSITIONS[end]} == {
        IssueState.PARTIAL,
        IssueState.FAILED,
    }


def test_whatever_may_still_be_sent_or_was_has_a_page() -> None:
    assert set(IssueState) - STATES_WITH_PAGE == {
        IssueState.SCHEDULED,
        IssueState.SKIPPED,
        IssueState.CANCELLED,
    }
