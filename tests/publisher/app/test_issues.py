"""What operators decide about an issue, and what they can't."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from publisher.accounts.actor import terminal_actor
from publisher.app import issue_control
from publisher.app.editing_state import Actor, EditingState
from publisher.errors import IssueError, UsageError
from publisher.issues.model import IssueState
from publisher.issues.tables import issue_table
from tests.publisher.conftest import PublicationFolder, editing_state
from tests.publisher.delivery.mailing import ready, state_of

NAME = "weekly-en-2026-01-09"
CHANGES: dict[str, Callable[[EditingState, Actor, str], object]] = {
    "pause": issue_control.pause_sending,
    "resume": issue_control.resume_sending,
    "cancel": issue_control.cancel_sending,
}
SENT_ALREADY = "sent mail can't be recalled, so correct it in the next issue"
NOT_BEING_SENT = "only an issue that is being sent can be paused"


@pytest.mark.parametrize(
    ("state", "verb", "complaint"),
    [
        ("sent", "pause", f"is sent, and can't become paused; {NOT_BEING_SENT}"),
        ("ready", "pause", f"is ready, and can't become paused; {NOT_BEING_SENT}"),
        ("sent", "cancel", f"is sent, and can't become cancelled; {SENT_ALREADY}"),
        ("partial", "cancel", f"is partial, and can't become cancelled; {SENT_ALREADY}"),
        ("paused", "pause", "is paused already"),
        ("cancelled", "cancel", "is cancelled already"),
        *(
            (
                state,
                "resume",
                f"is {state}, not paused; `publisher status` shows which issues are paused",
            )
            for state in ("ready", "sending", "sent", "partial", "cancelled")
        ),
    ],
)
def test_an_impossible_change_of_state_names_a_remedy(
    publication: PublicationFolder, state: str, verb: str, complaint: str
) -> None:
    ready(publication)
    with publication.database.writing() as connection:
        connection.execute(issue_table.update().values(state=state))
    with pytest.raises(IssueError) as refusal:
        CHANGES[verb](editing_state(publication), terminal_actor(), NAME)
    assert str(refusal.value) == f"{NAME}: {complaint}"
    assert state_of(publication) == IssueState(state)


@pytest.mark.parametrize(
    "name", ["", "weekly", "Weekly-en-2026-01-09", "weekly-en-%", "a' OR 1"]
)
def test_an_issue_is_found_by_its_whole_name_only(
    publication: PublicationFolder, name: str
) -> None:
    ready(publication)
    with pytest.raises(UsageError, match="no such issue"):
        issue_control.cancel_sending(editing_state(publication), terminal_actor(), name)
    assert state_of(publication) == IssueState.READY
