"""What could let a mail leave unlike it was approved, or an issue wait for ever or be lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from publisher.app.corrections import CorrectionRequest, correct_issue
from publisher.app.issue_edits import EditKind, EditRequest, edit_issue, undo_edit
from publisher.app.translation_claims import claim_translation
from publisher.articles.store import articles_by_id
from publisher.delivery.issue_opening import open_due_issues
from publisher.errors import IssueError
from publisher.issues import store
from publisher.issues.model import IssueReason, IssueState
from publisher.testing import MemoryTransport
from subscribers import (
    TextLength,
    load_preferences,
    pause_subscriber,
    store_preferences,
)
from subscribers.tables import subscription
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
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import number_of, subscribe
from tests.publisher.printing import pipeline_of

Make = Callable[..., PublicationFolder]


def test_a_correction_that_nobody_could_approve_yet_is_held_though_others_are_skipped(
    new_publication: Make,
) -> None:
    publication = new_publication(languages=["en"], newsletters=[newsletter(unapproved="skip")])
    fill(publication)
    cycle(publication, DUE - DAY)
    ann, bob = person(publication, "ann"), person(publication, "bob")
    approve(publication, ann)
    assert len(cycle(publication, DUE).taken) == 1
    publication.at(DUE + HOUR)
    request = CorrectionRequest(
        newsletter="weekly", day=DUE.date(), languages=("en",), subject="Wrong", text="Four."
    )
    (done,) = correct_issue(state_of_editors(publication), ann, request)
    assert done.mailed is not None
    cycle(publication, DUE + 2 * HOUR)
    cycle(publication, DUE + 2 * HOUR)
    assert issue_of(publication, done.mailed.name).state is IssueState.AWAITING_APPROVAL
    approve(publication, bob, done.mailed.name)
    assert len(cycle(publication, DUE + 3 * HOUR).taken) == 1


@pytest.mark.parametrize("change", ["title", "address", "people"])
def test_a_variant_has_the_names_of_the_publication_that_were_approved(
    new_publication: Make, change: str
) -> None:
    publication = new_publication(languages=["en"], newsletters=[newsletter()])
    fill(publication)
    publication.write("en/tides.md", "Tides.", title="Tides", date="2026-01-05", author="A. N.")
    number = number_of(publication.database, "ann-en@example.com")
    with publication.database.writing() as connection:
        chosen = replace(load_preferences(connection, number), length=TextLength.FULL)
        store_preferences(connection, number, chosen, NOW)
    cycle(publication, DUE - DAY)
    approve(publication, person(publication, "ann"))
    pipeline_of(publication.at(DUE)).prepare()
    with publication.database.writing() as connection:
        open_due_issues(connection, publication.settings, DUE)
    changes = {}
    if change == "people":
        file = publication.settings.folders.root / "people.toml"
        file.write_text('[ann]\nname = "Never Approved"\naliases = ["A. N."]\n', "utf-8")
    else:
        changes = {change: "Never approved"}
    publication.reload(languages=["en"], newsletters=[newsletter()], **changes)
    transport = MemoryTransport()
    report = pipeline_of(publication.at(DUE + HOUR), transport).run()
    assert transport.taken == []
    changed = "articles that its" if change == "people" else "the name, address or look"
    assert any(f"was approved: {changed}" in one for one in report.problems)


def test_an_issue_of_a_removed_edition_does_not_wait_for_approval_for_ever(
    new_publication: Make,
) -> None:
    publication = new_publication(languages=["en", "ar"], newsletters=[newsletter()])
    fill(publication, "en", "ar")
    cycle(publication, DUE - DAY)
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
    assert [one.language for one in cycle(publication, DUE + 7 * DAY).taken] == ["en"]


def test_an_issue_that_waited_for_translations_is_not_too_late_for_it(
    new_publication: Make,
) -> None:
    terms = newsletter(lead=0, late="skip", wait_for_translations=4)
    publication = new_publication(languages=["en", "ar"], newsletters=[terms])
    fill(publication, "en", "ar")
    publication.write("en/rain.md", "Rain.", title="Rain", date="2026-01-07")
    publication.at(DUE - HOUR).pick_up()
    claim_translation(state_of_editors(publication), TERMINAL, "rain", "ar", DUE + 2 * HOUR)
    name = "weekly-ar-2026-01-09"
    cycle(publication, DUE)
    assert issue_of(publication, name).reason_key == IssueReason.WAITS_FOR_TRANSLATIONS
    cycle(publication, DUE + 5 * HOUR)
    cycle(publication, DUE + 5 * HOUR)
    assert issue_of(publication, name).state is IssueState.AWAITING_APPROVAL
    approve(publication, person(publication, "ann"), name)
    assert [one.language for one in cycle(publication, DUE + 5 * HOUR).taken] == ["ar"]


def test_time_to_undo_is_left_when_a_setting_or_a_role_lets_an_issue_go(
    new_publication: Make,
) -> None:
    terms = newsletter(approval="two", undo=30)
    publication = new_publication(languages=["en"], newsletters=[terms])
    fill(publication)
    cycle(publication, DUE - DAY)
    approve(publication, person(publication, "ann"))
    assert cycle(publication, DUE + HOUR).taken == []
    publication.reload(languages=["en"], newsletters=[terms | {"approval": "one"}])
    assert cycle(publication, DUE + 2 * HOUR).taken == []
    ready = issue_of(publication)
    assert ready.state is IssueState.READY
    assert ready.send_at == DUE + 2 * HOUR + timedelta(minutes=30)
    assert len(cycle(publication, DUE + 3 * HOUR).taken) == 1


def test_an_issue_is_too_late_that_a_setting_lets_go_after_a_long_outage(
    new_publication: Make,
) -> None:
    terms = newsletter(lead=0, max_lateness=4)
    publication = new_publication(languages=["en"], newsletters=[terms])
    fill(publication)
    cycle(publication, DUE)
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
    edit_issue(state_of_editors(publication), TERMINAL, NAME, pin)
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
    undo_edit(state_of_editors(daily), TERMINAL, NAME, 1)
    assert titles(daily, NAME) == ["Gales", "Tides"]
    daily.write("en/hail.md", "Hail.", title="hail", date="2026-01-08")
    cycle(daily, DUE)
    assert sorted(titles(daily, "weekly-en-2026-01-11")) == ["hail", "rain"]


def test_a_story_that_another_issue_took_meanwhile_does_not_come_back(
    daily: PublicationFolder,
) -> None:
    state, story = state_of_editors(daily), daily.one("tides").story_id
    left = EditRequest(EditKind.LEAVE_OUT, "for Saturday", story_id=story)
    edit_issue(state, TERMINAL, NAME, left)
    pin = EditRequest(EditKind.PIN, "1", story_id=story)
    edit_issue(state, TERMINAL, "weekly-en-2026-01-10", pin)
    with pytest.raises(IssueError, match="another issue of this edition has the story"):
        undo_edit(state, TERMINAL, NAME, 2)
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
    state, story = state_of_editors(publication), publication.one("gales").story_id
    left = EditRequest(EditKind.LEAVE_OUT, "not confirmed", story_id=story)
    edit_issue(state, TERMINAL, NAME, left)
    publication.at(DUE - HOUR).write("en/rain.md", "Rain.", title="Rain", date="2026-01-08")
    assert len(cycle(publication, DUE).messages) == 1
    mails = {one.recipient: one.message.content for one in cycle(publication, DUE + DAY).taken}
    assert all(b"Rain" in one for one in mails.values())
    assert b"Tides" in mails["ann-en@example.com"]
    assert b"Tides" not in mails["bob@example.com"]
    assert not any(b"Gales" in one for one in mails.values())
