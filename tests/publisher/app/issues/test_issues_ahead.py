"""Issues that are made before they are due: what goes into them, when they go out, and new schedules."""

import re
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from publisher.app.issues.lookup import issues_made_ahead, list_upcoming
from publisher.app.issues.sending import schedule_issue, send_now, undo_sending
from publisher.app.operation.attention import list_attention
from publisher.delivery.issue_opening import open_due_issues
from publisher.issues.model import UNSCHEDULED, IssueReason, IssueState
from publisher.issues.tables import issue_table
from publisher.testing import MemoryTransport
from tests.publisher.app.approving import (
    DAY,
    DUE,
    HOUR,
    NAME,
    TERMINAL,
    approve,
    cycle,
    issue_of,
    newsletter,
)
from tests.publisher.conftest import PublicationFolder, editing_state
from tests.publisher.mail.samples import parsed
from tests.publisher.printing import pipeline_of, public
from tests.publisher.starting_points import Point, StartingPoint, actor_of

PAGE = "en/weekly/2026-01-09/index.html"


@pytest.fixture
def ahead(starting_point: StartingPoint) -> StartingPoint:
    """Make a publication with a lead of a day, and the issue a day before it is due."""
    return partial(starting_point, Point.WAITING, approval="none", lead=24)


def sound_cycle(publication: PublicationFolder, at: datetime) -> MemoryTransport:
    transport = MemoryTransport()
    report = pipeline_of(publication.at(at), transport).run()
    assert report.problems == []
    return transport


def test_an_issue_is_ready_before_its_hour_and_neither_shown_nor_sent(
    ahead: StartingPoint,
) -> None:
    publication = ahead(before=DAY + HOUR)
    assert publication.rows(issue_table) == []
    assert sound_cycle(publication, DUE - DAY).taken == []
    assert issue_of(publication).state is IssueState.READY
    assert not (public(publication) / PAGE).exists()
    home = public(publication) / "en/index.html"
    assert "2026-01-09" not in home.read_text()
    assert len(sound_cycle(publication, DUE).taken) == 1
    assert issue_of(publication).state is IssueState.SENT
    assert (public(publication) / PAGE).exists()
    assert "weekly/2026-01-09" in home.read_text()


def test_what_is_made_ahead_follows_corrections_and_later_articles_wait_for_the_next(
    ahead: StartingPoint,
) -> None:
    publication = ahead()
    publication.write("en/rain.md", "It rains.", title="Rain", date="2026-01-08")
    publication.write("en/tides.md", "The tide is late.", title="Tides", date="2026-01-05")
    sound_cycle(publication, DUE - HOUR)
    (mail,) = sound_cycle(publication, DUE).messages
    assert b"The tide is late." in mail.content
    assert b"Rain" not in mail.content
    sound_cycle(publication, DUE + 6 * DAY)
    (mail,) = sound_cycle(publication, DUE + 7 * DAY).messages
    assert b"Rain" in mail.content
    assert b"Tides" not in mail.content


def test_an_issue_that_comes_to_its_hour_too_late_is_skipped_and_gives_its_articles_back(
    ahead: StartingPoint,
) -> None:
    publication = ahead(late="skip")
    assert sound_cycle(publication, DUE + 2 * HOUR).taken == []
    skipped = issue_of(publication)
    assert (skipped.state, skipped.reason_key) == (IssueState.SKIPPED, IssueReason.LATE)
    assert skipped.reason == "2 hours late, and late = skip"
    sound_cycle(publication, DUE + 6 * DAY)
    (mail,) = sound_cycle(publication, DUE + 7 * DAY).messages
    assert b"Tides" in mail.content


def test_what_is_made_ahead_is_planned_for_its_hour_and_says_how_far_it_is(
    ahead: StartingPoint,
) -> None:
    publication = ahead()
    found = list_upcoming(publication.settings, publication.database, DUE - HOUR, 2)
    with publication.database.reading() as connection:
        (made,) = issues_made_ahead(connection, publication.settings, DUE - HOUR)
        assert made == found[0]
        assert not [*issues_made_ahead(connection, publication.settings, DUE)]
    assert [(one.issue.due_at, bool(one.issue.id), one.issue.state) for one in found] == [
        (DUE, True, IssueState.READY),
        (DUE + 7 * DAY, False, IssueState.SCHEDULED),
    ]


