"""The schedule is changed while issues are made already: none goes out at the old hour, or twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from publisher.app.attention import list_attention
from publisher.app.issue_sending import schedule_issue, send_now, undo_sending
from publisher.delivery.issue_opening import open_due_issues
from publisher.issues.model import UNSCHEDULED, IssueReason, IssueState
from publisher.issues.tables import issue_table
from tests.publisher.app.approving import (
    DAY,
    DUE,
    HOUR,
    NAME,
    TERMINAL,
    approve,
    cycle,
    fill,
    issue_of,
    newsletter,
    person,
    state_of_editors,
)
from tests.publisher.conftest import PublicationFolder

Make = Callable[..., PublicationFolder]


def terms(**changes: Any) -> dict[str, Any]:
    return newsletter(approval="none", lead=24) | changes


@pytest.fixture
def made(new_publication: Make) -> PublicationFolder:
    """The issue of Friday is ready a day before it is due, at midnight."""
    publication = new_publication(languages=["en"], newsletters=[terms()])
    fill(publication)
    cycle(publication, DUE - DAY)
    assert issue_of(publication).state is IssueState.READY
    return publication


def reload(publication: PublicationFolder, **changes: Any) -> None:
    publication.reload(languages=["en"], newsletters=[terms(**changes)])


def test_an_issue_goes_out_at_the_new_hour_of_its_day_once(made: PublicationFolder) -> None:
    reload(made, schedule="0 5 * * FRI")
    cycle(made, DUE - HOUR)
    assert (issue_of(made).due_at, issue_of(made).send_at) == (DUE + 5 * HOUR,) * 2
    assert cycle(made, DUE).taken == []
    assert len(cycle(made, DUE + 5 * HOUR).taken) == 1
    assert cycle(made, DUE + 6 * HOUR).taken == []


def test_an_issue_whose_day_is_gone_is_held_and_its_articles_do_not_go_out_twice(
    made: PublicationFolder,
) -> None:
    reload(made, schedule="0 0 * * SAT")
    made.at(DUE - HOUR).write("en/rain.md", "Rain.", title="Rain", date="2026-01-08")
    assert cycle(made, DUE).taken == []
    held = issue_of(made)
    assert (held.send_at, held.reason, held.reason_key) == (
        None,
        UNSCHEDULED,
        IssueReason.NOT_IN_SCHEDULE,
    )
    items = list_attention(state_of_editors(made), TERMINAL)[1]
    assert ("unscheduled", UNSCHEDULED, NAME) in [
        (one.kind, one.text, one.name) for one in items
    ]
    (mail,) = cycle(made, DUE + DAY).taken
    assert b"Rain" in mail.message.content
    assert b"Tides" not in mail.message.content
    state = state_of_editors(made)
    assert schedule_issue(state, TERMINAL, NAME, DUE + DAY + HOUR).reason is None
    (late,) = cycle(made, DUE + DAY + HOUR).taken
    assert b"Tides" in late.message.content
    assert b"Rain" not in late.message.content
    assert {row["state"] for row in made.rows(issue_table)} == {"sent"}


@pytest.mark.parametrize("gone", [{"schedule": "0 0 * * SAT"}, {"skip_dates": [DUE.date()]}])
def test_an_issue_goes_out_if_the_schedule_gets_its_day_back(
    made: PublicationFolder, gone: dict[str, Any]
) -> None:
    reload(made, **gone)
    cycle(made, DUE - 3 * HOUR)
    assert issue_of(made).send_at is None
    reload(made)
    cycle(made, DUE - 2 * HOUR)
    assert (issue_of(made).send_at, issue_of(made).reason) == (DUE, None)
    assert len(cycle(made, DUE).taken) == 1


def test_an_issue_whose_day_comes_back_too_late_stays_held(made: PublicationFolder) -> None:
    reload(made, schedule="0 0 * * SAT")
    cycle(made, DUE)
    reload(made)
    assert cycle(made, DUE + HOUR).taken == []
    held = issue_of(made)
    assert (held.state, held.send_at, held.is_unscheduled) == (IssueState.READY, None, False)


def test_a_time_that_somebody_chose_counts_whatever_the_schedule_says(
    made: PublicationFolder,
) -> None:
    state = state_of_editors(made)
    schedule_issue(state, TERMINAL, NAME, DUE + 2 * HOUR)
    reload(made, schedule="0 5 * * FRI")
    assert cycle(made, DUE).taken == []
    assert len(cycle(made, DUE + 2 * HOUR).taken) == 1


def test_undoing_send_now_holds_what_the_schedule_does_not_have(
    made: PublicationFolder,
) -> None:
    reload(made, schedule="0 0 * * SAT")
    cycle(made, DUE - HOUR)
    send_now(state_of_editors(made), TERMINAL, NAME)
    assert undo_sending(state_of_editors(made), TERMINAL, NAME).send_at is None
    assert cycle(made, DUE).taken == []


@pytest.mark.parametrize("schedule", ["0 0 * * SAT", "0 5 * * FRI"])
def test_an_issue_is_not_opened_at_the_old_hour_before_a_cycle_has_looked(
    made: PublicationFolder, schedule: str
) -> None:
    cycle(made, DUE - HOUR)
    reload(made, schedule=schedule)
    with made.database.writing() as connection:
        open_due_issues(connection, made.settings, DUE)
    assert issue_of(made).state is not IssueState.SENDING
    assert issue_of(made).send_at in {None, DUE + 5 * HOUR}


def test_an_approved_issue_is_approved_again_for_another_hour_and_says_why_it_is_held(
    new_publication: Make,
) -> None:
    publication = new_publication(languages=["en"], newsletters=[newsletter()])
    fill(publication)
    cycle(publication, DUE - DAY)
    ann = person(publication, "ann")
    approve(publication, ann)
    changed = newsletter(schedule="0 5 * * FRI")
    publication.reload(languages=["en"], newsletters=[changed])
    cycle(publication, DUE - HOUR)
    waiting = issue_of(publication)
    assert (waiting.state, waiting.send_at) == (
        IssueState.AWAITING_APPROVAL,
        DUE + 5 * HOUR,
    )
    publication.reload(languages=["en"], newsletters=[newsletter(schedule="0 0 * * SAT")])
    cycle(publication, DUE)
    assert issue_of(publication).reason == f"0 of 1 approvals; {UNSCHEDULED}"
    assert approve(publication, ann).issue.send_at is None
    assert cycle(publication, DUE + 5 * HOUR).taken == []
    assert issue_of(publication).reason == UNSCHEDULED
