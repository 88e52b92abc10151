"""What people with accounts are told: at once, in a daily mail or never; issues at their hour, claims, sources that fail."""

from dataclasses import replace
from datetime import datetime
from email import message_from_bytes, policy
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from publisher.accounts.mails import MailTime, StaffMailKind, queue_digests, tell
from publisher.accounts.model import Actor, Grant, Role, terminal_actor
from publisher.accounts.store import disable_account, find_account, set_grants
from publisher.app.issues.approval_mails import queue_reminders
from publisher.app.issues.approvals import request_changes
from publisher.app.issues.edits import EditRequest, edit_issue
from publisher.app.staff_mails import choose_mails, queue_source_mails, read_mail_choices
from publisher.app.translations import claim_translation, release_translation
from publisher.database.retry_queue import queue_item
from publisher.errors import AccountError, ForbiddenError, TranslationError
from publisher.i18n.messages import message, unpacked
from publisher.ingest.problems import save_failures
from publisher.issues.editing import EditKind
from publisher.issues.tables import issue_table
from publisher.polling.schedule import PollState
from publisher.polling.store import PolledSource, save_polled
from tests.publisher.app.approving import (
    DAY,
    DUE,
    HOUR,
    NAME,
    approve,
    cycle_with_all_mails,
    manifest_of,
    newsletter,
    person,
)
from tests.publisher.conftest import PublicationFolder, editing_state
from tests.publisher.starting_points import Point, StartingPoint

ARABIC = Grant(Role.TRANSLATOR, "ar")
EDITOR, ROOT = Grant(Role.EDITOR), Grant(Role.ADMINISTRATOR)


@pytest.fixture
def waiting(starting_point: StartingPoint) -> PublicationFolder:
    """Two languages of an issue wait for approval, since 20 hours before they are due, on a Friday at midnight."""
    terms = {"approval": "two", "lead": 20}
    return starting_point(Point.WAITING, "en", "ar", before=20 * HOUR, **terms)


def told(publication: PublicationFolder, hours: float) -> dict[str, str]:
    """Run a cycle some hours after the issue is due; return who is told what."""
    found: dict[str, str] = {}
    for one in cycle_with_all_mails(publication, DUE + hours * HOUR).messages:
        mail = message_from_bytes(one.content, policy=policy.default)
        name = mail["To"].addresses[0].username
        body = mail.get_body(("plain",))
        assert body is not None
        found[name] = f"{mail['Subject']}\n{body.get_content()}".replace("\r", "")
    return {name: text for name, text in found.items() if not name.startswith("ann-")}


def choose(
    publication: PublicationFolder, actor: Actor, at: MailTime, *kinds: StaffMailKind
) -> None:
    choose_mails(editing_state(publication), actor, dict.fromkeys(kinds, at))


def test_whoever_chose_a_daily_mail_gets_one_with_all_after_seven_o_clock(
    waiting: PublicationFolder,
) -> None:
    ann, ed = person(waiting, "ann"), person(waiting, "ed", EDITOR, ROOT)
    choose(
        waiting,
        ed,
        MailTime.DAILY,
        StaffMailKind.CHANGES,
        StaffMailKind.HELD,
        StaffMailKind.SOURCES,
    )
    choose(waiting, ed, MailTime.NEVER, StaffMailKind.REMINDERS)
    request_changes(editing_state(waiting), ann, NAME, manifest_of(waiting), "Which ferry?")
    assert "ed" not in told(waiting, -16)
    assert "ed" not in told(waiting, 0)  # held at its hour, which waits for the morning, too
    assert "ed" not in told(waiting, 6.9)
    words = told(waiting, 7.1)["ed"]
    assert words.startswith("Daily summary: The Lantern\n")
    assert words.index("Changes are asked for") < words.index("Not sent at its hour")
    assert "ann@example.org: Which ferry?" in words
    assert words.count("/issues/weekly-ar-2026-01-09/") == 1
    assert told(waiting, 8) == {}
    assert {row["kind"] for row in waiting.rows(queue_item)} == {"staff"}


