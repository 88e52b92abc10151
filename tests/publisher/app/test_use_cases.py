"""A small publication, run from end to end by the use cases alone, without a command line."""

from __future__ import annotations

import ast
import signal
from datetime import timedelta
from pathlib import Path

import pytest

from publisher.accounts.actor import terminal_actor
from publisher.app import (
    articles,
    deliveries,
    dkim,
    editions,
    issue_control,
    issue_preview,
    issues,
    send_test_mails,
)
from publisher.app.check import check_editions
from publisher.app.deliver import deliver_due
from publisher.app.deliveries import DoubtChoice
from publisher.app.dry_run import (
    open_dry_run,
    open_preview,
    preview_edition,
    preview_held,
    preview_next,
)
from publisher.app.editing_state import Permission, find_terminal_actor, open_editing_state
from publisher.app.eml_input import check_file
from publisher.app.new import create_publication
from publisher.app.places import list_places
from publisher.app.run import open_locked_pipeline, run_cycle, run_service
from publisher.app.screenshots import photograph_editions, write_screenshots
from publisher.app.state import open_state
from publisher.app.status import take_snapshot
from publisher.assembly import select_due
from publisher.clock import FixedClock
from publisher.config import load_settings
from publisher.delivery.outcomes import Outcome, SendStatus
from publisher.delivery.states import DeliveryState
from publisher.errors import BusyError, IssueError, UsageError
from publisher.issues.planner import plan_issues
from publisher.testing import MemoryTransport
from tests.publisher.conftest import NOW, PublicationFolder, editing_state
from tests.publisher.delivery.mailing import outbox, subscribe
from tests.publisher.mail.keys import RSA
from tests.publisher.printing import pipeline_of

ROOT = Path(__file__).resolve().parents[3]
ANN, BOB, CYD = "ann@example.com", "bob@example.com", "cyd@example.com"
NAME = "weekly-en-2026-01-09"
CLOCK = FixedClock(NOW)
TERMINAL = terminal_actor()


def ignore(_step: str, _done: int, _of: int, _note: str = "") -> None:
    """Take no notice of progress."""


@pytest.fixture
def tides(publication: PublicationFolder) -> PublicationFolder:
    """One article that is due today, for three subscribers."""
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    subscribe(publication, (ANN, "en"), (BOB, "en"), (CYD, "en"))
    return publication


@pytest.fixture
def prepared(tides: PublicationFolder) -> PublicationFolder:
    """Its issue, ready to be sent."""
    pipeline_of(tides).prepare()
    return tides


@pytest.fixture
def doubtful(prepared: PublicationFolder) -> PublicationFolder:
    """The mails of Bob and Cyd were sent, and nobody knows whether they arrived."""
    unknown = Outcome(SendStatus.UNKNOWN, "no answer came")
    transport = MemoryTransport("ambiguous", outcomes={BOB: unknown, CYD: unknown})
    pipeline_of(prepared, transport).deliver()
    return prepared


def doubts(publication: PublicationFolder) -> dict[str | None, str]:
    """Give the Message-IDs in doubt by address, without angle brackets."""
    found = deliveries.list_in_doubt(publication.settings, publication.database)
    assert {issue.name for issue, _message_id, _doubt in found} <= {NAME}
    return {doubt.address: message_id[1:-1] for _issue, message_id, doubt in found}


# --- the pipeline


def test_a_cycle_runs_alone_and_its_places_and_state_can_be_read(
    tides: PublicationFolder,
) -> None:
    settings = tides.settings
    with open_locked_pipeline(settings, CLOCK) as pipeline:
        report = run_cycle(pipeline, ignore)
        with pytest.raises(BusyError), open_locked_pipeline(settings, CLOCK):
            pass
    assert (report.picked_up.new, report.issues, report.sent.messages) == (1, 1, 3)
    with open_state(settings) as database:
        snapshot = take_snapshot(settings, database, NOW)
        (found,) = articles.list_articles(database).articles
        assert articles.list_article_problems(database) == []
    assert (snapshot.stories, snapshot.worked_at) == (1, NOW)
    issue = next(one for one in snapshot.latest if one.articles)
    assert (issue.issue.name, issue.deliveries["sent"]) == (NAME, 3)
    assert found.title == "Tides"
    places = list_places(settings, snapshot)
    english = next(one for one in places.languages if one.language == "en")
    root = settings.folders.root
    assert places.done == "written"
    assert [len([*(root / path).iterdir()]) for path in english.mails] == [3]
    assert all((root / path).exists() for path in (*english.pages, *english.feeds))


