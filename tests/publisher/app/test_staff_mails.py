"""Mails to translators and approvers: who gets them, when, what they say, and what a crash does."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from publisher.accounts.mails import MailTime, StaffMailKind
from publisher.accounts.model import Grant, Role, terminal_actor
from publisher.accounts.store import NewAccount, add_account, disable_account
from publisher.app.accounts.administration import create_account, recover_account
from publisher.app.editing_state import open_editing_state
from publisher.app.issues.approval_mails import queue_reminders, queue_verdicts, reminders_due
from publisher.app.issues.approvals import request_changes
from publisher.app.issues.edits import EditRequest, edit_issue
from publisher.app.issues.lookup import require_edition
from publisher.app.operation.attention import find_attention, list_attention
from publisher.app.operation.status import take_snapshot
from publisher.app.staff_mails import choose_mails, send_staff_mails
from publisher.app.translations import start_translation
from publisher.app.translators import queue_translator_mails
from publisher.config.delivery import DeliverySettings
from publisher.database.retry_queue import queue_item
from publisher.delivery.transports.base import Outcome, SendStatus
from publisher.issues.editing import EditKind
from publisher.testing import MemoryTransport
from tests.publisher.app.approving import (
    DAY,
    DUE,
    HOUR,
    NAME,
    approve,
    cycle_with_all_mails,
    issue_of,
    manifest_of,
    person,
)
from tests.publisher.conftest import NOW, PublicationFolder, editing_state
from tests.publisher.starting_points import Point, StartingPoint

OMAR = "omar@example.org"


class Translators:
    """A publication whose cycles tell translators what came in."""

    def __init__(self, publication: PublicationFolder) -> None:
        self.publication = publication
        self.transport = MemoryTransport("ambiguous")
        self.add("root@example.org", Grant(Role.ADMINISTRATOR))

    def add(self, email: str, *grants: Grant, language: str = "en") -> int:
        new = NewAccount(email, email.partition("@")[0], language, grants)
        with self.publication.database.writing() as connection:
            return add_account(connection, new, NOW).id

    def write(self, language: str, key: str, text: str = "Words.", **matter: object) -> None:
        facts = {"title": f"The {key}", "date": "2026-01-08"} | matter
        self.publication.write(f"{language}/{key}.md", text, **facts)

    def queue(self, hours: float) -> int:
        """Run a cycle up to the queue, some hours from the beginning."""
        one = self.publication.at(NOW + hours * HOUR)
        one.pick_up()
        return queue_translator_mails(one.settings, one.database, one.clock.now())

    def send(self, minutes: int = 0, secret: str = "a secret") -> list[str]:
        one = self.publication
        one.at(one.clock.now() + timedelta(minutes=minutes))
        return send_staff_mails(
            *(one.settings, one.database, self.transport, secret, one.clock)
        )

    def sent(self) -> list[EmailMessage]:
        return [
            message_from_bytes(one.content, policy=policy.default)
            for one in self.transport.messages
        ]

    def states(self) -> list[tuple[str, str | None]]:
        return [(row["state"], row["reason"]) for row in self.publication.rows(queue_item)]


def by_smtp(publication: PublicationFolder) -> None:
    """Have mails leave the machine."""
    delivery = DeliverySettings.model_validate(
        {"transport": "smtp", "smtp": {"host": "localhost"}}
    )
    publication.settings = replace(publication.settings, delivery=delivery)


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


@pytest.fixture
def people(publication: PublicationFolder) -> Translators:
    """Omar translates into Arabic, and has been told all that was there before."""
    found = Translators(publication)
    found.add(OMAR, Grant(Role.TRANSLATOR, "ar"))
    found.write("en", "bridge")
    assert found.queue(0) == 0
    return found


def test_one_mail_has_all_that_came_in_since_the_last_one(people: Translators) -> None:
    people.write("en", "ferry")
    people.write("en", "tides")
    assert people.queue(2) == 1
    assert people.send() == []
    people.write("en", "kites")
    # Within an hour of the last one nothing is sent; then, what came in.
    assert people.queue(2.9) == 0
    assert people.queue(3) == 1
    assert people.queue(9) == 0
    assert people.send() == []
    first, second = people.sent()
    assert first["To"] == "omar <omar@example.org>"
    assert first["Subject"] == "To translate: The Lantern"
    words = text_of(first)
    assert "The ferry\nA new original\n" in words
    assert "The tides" in words
    assert "bridge" not in words
    assert "kites" in text_of(second)
    assert people.send() == []
    assert len(people.sent()) == 2


def test_an_invitation_is_mailed_in_the_language_of_the_account_and_its_link_is_kept_nowhere(
    people: Translators,
) -> None:
    by_smtp(people.publication)
    new = NewAccount("noor@example.org", "Noor", "ar", (Grant(Role.VIEWER),))
    state = editing_state(people.publication)
    made = create_account(state, terminal_actor(), new)
    assert made.is_mailed
    (row,) = people.publication.rows(queue_item)
    assert made.token not in str(row)
    # Another secret opens nothing, and no mail goes out without its link.
    (problem,) = people.send()
    assert "made under another secret" in problem
    assert people.sent() == []
    made = recover_account(state, terminal_actor(), "noor@example.org")
    assert people.send(secret=state.secret) == []
    (mail,) = people.sent()
    assert mail["To"] == "Noor <noor@example.org>"
    assert mail["Subject"] == "أنت مدعو إلى تحرير The Lantern"
    link = made.link("http://localhost:8090")
    bodies = [mail.get_body((kind,)) for kind in ("plain", "html")]
    plain, html = (body.get_content() if body else "" for body in bodies)
    assert link in plain
    assert link in html
    assert '<html lang="ar" dir="rtl">' in html
    assert people.publication.rows(queue_item)[-1]["payload"] == {}


def test_no_invitation_is_mailed_that_would_stay_a_file_nor_the_first(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication()
    by_smtp(publication)
    administrator = NewAccount(OMAR, "Omar", "en", (Grant(Role.ADMINISTRATOR),))
    assert not create_account(
        editing_state(publication), terminal_actor(), administrator
    ).is_mailed
    publication.reload()
    other = NewAccount("noor@example.org", "Noor", "ar", (Grant(Role.VIEWER),))
    assert not create_account(editing_state(publication), terminal_actor(), other).is_mailed
    assert publication.rows(queue_item) == []


def test_a_changed_original_is_told_to_those_of_the_language_of_a_translation(
    people: Translators,
) -> None:
    people.add("li@example.org", Grant(Role.TRANSLATOR, "zh-Hans"))
    people.write("ar", "bridge", translator="Omar")
    people.queue(1)
    people.write("en", "bridge", "Other words.")
    assert people.queue(2) == 1
    people.send()
    (mail,) = people.sent()
    assert mail["To"].addresses[0].addr_spec == OMAR
    assert "The bridge\nThe original has changed" in text_of(mail)


def test_what_somebody_has_claimed_is_not_told(people: Translators) -> None:
    people.write("en", "ferry")
    people.publication.at(NOW + HOUR).pick_up()
    one = people.publication
    with open_editing_state(one.settings, one.clock) as state:
        start_translation(state, terminal_actor(), "ferry", "ar")
    assert people.queue(2) == 0


def test_only_translators_get_them_and_in_the_language_of_their_account(
    people: Translators,
) -> None:
    people.add("ed@example.org", Grant(Role.EDITOR))
    people.add("view@example.org", Grant(Role.VIEWER))
    gone = people.add("gone@example.org", Grant(Role.TRANSLATOR))
    people.add("lin@example.org", Grant(Role.TRANSLATOR), language="zh-Hant")
    people.queue(1)
    with people.publication.database.writing() as connection:
        disable_account(connection, gone, NOW)
    people.write("en", "ferry")
    people.queue(2)
    people.send()
    mails = {mail["To"].addresses[0].addr_spec: mail for mail in people.sent()}
    assert set(mails) == {OMAR, "lin@example.org"}
    assert mails["lin@example.org"]["Subject"] == "待翻譯：The Lantern"
    # Of every language of the publication but that of the original.
    assert text_of(mails["lin@example.org"]).count("The ferry") == 3
    assert text_of(mails[OMAR]).count("The ferry") == 1


def test_a_server_that_defers_or_is_away_gets_it_later_and_one_that_refuses_not(
    people: Translators,
) -> None:
    people.write("en", "ferry")
    people.queue(2)
    people.transport.fail_after = 0
    assert people.send() == ["took 0 messages and no more"]
    people.transport.fail_after = None
    people.transport.outcomes = {OMAR: Outcome(SendStatus.DEFERRED, "come back")}
    assert people.send() == people.send(minutes=5) == []
    assert people.transport.offered == []
    assert people.send(minutes=10) == []
    assert people.states() == [("deferred", "come back")]
    assert len(people.transport.offered) == 1
    people.transport.outcomes = {OMAR: Outcome(SendStatus.REFUSED, "no such user")}
    not_sent = "a mail to somebody with an account was not sent:"
    assert people.send(minutes=20) == [f"{not_sent} no such user"]
    assert people.states() == [("bounced", "no such user")]
    # One that waits for a day is given up.
    people.write("en", "tides")
    people.queue(4)
    people.transport.outcomes = {OMAR: Outcome(SendStatus.DEFERRED, "come back")}
    people.send()
    assert people.send(minutes=25 * 60) == [f"{not_sent} come back"]


def test_the_first_import_is_told_to_nobody(publication: PublicationFolder) -> None:
    people = Translators(publication)
    people.add(OMAR, Grant(Role.TRANSLATOR, "ar"))
    people.write("en", "bridge")
    assert [people.queue(hour) for hour in (0, 2, 4)] == [0, 0, 0]


# --- reminders of an issue that waits for approval


ARABIC = "weekly-ar-2026-01-09"


@pytest.fixture
def waiting(starting_point: StartingPoint) -> PublicationFolder:
    """Two languages of an issue wait, each for two people, since a day before it is due."""
    terms = {"approval": "two", "lead": 20}
    return starting_point(Point.WAITING, "en", "ar", before=20 * HOUR, **terms)


def reminded(publication: PublicationFolder, hours: float) -> dict[str, str]:
    """Run a cycle, some hours before the issue is due; return who is reminded, and in which words."""
    found = {}
    for one in cycle_with_all_mails(publication, DUE - hours * HOUR).messages:
        mail = message_from_bytes(one.content, policy=policy.default)
        found[mail["To"].addresses[0].addr_spec] = f"{mail['Subject']}\n{text_of(mail)}"
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
    assert reminded(waiting, 1) == {}
    # At its hour editors are told as well, once.
    held = reminded(waiting, 0)
    assert set(held) == {*first, "ed@example.org"}
    assert "Not sent at its hour: The Lantern" in held["ed@example.org"]
    assert "It waits until it is approved.\nheld at its hour: " in held["ed@example.org"]
    assert "/issues/weekly-en-" not in held["amal@example.org"]
    assert reminded(waiting, -1) == {}


def test_whoever_has_approved_or_wants_no_mail_is_not_reminded(
    waiting: PublicationFolder,
) -> None:
    ann, bob = person(waiting, "ann"), person(waiting, "bob")
    person(waiting, "cyd")
    for name in (NAME, ARABIC):
        approve(waiting, ann, name)
    choose_mails(editing_state(waiting), bob, {StaffMailKind.REMINDERS: MailTime.NEVER})
    assert set(reminded(waiting, 10)) == {"cyd@example.org"}


def test_who_has_edited_an_issue_is_not_asked_to_approve_it(waiting: PublicationFolder) -> None:
    ann = person(waiting, "ann", Grant(Role.EDITOR), Grant(Role.APPROVER, "en"))
    person(waiting, "bob", Grant(Role.APPROVER, "en"))
    request = EditRequest(EditKind.SUBJECT, "Mine")
    edit_issue(editing_state(waiting), ann, NAME, request)
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
    with waiting.database.writing() as connection:
        for name, grant in (
            ("lin", Grant(Role.TRANSLATOR, "ar")),
            ("mei", Grant(Role.APPROVER)),
        ):
            new = NewAccount(f"{name}@example.org", name, "zh-Hant", (grant,))
            add_account(connection, new, NOW)
    omar = person(waiting, "omar", Grant(Role.TRANSLATOR, "ar"))
    waiting.write("en/rain.md", "Rain.", title="The rain", date="2026-01-08")
    waiting.at(DUE - 15 * HOUR).pick_up()
    start_translation(editing_state(waiting), omar, "rain", "ar")
    found = reminded(waiting, 10)
    words = found["omar@example.org"]
    assert "Translations that you have promised" in words
    assert "The rain" in words
    # Lin has promised nothing; that she hears of the new story is another mail.
    assert "尚未核准" not in found.get("lin@example.org", "")
    assert "尚未核准：The Lantern" in found["mei@example.org"]


def test_whoever_approved_what_a_file_has_changed_is_told_once_with_the_editors(
    waiting: PublicationFolder,
) -> None:
    ann, ed = person(waiting, "ann"), person(waiting, "ed", Grant(Role.EDITOR))
    person(waiting, "zoe", Grant(Role.EDITOR, "ar"))
    person(waiting, "bob")
    approve(waiting, ann)
    assert reminded(waiting, 19) == {}
    waiting.write("en/tides.md", "Other words.", title="Tides", date="2026-01-05")
    told = reminded(waiting, 18.5)
    assert set(told) == {"ann@example.org", "ed@example.org"}
    words = told["ann@example.org"]
    assert "Changed after approval: The Lantern" in words
    assert "Approved before by: \u2068ann@example.org\u2069" in words
    assert "/issues/weekly-en-2026-01-09/" in words
    assert reminded(waiting, 18) == {}
    (first, *_others) = find_attention(
        take_snapshot(waiting.settings, waiting.database, waiting.clock.now()),
        waiting.clock.now(),
    )
    assert (first.kind, first.name) == ("changed", NAME)
    assert first.text == "approved before by ann@example.org; 0 of 2 approvals"
    # Once it is approved again, or sent, it is not said any more.
    approve(waiting, ann)
    choose_mails(editing_state(waiting), ed, {StaffMailKind.STRUCK: MailTime.NEVER})
    items = list_attention(editing_state(waiting), ann)[1]
    assert "changed" not in {one.kind for one in items}


def test_editors_are_told_that_somebody_asks_for_changes(waiting: PublicationFolder) -> None:
    ann = person(waiting, "ann")
    ed = person(waiting, "ed", Grant(Role.EDITOR))
    person(waiting, "eve", Grant(Role.EDITOR))
    state = editing_state(waiting)
    edit_issue(state, ed, NAME, EditRequest(EditKind.SUBJECT, "Mine"))
    assert reminded(waiting, 19) == {}
    request_changes(state, ann, NAME, manifest_of(waiting), "Say which ferry")
    # Whoever has edited it, and nobody else.
    told = reminded(waiting, 18)
    assert set(told) == {"ed@example.org"}
    assert "Changes are asked for: The Lantern" in told["ed@example.org"]
    assert "ann@example.org: Say which ferry" in told["ed@example.org"]
    assert reminded(waiting, 17) == {}
    assert queue_verdicts(waiting.settings, waiting.database, waiting.clock.now()) == 0


def test_reminders_count_from_when_it_is_sent_and_end_then(waiting: PublicationFolder) -> None:
    issue = issue_of(waiting)
    edition = require_edition(waiting.settings, issue)
    due = [reminders_due(edition, issue, DUE - hours * HOUR) for hours in (11, 10, 2, 0)]
    assert due == [0, 1, 2, 3]
    assert reminders_due(edition, replace(issue, kind="announcement"), DUE) == 0
    later = replace(issue, send_at=DUE + DAY)
    assert reminders_due(edition, later, DUE - timedelta(hours=2)) == 0
    assert reminders_due(edition, replace(issue, send_at=None), DUE - HOUR) == 0
