"""The states of an issue and the transitions between them."""

import pytest

from publisher.errors import TransitionError
from publisher.issues.model import ISSUE_TRANSITIONS, IssueState, check_transition


def test_other_transitions_are_refused() -> None:
    for source, targets in ISSUE_TRANSITIONS.items():
        for target in set(IssueState) - targets:
            with pytest.raises(TransitionError, match=f"can't go from {source} to {target}"):
                check_transition(source, target)


def test_every_state_can_be_reached_and_no_sent_issue_is_sent_again() -> None:
    assert {IssueState.SCHEDULED}.union(*ISSUE_TRANSITIONS.values()) == set(IssueState)
    for end in (IssueState.SENT, IssueState.SKIPPED, IssueState.CANCELLED):
        assert not ISSUE_TRANSITIONS[end]