def test_the_service_runs_until_a_signal(tides: PublicationFolder) -> None:
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    reports: list[int] = []

    def stop(report: object) -> None:
        reports.append(getattr(report, "issues", 0))
        signal.raise_signal(signal.SIGTERM)

    try:
        run_service(pipeline_of(tides), stop)
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
    assert reports == [1]


def test_mail_is_delivered_and_what_is_left_is_told(prepared: PublicationFolder) -> None:
    later = Outcome(SendStatus.DEFERRED, "come back later")
    pipeline_of(prepared, MemoryTransport(outcomes={BOB: later})).deliver()
    issue_control.pause_sending(editing_state(prepared), TERMINAL, NAME, "a wrong date")
    run = deliver_due(prepared.settings, CLOCK, ignore)
    assert (run.sent.messages, [issue.reason for issue in run.paused]) == (0, ["a wrong date"])
    issue_control.resume_sending(editing_state(prepared), TERMINAL, NAME)
    run = deliver_due(prepared.settings, CLOCK, ignore)
    assert (run.sent.messages, run.sent.issues, run.paused) == (1, [NAME], [])
    assert run.deliveries == {"sent": 3}


# --- issues


def test_a_cancelled_issue_is_not_sent(prepared: PublicationFolder) -> None:
    assert not any(
        issue_control.cancel_sending(editing_state(prepared), TERMINAL, NAME).values()
    )
    assert deliver_due(prepared.settings, CLOCK, ignore).sent.messages == 0


def test_an_issue_is_found_by_its_name_within_a_transaction(
    prepared: PublicationFolder,
) -> None:
    with issue_control.changing_issue(
        editing_state(prepared), TERMINAL, "look", Permission.PAUSE_SENDING, NAME
    ) as (change, issue):
        connection = change.connection
        assert issues.require_issue(connection, NAME) == issue
        with pytest.raises(UsageError, match="weekly: no such issue"):
            issues.require_issue(connection, "weekly")


def test_the_next_issues_are_listed(tides: PublicationFolder) -> None:
    found = issues.list_upcoming(tides.settings, tides.database, NOW, 3)
    assert [one.occurrence.due_at > NOW - timedelta(days=7) for one in found] == [True] * 3


def test_a_preview_a_check_and_a_test_mail_are_made_and_change_nothing(
    tides: PublicationFolder,
) -> None:
    settings = tides.settings
    english = editions.find_edition(settings, "weekly", "en-GB")
    preview = preview_edition(settings, CLOCK, english)
    assert "Tides" in preview.gate_run.mail.html
    chosen = editions.choose_editions(settings, None, "en")
    assert [edition.language for edition in chosen] == ["en"]
    (checked,) = check_editions(settings, chosen, CLOCK)
    assert (checked.name, checked.failed, checked.articles) == ("weekly 2026-01-16", False, 1)
    with (
        open_editing_state(settings, CLOCK) as state,
        open_preview(state, picks_up=True) as (seen, renderer),
    ):
        actor = find_terminal_actor(state, None)
        viewer = issue_preview.viewer_with_profile("en")
        shown = issue_preview.preview_mail(seen, renderer, actor, english, viewer)
        (sent,) = send_test_mails.send_tests(
            state, renderer, actor, [shown], ["editor@example.org"]
        )
    assert (sent.subject, sent.problem) == (preview.subject, None)
    (content,) = outbox(tides).values()
    assert b"To: editor@example.org" in content
    assert take_snapshot(settings, tides.database, NOW).stories == 0


def test_an_issue_that_waits_is_previewed_as_the_next_cycle_will_make_it(
    tides: PublicationFolder,
) -> None:
    # As after a kill between these steps and the next.
    tides.pick_up()
    plan_issues(tides.settings, tides.database, NOW)
    select_due(tides.settings, tides.database, NOW)
    english = editions.find_edition(tides.settings, "weekly", None)
    with open_dry_run(tides.settings, CLOCK) as pipeline:
        (held,) = preview_held(pipeline, english)
        with pytest.raises(IssueError, match="has no new articles"):
            preview_next(pipeline, english)
    assert (held.issue.name, held.is_held) == (NAME, True)


