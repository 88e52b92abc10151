"""Who is reminded of an issue that waits for approval, when, and in which words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest

from publisher.accounts.model import Grant, Role
from publisher.accounts.store import NewAccount, add_account
from publisher.app.approval_reminders import queue_reminders, reminders_due
from publisher.app.issue_edits import EditKind, EditRequest, edit_issue
from publisher.app.translation_claims import start_translation
from publisher.app.translator_choices import choose_translator_mails
from publisher.testing import MemoryTransport
from tests.publisher.app.approving import (
    DAY,
    DUE,
    HOUR,
    approve,
    cycle,
    cycle_with_all_mails,
    fill,
    issue_of,
    newsletter,
    person,
    state_of_editors,
)
from tests.publisher.conftest import NOW, PublicationFolder

Make = Callable[..., PublicationFolder]
ARABIC = "weekly-ar-2026-01-09"


@pytest.fixture
def waiting(new_publication: Make) -> PublicationFolder:
    """Two languages of an issue wait, each for two people, since a day before it is due."""
    terms = newsletter(approval="two", lead=20)
    publication = new_publication(languages=["en", "ar"], newsletters=[terms])
    fill(publication, "en", "ar")
    cycle(publication, DUE - 20 * HOUR)
    return publication


def reminded(publication: PublicationFolder, hours: float) -> dict[str, str]:
    """Run a cycle, some hours before the issue is due; return who is reminded, and in which words."""
    return words_of(cycle_with_all_mails(publication, DUE - hours * HOUR))


def words_of(transport: MemoryTransport) -> dict[str, str]:
    found = {}
    for one in transport.messages:
        mail: Any = message_from_bytes(one.content, policy=policy.default)
        text = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
        found[mail["To"].addresses[0].addr_spec] = f"{mail['Subject']}\n{text}"
    return found


def test_approvers_are_reminded_when_half_and_when_a_tenth_of_the_lead_is_left(
    waiting: PublicationFolder,
) -> None:
    person(waiting, "ann")
    person(waiting, "amal", Grant(Role.APPROVER, "ar"))
    person(waiting, "ed", Grant(Role.EDITOR))
    assert reminded(waiting, 10.5) == {}
    first = reminded(waiting, 10)
    assert set(first) == {"ann@example.org", "amal@example.org"}
    assert "Not approved yet: The Lantern" in first["ann@example.org"]
    assert "/issues/weekly-en-2026-01-09/" in first["ann@example.org"]
    assert f"/issues/{ARABIC}/" in first["ann@example.org"]
    assert "Due: \u20682026-01-09 00:00+00:00\u2069" in first["ann@example.org"]
    assert "/issues/weekly-en-" not in first["amal@example.org"]
    assert reminded(waiting, 9) == reminded(waiting, 2.1) == {}
    assert set(reminded(waiting, 2)) == set(first)
    assert reminded(waiting, 1) == reminded(waiting, 0) == {}


def test_whoever_has_approved_or_wants_no_mail_is_not_reminded(
    waiting: PublicationFolder,
) -> None:
    ann, bob = person(waiting, "ann"), person(waiting, "bob")
    person(waiting, "cyd")
    for name in ("weekly-en-2026-01-09", ARABIC):
        approve(waiting, ann, name)
    choose_translator_mails(state_of_editors(waiting), bob, wanted=False)
    assert set(reminded(waiting, 10)) == {"cyd@example.org"}


def test_who_has_edited_an_issue_is_not_asked_to_approve_it(
    waiting: PublicationFolder,
) -> None:
    ann = person(waiting, "ann", Grant(Role.EDITOR), Grant(Role.APPROVER, "en"))
    person(waiting, "bob", Grant(Role.APPROVER, "en"))
    request = EditRequest(EditKind.SUBJECT, "Mine")
    edit_issue(state_of_editors(waiting), ann, "weekly-en-2026-01-09", request)
    assert set(reminded(waiting, 10)) == {"bob@example.org"}


def test_nobody_is_reminded_of_what_is_approved_or_if_a_setting_says_so(
    waiting: PublicationFolder,
) -> None:
    ann, bob = person(waiting, "ann"), person(waiting, "bob")
    for actor in (ann, bob):
        approve(waiting, actor, ARABIC)
    (words,) = {*reminded(waiting, 10).values()}
    assert f"/issues/{ARABIC}/" not in words
    console = waiting.settings.console.model_copy(update={"reminders": False})
    silent = replace(waiting.settings, console=console)
    assert queue_reminders(silent, waiting.database, DUE - 2 * HOUR) == 0
    assert queue_reminders(waiting.settings, waiting.database, DUE - 2 * HOUR) == 2


def test_whoever_has_promised_a_translation_is_reminded_in_the_language_of_the_account(
    waiting: PublicationFolder,
) -> None:
    new = NewAccount("lin@example.org", "Lin", "zh-Hant", (Grant(Role.TRANSLATOR, "ar"),))
    with waiting.database.writing() as connection:
        add_account(connection, new, NOW)
    omar = person(waiting, "omar", Grant(Role.TRANSLATOR, "ar"))
    waiting.write("en/rain.md", "Rain.", title="The rain", date="2026-01-08")
    waiting.at(DUE - 15 * HOUR).pick_up()
    start_translation(state_of_editors(waiting), omar, "rain", "ar")
    found = reminded(waiting, 10)
    words = found["omar@example.org"]
    assert "You have promised these translations:" in words
    assert "The rain" in words
    # Lin has promised nothing; that she hears of the new story is another mail.
    assert "尚未核可" not in found.get("lin@example.org", "")


def test_a_mail_is_in_the_language_of_its_account(waiting: PublicationFolder) -> None:
    new = NewAccount("lin@example.org", "Lin", "zh-Hant", (Grant(Role.APPROVER),))
    with waiting.database.writing() as connection:
        add_account(connection, new, NOW)
    assert "尚未核可：The Lantern" in reminded(waiting, 10)["lin@example.org"]


def test_reminders_count_from_when_it_is_sent_and_end_then(waiting: PublicationFolder) -> None:
    issue = issue_of(waiting)
    edition = waiting.settings.edition("weekly", "en")
    assert edition is not None
    assert [reminders_due(edition, issue, DUE - hours * HOUR) for hours in (11, 10, 2, 0)] == [
        *(0, 1, 2, 0)
    ]
    later = replace(issue, send_at=DUE + DAY)
    assert reminders_due(edition, later, DUE - timedelta(hours=2)) == 0
    assert reminders_due(edition, replace(issue, send_at=None), DUE - HOUR) == 0