def test_there_is_one_daily_mail_a_day_though_something_was_stored_late(
    waiting: PublicationFolder,
) -> None:
    ed = person(waiting, "ed", EDITOR)
    choose(waiting, ed, MailTime.DAILY, StaffMailKind.CHANGES)
    morning, zone = DUE - 17 * HOUR, ZoneInfo("UTC")
    for text in ("First", "Second"):
        # The second comes of a process that was stopped, with the hour that it knew.
        keep(waiting, "ed", text, morning - HOUR)
        queued = queue_digests(waiting.database, morning + HOUR, zone)
        assert queued == (text == "First")
    assert queue_digests(waiting.database, morning + DAY, zone) == 1
    mails = [row["payload"]["lines"]["changes"] for row in waiting.rows(queue_item)]
    assert [[line["title"] for line in lines] for lines in mails] == [["First"], ["Second"]]


def keep(publication: PublicationFolder, name: str, title: str, at: datetime) -> None:
    with publication.database.writing() as connection:
        account = find_account(connection, f"{name}@example.org")
        assert account is not None
        lines = {"changes": [{"title": title, "language": "en"}]}
        tell(connection, account, StaffMailKind.CHANGES, lines, at)


def test_a_daily_mail_has_nothing_that_its_reader_may_not_or_will_not_read_any_more(
    waiting: PublicationFolder,
) -> None:
    person(waiting, "root", ROOT)
    people = [person(waiting, name, EDITOR) for name in ("amy", "ben", "cat", "dan")]
    for one in people:
        choose(waiting, one, MailTime.DAILY, StaffMailKind.CHANGES)
        keep(waiting, one.name.partition("@")[0], "First", DUE - 30 * HOUR)
    amy, ben, *_others = (one.account_id or 0 for one in people)
    with waiting.database.writing() as connection:
        disable_account(connection, amy, DUE - DAY)
        set_grants(connection, ben, [Grant(Role.EDITOR, "ar")])
    choose(waiting, people[2], MailTime.NEVER, StaffMailKind.CHANGES)
    assert set(told(waiting, -16)) == {"dan"}
    assert {row["kind"] for row in waiting.rows(queue_item)} == {"staff"}


def test_whoever_struck_an_approval_by_an_edit_is_not_told_of_it(
    waiting: PublicationFolder,
) -> None:
    ann, ed = person(waiting, "ann"), person(waiting, "ed", EDITOR)
    person(waiting, "eve", EDITOR)
    approve(waiting, ann)
    edit_issue(editing_state(waiting), ed, NAME, EditRequest(EditKind.SUBJECT, "Mine"))
    waiting.at(DUE - 19 * HOUR)
    edit_issue(editing_state(waiting), ed, NAME, EditRequest(EditKind.SUBJECT, "Other"))
    assert set(told(waiting, -18.9)) == {"ann"}


def test_an_issue_that_is_skipped_or_cannot_be_made_is_told_once(
    waiting: PublicationFolder,
) -> None:
    terms = {"approval": "two", "lead": 20, "unapproved": "skip"}
    waiting.reload(languages=["en", "ar"], newsletters=[newsletter(**terms)])
    person(waiting, "amal", Grant(Role.APPROVER, "ar"))
    person(waiting, "omar", ARABIC)
    told(waiting, -1)
    words = told(waiting, 0.1)
    assert set(words) == {"amal"}
    assert "It was skipped.\nnot approved by its hour: " in words["amal"]
    assert told(waiting, 1) == {}
    with waiting.database.writing() as connection:
        values = {"state": "assembling", "reason": "its subject is empty", "reason_key": "gate"}
        connection.execute(update(issue_table).values(**values, reminders=0))
    assert queue_reminders(waiting.settings, waiting.database, DUE + 2 * HOUR) == 1


