"""What could let a mail leave unlike it was approved, or an issue wait for ever or be lost."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from publisher.app.issues import approvals
from publisher.app.issues.audience_plan import plan_audience, plan_hash
from publisher.app.issues.edits import EditRequest, edit_issue
from publisher.app.operation.attention import list_attention
from publisher.app.translations import claim_translation
from publisher.articles.store import articles_by_id
from publisher.delivery.issue_opening import count_recipients, open_due_issues
from publisher.errors import IssueError
from publisher.issues import store
from publisher.issues.approvals import approvals_of
from publisher.issues.editing import EditKind
from publisher.issues.model import IssueReason, IssueState
from publisher.testing import MemoryTransport
from subscribers.preferences import pause_subscriber
from subscribers.tables import subscription
from tests.publisher.app.approval_play import GROUPS, scene_of
from tests.publisher.app.approving import (
    DAY,
    DUE,
    HOUR,
    NAME,
    TERMINAL,
    approve,
    approve_issue,
    cycle,
    fill,
    issue_of,
    manifest_of,
    newsletter,
    person,
    prefer_full_texts,
)
from tests.publisher.conftest import PublicationFolder, editing_state
from tests.publisher.delivery.mailing import number_of, subscribe
from tests.publisher.printing import pipeline_of
from tests.publisher.starting_points import Point, StartingPoint

pytestmark = pytest.mark.usefixtures("issue_pages_only")
Make = Callable[..., PublicationFolder]


@pytest.mark.parametrize("change", ["title", "address", "people", "article"])
def test_a_variant_is_rendered_from_what_was_approved_only(
    new_publication: Make, change: str
) -> None:
    publication = new_publication(languages=["en"], newsletters=[newsletter()])
    fill(publication)
    tides = {"title": "Tides", "date": "2026-01-05", "author": "A. N."}
    publication.write("en/tides.md", "Tides.", **tides)
    prefer_full_texts(publication)
    cycle(publication, DUE - DAY)
    approve(publication, person(publication, "ann"))
    pipeline_of(publication.at(DUE)).prepare()
    with publication.database.writing() as connection:
        open_due_issues(connection, publication.settings, DUE)
    changes, changed = {}, "articles that its subscribers may get"
    if change == "people":
        file = publication.settings.folders.root / "people.toml"
        file.write_text('[ann]\nname = "Never Approved"\naliases = ["A. N."]\n', "utf-8")
    elif change == "article":
        publication.pick_up_file("en/tides.md", "Never approved.", **tides)
    else:
        changes, changed = {change: "Never approved"}, "the name, address or look"
    publication.reload(languages=["en"], newsletters=[newsletter()], **changes)
    transport = MemoryTransport()
    report = pipeline_of(publication.at(DUE + HOUR), transport).run()
    assert transport.taken == []
    assert any(f"was approved: {changed}" in one for one in report.problems)
    assert changed in (issue_of(publication).reason or "")


def test_an_issue_of_a_removed_edition_does_not_wait_for_approval_for_ever(
    starting_point: StartingPoint,
) -> None:
    publication = starting_point(Point.WAITING, "en", "ar")
    publication.reload(languages=["en", "ar"], newsletters=[newsletter(languages=["ar"])])
    cycle(publication, DUE - HOUR)
    assert issue_of(publication).state is IssueState.AWAITING_APPROVAL
    cycle(publication, DUE)
    gone = issue_of(publication)
    assert (gone.state, gone.reason_key) == (IssueState.SKIPPED, IssueReason.EDITION_REMOVED)
    # The edition comes back, and with it what was not sent.
    publication.reload(languages=["en", "ar"], newsletters=[newsletter()])
    cycle(publication, DUE + 6 * DAY)
    name = "weekly-en-2026-01-16"
    approve(publication, person(publication, "ann"), name)
    assert [one.folder[:9] for one in cycle(publication, DUE + 7 * DAY).taken] == ["weekly/en"]


def test_an_issue_that_waited_for_translations_is_not_too_late_for_it(
    new_publication: Make,
) -> None:
    terms = newsletter(lead=0, late="skip", wait_for_translations=4)
    publication = new_publication(languages=["en", "ar"], newsletters=[terms])
    fill(publication, "en", "ar")
    publication.write("en/rain.md", "Rain.", title="Rain", date="2026-01-07")
    publication.at(DUE - HOUR).pick_up()
    claim_translation(editing_state(publication), TERMINAL, "rain", "ar", DUE + 2 * HOUR)
    name = "weekly-ar-2026-01-09"
    cycle(publication, DUE)
    assert issue_of(publication, name).reason_key == IssueReason.WAITS_FOR_TRANSLATIONS
    cycle(publication, DUE + 5 * HOUR)
    cycle(publication, DUE + 5 * HOUR)
    assert issue_of(publication, name).state is IssueState.AWAITING_APPROVAL
    approve(publication, person(publication, "ann"), name)
    assert [one.folder[:9] for one in cycle(publication, DUE + 5 * HOUR).taken] == ["weekly/ar"]


def test_time_to_undo_is_left_when_a_setting_or_a_role_lets_an_issue_go(
    starting_point: StartingPoint,
) -> None:
    terms = newsletter(approval="two", undo=30)
    publication = starting_point(Point.APPROVED, **terms)
    assert cycle(publication, DUE + HOUR).taken == []
    publication.reload(languages=["en"], newsletters=[terms | {"approval": "one"}])
    assert cycle(publication, DUE + 2 * HOUR).taken == []
    ready = issue_of(publication)
    assert ready.state is IssueState.READY
    assert ready.send_at == DUE + 2 * HOUR + timedelta(minutes=30)
    assert len(cycle(publication, DUE + 3 * HOUR).taken) == 1


def test_an_issue_is_too_late_that_a_setting_lets_go_after_a_long_outage(
    starting_point: StartingPoint,
) -> None:
    terms = newsletter(lead=0, max_lateness=4)
    publication = starting_point(Point.WAITING, before=0 * DAY, **terms)
    publication.reload(languages=["en"], newsletters=[terms | {"approval": "none"}])
    assert cycle(publication, DUE + 2 * DAY).taken == []
    assert issue_of(publication).reason_key == IssueReason.LATE


@pytest.fixture
def daily(new_publication: Make) -> PublicationFolder:
    """Two issues ahead; "rain" came after the selection of Friday's, and was pinned into it."""
    terms = {"name": "weekly", "schedule": "0 0 * * *", "lead": 48, "start": "2026-01-09"}
    publication = new_publication(languages=["en"], newsletters=[terms])
    fill(publication)
    cycle(publication, DUE - 2 * DAY)
    assert issue_of(publication).state is IssueState.READY
    for key in ("rain", "snow"):
        publication.write(f"en/{key}.md", f"{key}.", title=key, date="2026-01-07")
    publication.at(DUE - DAY - HOUR).pick_up()
    pin = EditRequest(EditKind.PIN, "1", story_id=publication.one("rain").story_id)
    edit_issue(editing_state(publication), TERMINAL, NAME, pin)
    cycle(publication, DUE - DAY)
    assert titles(publication, "weekly-en-2026-01-10") == ["snow"]
    return publication.at(DUE - DAY + HOUR)


