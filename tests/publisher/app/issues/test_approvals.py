"""What has to be approved is sent as it was approved, or not at all."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from publisher.accounts.model import Grant, Role
from publisher.accounts.store import disable_account
from publisher.app.issues.approvals import read_approvals, request_changes
from publisher.app.issues.corrections import CorrectionRequest, correct_issue
from publisher.app.issues.edits import EditRequest, edit_issue
from publisher.app.issues.sending import hold_issue, schedule_issue
from publisher.delivery.issue_opening import open_due_issues
from publisher.errors import ForbiddenError, IssueError
from publisher.issues.editing import EditKind
from publisher.issues.model import IssueReason, IssueState
from publisher.rendering import renderer
from publisher.testing import MemoryTransport
from tests.publisher.app.approving import (
    DAY,
    DUE,
    HOUR,
    NAME,
    TERMINAL,
    approve,
    approve_issue,
    cycle,
    issue_of,
    manifest_of,
    newsletter,
    person,
)
from tests.publisher.app.editing import audit_log
from tests.publisher.conftest import NOW, PublicationFolder, editing_state
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of, public
from tests.publisher.starting_points import Point, StartingPoint, actor_of

pytestmark = pytest.mark.usefixtures("issue_pages_only")
Make = Callable[..., PublicationFolder]


@pytest.fixture
def make(starting_point: StartingPoint) -> Make:
    """Make a publication whose issue is made, a day before it is due, and waits for approval."""
    return partial(starting_point, Point.WAITING)


@pytest.fixture
def approved(starting_point: StartingPoint) -> Make:
    """Make one whose issue was approved by Ann."""
    return partial(starting_point, Point.APPROVED)


def states(publication: PublicationFolder, *languages: str) -> list[IssueState]:
    return [issue_of(publication, f"weekly-{tag}-2026-01-09").state for tag in languages]


def open_at(publication: PublicationFolder, at: datetime) -> None:
    """Open the ledgers that are due, and send nothing yet."""
    pipeline_of(publication.at(at)).prepare()
    with publication.database.writing() as connection:
        open_due_issues(connection, publication.settings, at)


def test_without_approval_an_issue_is_neither_shown_nor_sent_and_with_it_at_its_hour(
    make: Make,
) -> None:
    publication = make()
    waiting = issue_of(publication)
    assert waiting.state is IssueState.AWAITING_APPROVAL
    assert waiting.reason == "0 of 1 approvals"
    assert cycle(publication, DUE + HOUR).taken == []
    held = issue_of(publication)
    assert held.state is IssueState.AWAITING_APPROVAL
    assert held.reason == "held at its hour: 0 of 1 approvals"
    assert held.reason_key == IssueReason.NOT_APPROVED
    assert not (public(publication) / "en/weekly/2026-01-09/index.html").exists()
    publication = make()
    view = approve(publication, person(publication, "ann"))
    assert view.count.approvers == ("ann@example.org",)
    assert view.issue.state is IssueState.READY
    assert cycle(publication, DUE - HOUR).taken == []
    assert len(cycle(publication, DUE).taken) == 1


def test_each_language_is_approved_by_itself(make: Make) -> None:
    publication = make("en", "ar")
    ann = person(publication, "ann", Grant(Role.APPROVER, "ar"))
    approve(publication, ann, "weekly-ar-2026-01-09")
    with pytest.raises(ForbiddenError, match="approve in en"):
        approve(publication, ann)
    assert len(cycle(publication, DUE).taken) == 1
    assert states(publication, "ar", "en") == [IssueState.SENT, IssueState.AWAITING_APPROVAL]


def test_nobody_approves_what_he_or_she_edited_even_alone_but_the_terminal_does(
    make: Make,
) -> None:
    publication = make()
    ann = person(publication, "ann", Grant(Role.ADMINISTRATOR))
    state = editing_state(publication)
    edit_issue(state, ann, NAME, EditRequest(EditKind.SUBJECT, "Mine"))
    for actor in (ann, replace(ann, via="api")):
        with pytest.raises(IssueError, match=r"ann@example\.org has edited it"):
            approve(publication, actor)
    assert read_approvals(state, ann, NAME).rows == ()
    assert approve(publication, TERMINAL).issue.state is IssueState.READY


def test_two_different_people_have_to_approve_and_who_does_so_twice_counts_once(
    make: Make,
) -> None:
    publication = make(approval="two")
    ann, bob = person(publication, "ann"), person(publication, "bob")
    for _ in range(2):
        view = approve(publication, ann)
        assert (view.count.reason, len(view.rows)) == ("1 of 2 approvals", 1)
    # The audience has changed, and is signed anew.
    subscribe(publication, ("new@example.com", "en"))
    assert len(approve(publication, ann).rows) == 2
    assert approve(publication, bob).issue.state is IssueState.READY
    assert [row.actor for row in approve(publication, bob).rows] == [*[ann.name] * 2, bob.name]
    verbs = [one.verb for one in audit_log(editing_state(publication))]
    assert verbs.count("approve") == 3


def test_an_edit_strikes_an_approval_and_an_edit_that_is_undone_brings_it_back(
    make: Make,
) -> None:
    publication = make()
    ann, state = person(publication, "ann"), editing_state(publication)
    approve(publication, ann)
    edited = edit_issue(state, TERMINAL, NAME, EditRequest(EditKind.SUBJECT, "Other"))
    assert edited.issue.state is IssueState.AWAITING_APPROVAL
    view = read_approvals(state, ann, NAME)
    assert [view.is_struck(row) for row in view.rows] == [True]
    undone = edit_issue(state, TERMINAL, NAME, 1)
    assert undone.issue.state is IssueState.READY
    view = read_approvals(state, ann, NAME)
    assert [view.is_struck(row) for row in view.rows] == [False]


@pytest.mark.parametrize("change", ["article", "template", "sender", "schedule"])
def test_whatever_changes_what_is_sent_strikes_an_approval(
    approved: Make, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publication = approved()
    old = issue_of(publication).revision
    if change == "article":
        publication.write("en/tides.md", "Other words.", title="Tides", date="2026-01-05")
    elif change == "template":
        monkeypatch.setattr(
            renderer, "templates_fingerprint", lambda *_folders: "other templates"
        )
    elif change == "sender":
        sender = "Somebody Else <digest@news.example.org>"
        publication.reload(languages=["en"], newsletters=[newsletter()], sender=sender)
    else:
        later = newsletter(schedule="0 1 * * FRI")
        publication.reload(languages=["en"], newsletters=[later])
    assert cycle(publication, DUE - HOUR).taken == []
    changed = issue_of(publication)
    assert changed.state is IssueState.AWAITING_APPROVAL
    assert changed.revision > old
    assert cycle(publication, DUE + 2 * HOUR).taken == []


def test_what_was_read_is_what_is_approved(make: Make) -> None:
    publication = make()
    ann, state = person(publication, "ann"), editing_state(publication)
    read = manifest_of(publication)
    edit_issue(state, TERMINAL, NAME, EditRequest(EditKind.SUBJECT, "Other"))
    with pytest.raises(
        IssueError, match="changed meanwhile: its mail or its page, what editors changed"
    ):
        approve_issue(state, ann, NAME, read)
    with pytest.raises(IssueError, match="never was as that manifest says"):
        approve_issue(state, ann, NAME, "0" * 64)
    assert issue_of(publication).state is IssueState.AWAITING_APPROVAL


def test_what_changed_since_it_was_assembled_is_not_approved_but_assembled_again(
    make: Make,
) -> None:
    publication = make()
    ann, state = person(publication, "ann"), editing_state(publication)
    read = manifest_of(publication)
    publication.pick_up_file("en/tides.md", "Other words.", title="Tides", date="2026-01-05")
    with pytest.raises(IssueError, match="articles that its subscribers may get"):
        approve_issue(state, ann, NAME, read)
    assert manifest_of(publication) != read
    assert approve(publication, ann).issue.state is IssueState.READY


@pytest.mark.parametrize("change", ["account", "article"])
def test_what_changes_right_before_the_ledger_is_opened_stops_it(
    make: Make, change: str
) -> None:
    publication = make()
    ann = person(publication, "ann")
    person(publication, "root", Grant(Role.ADMINISTRATOR))
    approve(publication, ann)
    transport = MemoryTransport()
    machine = pipeline_of(publication.at(DUE), transport)
    machine.prepare()
    if change == "account":
        with publication.database.writing() as connection:
            disable_account(connection, ann.account_id or 0, NOW)
    else:
        publication.pick_up_file(
            "en/tides.md", "Other words.", title="Tides", date="2026-01-05"
        )
    machine.deliver()
    assert transport.taken == []
    waiting = issue_of(publication)
    assert waiting.state is IssueState.AWAITING_APPROVAL
    if change == "article":
        what = "articles that its subscribers may get"
        assert waiting.reason == f"changed since it was approved: {what}"


def test_a_header_that_changes_while_an_issue_is_sent_holds_what_is_left(
    approved: Make,
) -> None:
    publication = approved()
    open_at(publication, DUE)
    assert issue_of(publication).state is IssueState.SENDING
    sender = "Somebody Else <digest@news.example.org>"
    publication.reload(languages=["en"], newsletters=[newsletter()], sender=sender)
    transport = MemoryTransport()
    report = pipeline_of(publication.at(DUE + HOUR), transport).run()
    assert transport.taken == []
    assert report.problems == [
        f"{NAME}: the sender changed since it was approved; set it back, or cancel the issue"
    ]


def test_an_issue_with_an_article_under_an_embargo_is_not_approved(make: Make) -> None:
    publication = make()
    ann, tides = person(publication, "ann"), publication.one("tides")
    # The clock of the machine was wrong when the issue was made.
    publication.at(tides.available_at - HOUR)
    with pytest.raises(
        IssueError, match=r"“\w+” is under an embargo until \d{4}-\d\d-\d\d \d\d:\d\d UTC"
    ):
        approve(publication, ann)
    assert not read_approvals(editing_state(publication), ann, NAME).rows
    publication.at(DUE - HOUR)
    assert approve(publication, ann).issue.state is IssueState.READY


def test_changes_are_asked_for_and_hold_the_issue_until_it_changes(approved: Make) -> None:
    publication = approved()
    ann, bob = actor_of(publication), person(publication, "bob")
    state, manifest = editing_state(publication), manifest_of(publication)
    with pytest.raises(IssueError, match="say what"):
        request_changes(state, bob, NAME, manifest, " ")
    view = request_changes(state, bob, NAME, manifest, "the second title is wrong")
    assert view.issue.state is IssueState.AWAITING_APPROVAL
    assert view.issue.reason == (
        "changes requested: bob@example.org: the second title is wrong"
    )
    # A form that is sent twice.
    again = request_changes(state, bob, NAME, manifest, "the second title is wrong")
    assert (again.rows, again.issue) == (view.rows, view.issue)
    assert cycle(publication, DUE).taken == []
    edit_issue(state, TERMINAL, NAME, EditRequest(EditKind.SUBJECT, "Right"))
    assert read_approvals(state, ann, NAME).count.reason == "0 of 1 approvals"
    approve(publication, bob)
    assert len(cycle(publication, DUE + HOUR).taken) == 1


def test_changes_that_were_asked_for_hold_an_issue_that_nobody_has_to_approve_any_more(
    make: Make,
) -> None:
    publication = make("en", "ar")
    bob, state = person(publication, "bob"), editing_state(publication)
    request_changes(state, bob, NAME, manifest_of(publication), "the title")
    lowered = newsletter(approval="none", lead=24)
    publication.reload(languages=["en", "ar"], newsletters=[lowered])
    (mail,) = cycle(publication, DUE).taken
    assert mail.folder == f"weekly/ar/{DUE:%F}"
    assert issue_of(publication).reason == (
        "held at its hour: changes requested: bob@example.org: the title; "
        "until it is changed, or they approve it"
    )
    assert approve(publication, bob).issue.state is IssueState.READY
    assert len(cycle(publication, DUE + HOUR).taken) == 1


def test_an_issue_that_is_not_approved_by_its_hour_is_skipped_if_so_set(make: Make) -> None:
    publication = make(unapproved="skip")
    assert cycle(publication, DUE).taken == []
    skipped = issue_of(publication)
    assert skipped.state is IssueState.SKIPPED
    assert skipped.reason == "not approved by its hour: 0 of 1 approvals"


def test_a_late_approval_sends_until_max_lateness_and_then_the_issue_is_skipped(
    make: Make,
) -> None:
    in_time, late = make(max_lateness=4), make(max_lateness=4)
    cycle(in_time, DUE + 3 * HOUR)
    approve(in_time, person(in_time, "ann"))
    assert len(cycle(in_time, DUE + 4 * HOUR).taken) == 1
    ann = person(late.at(DUE + 6 * HOUR), "ann")
    with pytest.raises(IssueError, match="6 hours late, more than max_lateness"):
        approve(late, ann)
    cycle(late)
    assert issue_of(late).state is IssueState.SKIPPED


def test_a_time_to_undo_counts_from_the_last_approval(make: Make) -> None:
    publication = make(undo=90)
    publication.at(DUE - HOUR)
    view = approve(publication, person(publication, "ann"))
    assert view.issue.send_at == DUE + timedelta(minutes=30)
    assert cycle(publication, DUE).taken == []
    assert len(cycle(publication, DUE + HOUR).taken) == 1


def test_an_issue_that_is_held_stays_so_when_it_is_approved(make: Make) -> None:
    publication = make()
    state = editing_state(publication)
    hold_issue(state, TERMINAL, NAME)
    approve(publication, person(publication, "ann"))
    assert cycle(publication, DUE + HOUR).taken == []
    later = DUE + 20 * DAY
    schedule_issue(editing_state(publication), TERMINAL, NAME, later)
    assert (
        len([m for m in cycle(publication, later).taken if m.folder.endswith(f"{DUE:%F}")]) == 1
    )


def test_a_setting_that_asks_for_approval_later_counts_and_without_one_nothing_is_approved(
    make: Make,
) -> None:
    terms = newsletter(approval="none", lead=24)
    publication = make(**terms)
    assert issue_of(publication).state is IssueState.READY
    publication.reload(languages=["en"], newsletters=[newsletter()])
    assert cycle(publication, DUE).taken == []
    assert issue_of(publication).state is IssueState.AWAITING_APPROVAL
    publication.reload(languages=["en"], newsletters=[terms])
    assert len(cycle(publication, DUE + HOUR).taken) == 1
    publication = make(approval="none", lead=24)
    with pytest.raises(IssueError, match="nobody has to approve it"):
        approve_issue(editing_state(publication), TERMINAL, NAME, "0" * 64)


def test_a_correction_waits_for_somebody_else_than_its_author_though_others_are_skipped(
    starting_point: StartingPoint,
) -> None:
    publication = starting_point(Point.SENT, unapproved="skip")
    ann, bob = actor_of(publication), person(publication, "bob")
    state = editing_state(publication.at(DUE + HOUR))
    request = CorrectionRequest(
        newsletter="weekly",
        day=DUE.date(),
        languages=("en",),
        subject="A wrong number",
        text="It was *four*, not five.",
    )
    (done,) = correct_issue(state, ann, request)
    assert done.mailed is not None
    name = done.mailed.name
    for hours in (1, 2, 2):
        assert cycle(publication, DUE + hours * HOUR).taken == []
    assert issue_of(publication, name).state is IssueState.AWAITING_APPROVAL
    with pytest.raises(IssueError, match=r"ann@example\.org has edited it"):
        approve(publication, ann, name)
    with pytest.raises(IssueError, match="is a correction"):
        edit_issue(state, TERMINAL, name, EditRequest(EditKind.SUBJECT, "x"))
    approve(publication, bob, name)
    # It is never too late for one.
    (mail,) = cycle(publication, DUE + 9 * DAY).messages
    assert b"A wrong number" in mail.content
    assert issue_of(publication, done.first.name).state is IssueState.SENT