def test_a_translation_that_is_assigned_is_told_to_its_translator_and_to_who_had_it(
    waiting: PublicationFolder,
) -> None:
    omar, lin = person(waiting, "omar", ARABIC), person(waiting, "lin", ARABIC)
    ed = person(waiting, "ed", EDITOR)
    waiting.write("en/rain.md", "Rain.", title="The rain", date="2026-01-08")
    waiting.at(DUE - 19 * HOUR).pick_up()
    state, day = editing_state(waiting), DUE.date()
    story = ("rain", "ar")
    claim_translation(state, omar, *story, day)
    assert told(waiting, -18.9).keys() <= {"omar", "lin"}  # of what came in
    with pytest.raises(TranslationError, match="promised by omar@"):
        claim_translation(state, lin, *story, day)
    with pytest.raises(ForbiddenError):
        claim_translation(state, omar, *story, day, "lin@example.org")
    with pytest.raises(TranslationError, match="nobody with this address translates into ar"):
        claim_translation(state, ed, *story, day, "nobody@example.org")
    assert claim_translation(state, ed, *story, day, " Lin@example.org").by == lin.name
    words = told(waiting, -18.8)
    assert set(words) == {"omar", "lin"}
    assert "A translation for you: The Lantern" in words["lin"]
    assert "The rain\n\u2067العربية\u2069\n" in words["lin"]
    assert "Due: \u20682026-01-09 23:59+00:00\u2069" in words["lin"]
    assert "Not yours to translate any more" in words["omar"]
    release_translation(state, ed, *story)
    assert set(told(waiting, -18.7)) == {"lin"}
    # Nobody is told what one did oneself.
    claim_translation(state, ed, *story, day, ed.name)
    release_translation(state, ed, *story)
    assert told(waiting, -18.6) == {}


def test_many_translations_that_are_assigned_at_once_are_one_mail(
    waiting: PublicationFolder,
) -> None:
    person(waiting, "lin", ARABIC)
    ed = person(waiting, "ed", EDITOR)
    with waiting.database.writing() as connection:
        lin = find_account(connection, "lin@example.org")
        assert lin is not None
        lines = [{"title": f"Story {number}", "into": "ar"} for number in range(60)]
        for line in lines:
            tell(connection, lin, StaffMailKind.CLAIMS, {"assigned": [line]}, DUE - 19 * HOUR)
    assert len(waiting.rows(queue_item)) == 1
    words = told(waiting, -18.9)["lin"]
    assert ("Story 49" in words, "Story 50" in words) == (True, False)
    assert "There are more in the console." in words
    # What was sent is not changed any more.
    waiting.write("en/rain.md", "Rain.", title="The rain", date="2026-01-08")
    waiting.at(DUE - 18.8 * HOUR).pick_up()
    claim_translation(editing_state(waiting), ed, "rain", "ar", DUE.date(), "lin@example.org")
    assert "The rain" in told(waiting, -18.7)["lin"]


def test_a_source_that_fails_and_works_by_turns_is_told_to_nobody(
    waiting: PublicationFolder,
) -> None:
    person(waiting, "root", ROOT)
    name = waiting.settings.sources[0].name
    for turn in range(6):
        fail(waiting, {name: "no such folder"} if turn % 3 < 2 else {}, 20 - turn / 12)
        assert queued_sources(waiting, 20 - turn / 12) == 0