def test_a_mail_in_a_file_is_checked(tides: PublicationFolder, tmp_path: Path) -> None:
    pipeline_of(tides).run()
    file = tmp_path / "mail.eml"
    file.write_bytes(next(iter(outbox(tides).values())))
    assert (check_file(file, None).language, check_file(file, "en").failed) == ("en", False)


def test_without_chromium_no_screenshot_is_made(
    tides: PublicationFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    every = editions.choose_editions(tides.settings, "weekly", None)
    with pytest.raises(UsageError, match="chromium"):
        list(photograph_editions(tides.settings, every, CLOCK))
    with pytest.raises(IssueError, match="no edition has an article"):
        write_screenshots(tmp_path / "shots", [])


# --- deliveries


def test_deliveries_are_listed_in_pages_and_doubts_are_decided(
    doubtful: PublicationFolder,
) -> None:
    settings, database = doubtful.settings, doubtful.database
    state = editing_state(doubtful)
    (page,) = deliveries.delivery_pages(settings, database, NAME)
    assert [(one.address, one.state) for one in page] == [(BOB, "in_doubt"), (CYD, "in_doubt")]
    (page,) = deliveries.delivery_pages(settings, database, NAME, [DeliveryState.SENT])
    assert [one.address for one in page] == [ANN]
    known = doubts(doubtful)
    choice = DoubtChoice(message_ids=[known[BOB], "who@example.org"])
    decision = deliveries.decide_doubts(state, TERMINAL, NAME, choice, resend=False)
    assert (decision.count, decision.unknown) == (1, frozenset({"who@example.org"}))
    choice = DoubtChoice(addresses=[CYD, BOB])
    with pytest.raises(UsageError, match=f"{BOB}: nothing of {NAME} is in doubt there"):
        deliveries.decide_doubts(state, TERMINAL, NAME, choice, resend=True)
    assert doubts(doubtful) == {CYD: known[CYD]}
    assert deliveries.decide_doubts(state, TERMINAL, NAME, resend=True).count == 1
    assert deliver_due(settings, CLOCK, ignore).sent.messages == 1
    assert doubts(doubtful) == {}


def test_no_message_id_of_an_empty_list_is_decided(doubtful: PublicationFolder) -> None:
    choice = DoubtChoice(message_ids=[])
    state = editing_state(doubtful)
    decision = deliveries.decide_doubts(state, TERMINAL, NAME, choice, resend=True)
    assert (decision.count, len(doubts(doubtful))) == (0, 2)


# --- a publication


def test_a_new_publication_can_be_previewed_at_once(tmp_path: Path) -> None:
    create_publication(tmp_path / "mine", NOW.date())
    settings = load_settings(tmp_path / "mine")
    edition = editions.find_edition(settings, "weekly", None)
    assert "Hello, reader" in preview_edition(settings, CLOCK, edition).gate_run.mail.html
    with pytest.raises(UsageError, match="is there already"):
        create_publication(tmp_path / "mine", NOW.date())


def test_the_records_of_keys_are_lines_of_a_zone_file(tides: PublicationFolder) -> None:
    root = tides.settings.folders.root
    assert dkim.dkim_records(tides.settings) == []
    (root / "s1.pem").write_bytes(RSA)
    with (root / "publication.toml").open("a", encoding="utf-8") as file:
        file.write(
            '[[delivery.dkim]]\ndomain = "example.org"\nselector = "s1"\nkey = "s1.pem"\n'
        )
    (record,) = dkim.dkim_records(load_settings(root))
    assert record.startswith("s1._domainkey.example.org.")


# --- that all of them are here


def public_functions() -> dict[str, str]:
    """Give the public functions of publisher.app, and the module of each."""
    return {
        node.name: path.stem
        for path in sorted((ROOT / "publisher/app").glob("*.py"))
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }


def called_by_tests() -> set[str]:
    """Give the names of what is called in the tests of publisher.app."""
    calls = (
        node.func
        for folder in ("tests/publisher/app", "tests/slow/publisher/app")
        for path in sorted((ROOT / folder).glob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
    )
    return {
        call.id if isinstance(call, ast.Name) else call.attr
        for call in calls
        if isinstance(call, ast.Name | ast.Attribute)
    }


def test_each_use_case_is_called_without_the_command_line() -> None:
    functions = public_functions()
    assert len(functions) > 30
    called = called_by_tests()
    assert {name: module for name, module in functions.items() if name not in called} == {}