def titles(publication: PublicationFolder, name: str) -> list[str]:
    issue = issue_of(publication, name)
    with publication.database.reading() as connection:
        numbers = store.article_ids_of(connection, issue)
        found = articles_by_id(connection, numbers)
    return [found[number].title for number in numbers]


def test_a_pinned_story_that_is_let_go_again_comes_in_the_next_issue(
    daily: PublicationFolder,
) -> None:
    edit_issue(editing_state(daily), TERMINAL, NAME, 1)
    assert titles(daily, NAME) == ["Gales", "Tides"]
    daily.write("en/hail.md", "Hail.", title="hail", date="2026-01-08")
    cycle(daily, DUE)
    assert sorted(titles(daily, "weekly-en-2026-01-11")) == ["hail", "rain"]


def test_a_story_that_another_issue_took_meanwhile_does_not_come_back(
    daily: PublicationFolder,
) -> None:
    state, story = editing_state(daily), daily.one("tides").story_id
    left = EditRequest(EditKind.LEAVE_OUT, "for Saturday", story_id=story)
    edit_issue(state, TERMINAL, NAME, left)
    pin = EditRequest(EditKind.PIN, "1", story_id=story)
    edit_issue(state, TERMINAL, "weekly-en-2026-01-10", pin)
    with pytest.raises(IssueError, match="another issue of this edition has the story"):
        edit_issue(state, TERMINAL, NAME, 2)
    with pytest.raises(IssueError, match="another issue of this edition has the story"):
        edit_issue(state, TERMINAL, NAME, pin)
    assert titles(daily, NAME) == ["rain", "Gales"]