def test_a_source_that_fails_for_good_is_told_once_and_once_that_it_works_again(
    waiting: PublicationFolder,
) -> None:
    person(waiting, "ann")
    person(waiting, "root", ROOT)
    name = waiting.settings.sources[0].name
    fail(waiting, {name: message("%(file)s: no such folder", file="articles")}, 20)
    # One cycle alone may have met a folder that is being replaced.
    assert queued_sources(waiting, 20) == 0
    assert [queued_sources(waiting, hours) for hours in (19, 18)] == [1, 0]
    (row,) = waiting.rows(queue_item)
    ((line,),) = row["payload"]["lines"].values()
    assert (line["title"], unpacked(line["reason"])) == (name, "articles: no such folder")
    fail(waiting, {}, 17)
    assert [queued_sources(waiting, hours) for hours in (17, 16)] == [1, 0]
    words = told(waiting, -15)
    assert set(words) == {"root"}
    assert words["root"].startswith("A source works again: The Lantern")


def fail(publication: PublicationFolder, reasons: dict[str, str], before: float) -> None:
    with publication.database.writing() as connection:
        save_failures(connection, reasons, DUE - before * HOUR)


def queued_sources(publication: PublicationFolder, before: float) -> int:
    return queue_source_mails(publication.settings, publication.database, DUE - before * HOUR)


@pytest.mark.parametrize(
    ("state", "result", "is_paused", "count"),
    [
        ({"errors": 3, "failing_since": DUE - 6 * DAY}, "failed", False, 0),
        ({"errors": 9, "failing_since": DUE - 8 * DAY}, "failed", False, 1),
        ({"is_stopped": True}, "stopped", False, 1),
        ({"is_stopped": True}, "stopped", True, 0),
    ],
)
def test_a_source_on_the_web_fails_for_good_after_a_week_or_when_it_is_gone(
    waiting: PublicationFolder, state: dict[str, Any], result: str, is_paused: bool, count: int
) -> None:
    person(waiting, "root", ROOT)
    url = "https://harbour.example/feed"
    sources = [{"name": "harbour", "kind": "feed", "url": url}]
    waiting.reload(languages=["en", "ar"], newsletters=[newsletter()], sources=sources)
    polled = PolledSource("harbour", url, PollState(url, DUE, **state), result=result)
    store(waiting, replace(polled, is_paused=is_paused))
    assert queued_sources(waiting, 0) == count
    # It does not work again while it is paused, or before it was asked.
    store(waiting, replace(polled, state=PollState(url, DUE), is_paused=True))
    assert queued_sources(waiting, 0) == 0
    store(waiting, replace(polled, state=PollState(url, DUE)))
    assert queued_sources(waiting, 0) == 0
    store(waiting, replace(polled, state=PollState(url, DUE), result="unchanged"))
    assert [queued_sources(waiting, 0) for _time in range(2)] == [count, 0]


def store(publication: PublicationFolder, polled: PolledSource) -> None:
    with publication.database.writing() as connection:
        save_polled(connection, [polled])


def test_everybody_chooses_what_her_roles_can_act_on(waiting: PublicationFolder) -> None:
    state = editing_state(waiting)
    omar, viewer = person(waiting, "omar", ARABIC), person(waiting, "vi", Grant(Role.VIEWER))
    kinds = {StaffMailKind.REMINDERS, StaffMailKind.TRANSLATIONS, StaffMailKind.CLAIMS}
    assert read_mail_choices(state, omar).times == dict.fromkeys(kinds, MailTime.NOW)
    assert read_mail_choices(state, viewer).times == {}
    with pytest.raises(AccountError, match="held: your roles get no such mails"):
        choose(waiting, omar, MailTime.DAILY, StaffMailKind.CLAIMS, StaffMailKind.HELD)
    choose(waiting, omar, MailTime.DAILY, StaffMailKind.CLAIMS)
    assert read_mail_choices(state, omar).times[StaffMailKind.CLAIMS] is MailTime.DAILY
    with pytest.raises(AccountError, match="the terminal gets no mails; say --as"):
        read_mail_choices(state, terminal_actor())
    # Who edits is told what is to be translated only after asking for it.
    ed = person(waiting, "ed", EDITOR)
    assert read_mail_choices(state, ed).times[StaffMailKind.TRANSLATIONS] is MailTime.NEVER