def test_with_the_hour_of_each_subscriber_the_lead_counts_from_the_begin_of_the_day(
    ahead: StartingPoint,
) -> None:
    begin = DUE - 14 * HOUR  # of 9 January in the earliest zone
    publication = ahead(before=14 * HOUR + DAY, local_time=True, schedule="0 9 * * FRI")
    assert issue_of(publication).state is IssueState.READY
    assert sound_cycle(publication, begin).taken == []
    assert issue_of(publication).state is IssueState.SENDING
    assert len(sound_cycle(publication, DUE + 9 * HOUR).taken) == 1


def test_a_link_to_another_language_leads_to_a_page_even_if_that_one_is_held(
    starting_point: StartingPoint,
) -> None:
    terms = {"approval": "none", "lead": 24, "edition": {"ar": {"approval": "one"}}}
    publication = starting_point(Point.WAITING, "en", "ar", **terms)
    (mail,) = sound_cycle(publication, DUE).taken
    assert issue_of(publication, "weekly-ar-2026-01-09").state is IssueState.AWAITING_APPROVAL
    root = publication.settings.publication.url
    html = parsed(mail.message.content).get_body(("html",))
    assert html is not None
    found = re.findall(rf'href="({re.escape(root)}/ar/weekly/[^"]*)"', html.get_content())
    links = {link.removeprefix(root).strip("/") for link in found}
    assert links == {"ar/weekly"}
    assert (public(publication) / "ar/weekly/index.html").exists()


# --- a new schedule: nothing goes out at the old hour, or twice


def terms(**changes: Any) -> dict[str, Any]:
    return newsletter(approval="none", lead=24) | changes


@pytest.fixture
def made(starting_point: StartingPoint) -> PublicationFolder:
    """The issue of Friday is ready a day before it is due, at midnight."""
    publication = starting_point(Point.WAITING, approval="none", lead=24)
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
    items = list_attention(editing_state(made), TERMINAL)[1]
    assert ("unscheduled", UNSCHEDULED, NAME) in [
        (one.kind, one.text, one.name) for one in items
    ]
    (mail,) = cycle(made, DUE + DAY).taken
    assert b"Rain" in mail.message.content
    assert b"Tides" not in mail.message.content
    state = editing_state(made)
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
    state = editing_state(made)
    schedule_issue(state, TERMINAL, NAME, DUE + 2 * HOUR)
    reload(made, schedule="0 5 * * FRI")
    assert cycle(made, DUE).taken == []
    assert len(cycle(made, DUE + 2 * HOUR).taken) == 1


def test_undoing_send_now_holds_what_the_schedule_does_not_have(
    made: PublicationFolder,
) -> None:
    reload(made, schedule="0 0 * * SAT")
    cycle(made, DUE - HOUR)
    send_now(editing_state(made), TERMINAL, NAME)
    assert undo_sending(editing_state(made), TERMINAL, NAME).send_at is None
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
    starting_point: StartingPoint,
) -> None:
    publication = starting_point(Point.APPROVED)
    changed = newsletter(schedule="0 5 * * FRI")
    publication.reload(languages=["en"], newsletters=[changed])
    cycle(publication, DUE - HOUR)
    waiting = issue_of(publication)
    assert (waiting.state, waiting.send_at) == (IssueState.AWAITING_APPROVAL, DUE + 5 * HOUR)
    publication.reload(languages=["en"], newsletters=[newsletter(schedule="0 0 * * SAT")])
    cycle(publication, DUE)
    assert issue_of(publication).reason == f"0 of 1 approvals; {UNSCHEDULED}"
    assert approve(publication, actor_of(publication)).issue.send_at is None
    assert cycle(publication, DUE + 5 * HOUR).taken == []
    assert issue_of(publication).reason == UNSCHEDULED