def test_what_editors_left_out_of_an_issue_that_somebody_missed_is_not_owed(
    new_publication: Make,
) -> None:
    terms = {"name": "weekly", "schedule": "0 0 * * *", "lead": 24, "start": "2026-01-09"}
    publication = new_publication(languages=["en"], newsletters=[terms])
    fill(publication)
    subscribe(publication, ("bob@example.com", "en"))
    number = number_of(publication.database, "ann-en@example.com")
    with publication.database.writing() as connection:
        connection.execute(update(subscription).values(consented_at=DUE - 9 * DAY))
        pause_subscriber(connection, number, DUE + HOUR, DUE - 5 * DAY)
    cycle(publication, DUE - DAY)
    state, story = editing_state(publication), publication.one("gales").story_id
    left = EditRequest(EditKind.LEAVE_OUT, "not confirmed", story_id=story)
    edit_issue(state, TERMINAL, NAME, left)
    publication.at(DUE - HOUR).write("en/rain.md", "Rain.", title="Rain", date="2026-01-08")
    assert len(cycle(publication, DUE).messages) == 1
    mails = {one.recipient: one.message.content for one in cycle(publication, DUE + DAY).taken}
    assert all(b"Rain" in one for one in mails.values())
    assert b"Tides" in mails["ann-en@example.com"]
    assert b"Tides" not in mails["bob@example.com"]
    assert not any(b"Gales" in one for one in mails.values())


# --- who gets an issue is approved with it: if that moves far, the approvers are asked again


LAPSED = "recipients: 11 when it was approved, 21 now"


@pytest.fixture
def shared(starting_point: StartingPoint) -> PublicationFolder:
    """An issue in two languages that waits for approval; the English one has 11 recipients."""
    found = starting_point(Point.WAITING, "en", "ar")
    join(found, 10)
    return found


def join(shared: PublicationFolder, count: int, group: str = "old") -> None:
    subscribe(shared, *((f"{group}-{n}@example.com", "en") for n in range(count)))


def plan_of(shared: PublicationFolder) -> Any:
    state = editing_state(shared)
    return approvals.read_plan_to_sign(state, approvals.read_approvals(state, TERMINAL, NAME))


def test_an_approval_keeps_the_plan_that_is_shown_with_the_issue(
    shared: PublicationFolder,
) -> None:
    state, ann = editing_state(shared), person(shared, "ann")
    shown = plan_of(shared)
    assert (shown.recipients, shown.moved) == (11, ())
    assert shown.hash == plan_hash(
        plan_audience(state, "weekly", issue_of(shared).day), state.secret
    )
    (row,) = approve(shared, ann).rows
    assert (row.plan_hash, row.plan_counts) == (shown.hash, {"en": 11})
    with shared.database.reading() as connection:
        issue = issue_of(shared)
        assert count_recipients(connection, shared.settings, issue, DUE) == 11


def test_the_plan_of_now_is_signed_if_none_was_shown_and_none_of_a_correction(
    shared: PublicationFolder,
) -> None:
    state, issue = editing_state(shared), issue_of(shared)
    now = approvals.plan_to_sign(state, issue)
    assert now is not None
    assert now.recipients == 11
    assert approvals.signed_plan(state, issue, None) == (now.hash, {"en": 11})
    erratum = replace(issue, corrects_id=issue.id)
    assert approvals.plan_to_sign(state, erratum) is None
    assert approvals.signed_plan(state, erratum, approvals.ShownPlan(now.hash)) is None


def test_what_was_shown_may_have_moved_a_little_but_not_far(shared: PublicationFolder) -> None:
    state, ann = editing_state(shared), person(shared, "ann")
    manifest = manifest_of(shared)
    shown = plan_of(shared)
    join(shared, 2, "few")
    with pytest.raises(IssueError, match=r"the plan is another by now \(recipients: 13\)"):
        approve_issue(state, ann, NAME, manifest, plan=approvals.ShownPlan(shown.hash))
    with pytest.raises(IssueError, match="recipients: 3 when it was read, 13 now"):
        approve_issue(state, ann, NAME, manifest, plan=approvals.ShownPlan(shown.hash, 3))
    # The right number with a hash that nobody was shown: the record would name no plan.
    with pytest.raises(IssueError, match="no plan of it had the hash 000"):
        approve_issue(state, ann, NAME, manifest, plan=approvals.ShownPlan("0" * 64, 13))
    assert approvals.read_approvals(state, ann, NAME).rows == ()
    plan = approvals.ShownPlan(shown.hash, shown.recipients)
    (row,) = approve_issue(state, ann, NAME, manifest, plan=plan).rows
    assert (row.plan_hash, row.plan_counts) == (shown.hash, {"en": 11})


