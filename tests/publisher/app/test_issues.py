"""What operators decide about an issue, and what they can't."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from publisher.app import issues
from publisher.errors import IssueError, UsageError
from publisher.issues.model import IssueState
from publisher.issues.tables import issue_table
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import ready, state_of

NAME = "weekly-en-2026-01-09"
CHANGES: dict[str, Callable[..., object]] = {
    "pause": partial(issues.pause, reason=None, now=NOW),
    "resume": partial(issues.resume, now=NOW),
    "cancel": partial(issues.cancel, reason=None, now=NOW),
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
        CHANGES[verb](publication.database, NAME)
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
        issues.cancel(publication.database, name, None, NOW)
    assert state_of(publication) == IssueState.READY