@pytest.mark.parametrize("early", [timedelta(minutes=10), timedelta(0)])
def test_approvers_are_asked_again_if_the_list_moved_far(
    shared: PublicationFolder, early: timedelta
) -> None:
    """Some minutes before the hour by a cycle, or when the ledger would be opened."""
    ann = person(shared, "ann")
    approve(shared, ann)
    join(shared, 10, "new")
    assert plan_of(shared).moved == (LAPSED,)
    assert cycle(shared, DUE - HOUR).taken == []
    assert issue_of(shared).state is IssueState.READY
    assert cycle(shared, DUE - early).taken == []
    waiting = issue_of(shared)
    assert waiting.state is IssueState.AWAITING_APPROVAL
    assert waiting.reason == f"0 of 1 approvals; {LAPSED}"
    assert waiting.reason_key == IssueReason.NOT_APPROVED
    # A later cycle does not take the old approval again.
    assert cycle(shared, DUE + HOUR).taken == []
    reason = issue_of(shared).reason
    assert reason == f"held at its hour: 0 of 1 approvals; {LAPSED}"
    state = editing_state(shared)
    assert [*approvals.read_approvals(state, ann, NAME).count.invalid.values()] == [LAPSED]
    found = [(one.kind, one.text, one.name) for one in list_attention(state, ann)[1]]
    assert [one for one in found if one[::2] == ("approval", NAME)] == [
        ("approval", reason, NAME)
    ]
    assert approve(shared, ann).issue.state is IssueState.READY
    assert len(cycle(shared, DUE + 2 * HOUR).taken) == 21


def test_languages_that_are_approved_together_count_their_plan_once(
    shared: PublicationFolder,
) -> None:
    state, ann = editing_state(shared), person(shared, "ann")
    names = (NAME, "weekly-ar-2026-01-09")
    manifests = [manifest_of(shared, name) for name in names]
    approvals.approve_issues(state, ann, [*map(approvals.ApprovalRequest, names, manifests)])
    with shared.database.reading() as connection:
        (english,), (arabic,) = (
            approvals_of(connection, issue_of(shared, one))
            for one in (NAME, "weekly-ar-2026-01-09")
        )
    assert (english.plan_counts, arabic.plan_counts) == ({"en": 11}, {"ar": 1})
    assert english.plan_hash == arabic.plan_hash


# --- a few sequences; the slow lane plays 1,000 of each language


def test_with_its_approvals_an_issue_leaves_and_a_fault_would_be_found(
    new_publication: Make,
) -> None:
    with scene_of(new_publication, GROUPS[0]).begin() as play:
        play.play("approve", ["ann", "bob"], "en")
        play.play("approve", ["cyd"], "ar")
        play.play("approve", ["cyd"], "zh-Hant")
        assert not play.sent
        play.play("due")
        assert (play.is_over, play.faults) == (True, [])
        shown = play.shown("en")
        assert play.model.faults("en", shown) == []
        other = (*shown[:-1], "another page")
        assert play.model.faults("en", other) == ["en: opened with [], edited by []"]
        play.model.verdicts["en"].append(("cyd", "changes", shown))
        assert "somebody asked for changes" in play.model.faults("en", shown)[0]
        play.role("bob")
        assert play.model.faults("en", shown)[0] == "en: opened with ['ann'], edited by []"


def test_a_converted_edition_waits_and_is_approved_anew_when_its_source_changes(
    new_publication: Make,
) -> None:
    with scene_of(new_publication, GROUPS[1]).begin() as play:
        play.play("approve", ["cyd"], "zh-Hant")
        play.play("article", "zh-Hans")
        play.play("due")
        assert (play.sent, play.faults) == (set(), [])
        play.play("approve", ["cyd"], "zh-Hant")
        play.play("due")
        assert {who for who, _issue in play.sent} == {
            "ann-zh-Hant@example.com",
            "bea-zh-hant@example.com",
        }
        assert play.opened["zh-Hant"] == {"Text 1", "Template 0"}
        assert play.faults == []
