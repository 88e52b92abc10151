"""A publication, run from end to end by its pipeline and by the use cases alone, without a command line."""

import ast
import signal
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from publisher.accounts.model import Permission
from publisher.app import articles
from publisher.app.editing_state import find_terminal_actor, open_editing_state
from publisher.app.issues import deliveries, dry_run, lookup, send_test_mails, sending
from publisher.app.issues import preview as issue_preview
from publisher.app.issues.deliveries import DoubtChoice
from publisher.app.opening import open_state
from publisher.app.operation import check
from publisher.app.operation.check import check_editions, check_file
from publisher.app.operation.cycle import CycleReport, add_reports, deliver_due
from publisher.app.operation.new import create_publication
from publisher.app.operation.run import open_locked_pipeline, run_cycle, run_service
from publisher.app.operation.status import LanguagePlaces, list_places, take_snapshot
from publisher.assembly.select import select_due
from publisher.clock import FixedClock
from publisher.config import load_settings
from publisher.delivery.dispatcher import DeliveryReport
from publisher.delivery.states import DeliveryState
from publisher.delivery.transports import base
from publisher.errors import BusyError, UsageError
from publisher.ingest.pickup.source_pickup import PickedUp
from publisher.issues.planner import plan_issues
from publisher.testing import SECRET, MemoryTransport
from tests.publisher.app.approving import (
    DAY,
    DUE,
    HOUR,
    NAME,
    TERMINAL,
    cycle,
    fill,
    newsletter,
)
from tests.publisher.app.nights import silent
from tests.publisher.conftest import NOW, Make, PublicationFolder, editing_state
from tests.publisher.delivery.mailing import outbox, subscribe
from tests.publisher.mail.keys import RSA
from tests.publisher.mail.samples import parsed, raw_field
from tests.publisher.printing import URL, changes, pipeline_of, public, stamps

WARNING = "no translation of the program's own words; English will stand around the articles"


def tides(publication: PublicationFolder) -> PublicationFolder:
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    publication.write("ar/tides.md", "المدّ ينتظر.", title="المدّ", date="2026-01-06")
    subscribe(publication, ("ann@example.com", "en"), ("bob@example.com", "ar"))
    return publication


def test_a_cycle_goes_from_a_file_to_mail_pages_and_feeds_and_twice_changes_nothing(
    new_publication: Make,
) -> None:
    one, other = (tides(new_publication()) for _ in range(2))
    told: list[tuple[object, ...]] = []
    report = pipeline_of(one).run(lambda *step: told.append(step))
    assert told[:3] == [("reading articles", done, 2) for done in range(3)]
    assert ("weekly-en-2026-01-09", 1, 1, "") in told
    assert report.picked_up.new == 2
    assert report.issues == 2
    assert (report.written.articles, report.written.issues) == (2, 2)
    # Of four languages, all of them, and the issues of two editions.
    assert report.feeds == 7
    assert (report.sent.messages, report.problems) == (2, [])
    assert sorted(report.sent.issues) == ["weekly-ar-2026-01-09", "weekly-en-2026-01-09"]
    # Another publication of the same content comes out byte for byte equal.
    pipeline_of(other).run()
    for folder in ("public", "outbox"):
        contents = [
            {path: content for path, (_time, content) in stamps(root / folder).items()}
            for root in (one.settings.folders.root, other.settings.folders.root)
        ]
        assert contents[0] == contents[1] != {}
    # Nothing at all changes on disk.
    with changes(one.settings.folders.root) as found:
        report = pipeline_of(one).run()
        pipeline_of(one.at(NOW + timedelta(minutes=5))).run()
    assert {path for path in found if not path.startswith("var/")} == set()
    assert (report.issues, report.feeds, report.sent.messages) == (0, 0, 0)


def test_when_mail_is_written_its_pages_and_feeds_exist(publication: PublicationFolder) -> None:
    def look(outgoing: base.OutgoingMessage) -> base.Outcome:
        assert (public(publication) / "feeds/en.rss.xml").is_file()
        content = outgoing.message.content
        url = raw_field(content, "Archived-At").strip("<>")
        text, _page = parsed(content).iter_parts()
        links = [ln for ln in text.get_content().splitlines() if ln.startswith(URL)]
        assert len(links) > 3
        for link in (url, *links):
            path = link.removeprefix(URL).partition("?")[0].strip("/")
            assert (public(publication) / path / "index.html").is_file(), link
        return base.ACCEPTED_OUTCOME

    transport = MemoryTransport(outcomes=look)
    pipeline_of(tides(publication), transport).run()
    assert len(transport.taken) == 2


def test_a_language_without_a_catalogue_is_warned_of_once(
    new_publication: Make,
) -> None:
    publication = new_publication(languages=["en", "nb", "eo", "ar"])
    with capture_logs() as logs:
        for day in range(3):
            pipeline_of(publication.at(NOW + timedelta(days=day))).prepare()
        publication.reload(languages=["en", "nb", "eo", "ar", "ca"])
        pipeline_of(publication).prepare()
    warned = [line["language"] for line in logs if line["event"] == WARNING]
    assert warned == ["nb", "eo", "ca"]


def test_several_cycles_add_up_and_the_last_one_says_what_is_in_quarantine() -> None:
    one = CycleReport(
        picked_up=PickedUp(new=2, moved=1, quarantined=3),
        issues=1,
        feeds=3,
        sent=DeliveryReport(messages=5),
        problems=["x"],
    )
    two = CycleReport(
        picked_up=PickedUp(new=1, changed=4, removed=2, quarantined=1),
        issues=2,
        feeds=6,
        sent=DeliveryReport(messages=7),
        problems=["y"],
    )
    total = add_reports([one, two])
    assert total.picked_up == PickedUp(new=3, changed=4, moved=1, removed=2, quarantined=1)
    assert (total.issues, total.feeds, total.sent.messages) == (3, 9, 12)
    assert total.problems == ["x", "y"]
    assert add_reports([]) == CycleReport()


def english(publication: PublicationFolder) -> LanguagePlaces:
    now = publication.clock.now()
    snapshot = take_snapshot(publication.settings, publication.database, now)
    found = list_places(publication.settings, snapshot).languages
    return next(one for one in found if one.language == "en")


def test_what_only_awaits_approval_has_no_place_and_hides_no_issue_that_was_sent(
    publication: PublicationFolder,
) -> None:
    publication.reload(newsletters=[newsletter(approval="none")])
    fill(publication)
    root = publication.settings.folders.root
    pipeline_of(publication.at(DUE)).run()
    sent = english(publication)
    assert [(root / path).exists() for path in (*sent.pages, *sent.mails)] == [True, True]

    publication.reload(newsletters=[newsletter()])
    publication.write("en/late.md", "Late.", title="Late", date="2026-01-10")
    cycle(publication, DUE + 7 * DAY - 6 * HOUR)
    assert not list((root / "public").glob("en/weekly/2026-01-16*"))
    assert english(publication) == sent


# --- the use cases


ROOT = Path(__file__).resolve().parents[4]
ANN, BOB, CYD = "ann@example.com", "bob@example.com", "cyd@example.com"
CLOCK = FixedClock(NOW)


def for_three(publication: PublicationFolder) -> PublicationFolder:
    """One article that is due today, for three subscribers."""
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    subscribe(publication, (ANN, "en"), (BOB, "en"), (CYD, "en-GB"))
    return publication


@pytest.fixture
def three_readers(publication: PublicationFolder) -> PublicationFolder:
    return for_three(publication)


def prepare(publication: PublicationFolder) -> None:
    pipeline_of(for_three(publication)).prepare()


@pytest.fixture
def prepared(prepared_publication: Make) -> PublicationFolder:
    """Its issue, ready to be sent."""
    return prepared_publication(prepare)


@pytest.fixture
def doubtful(prepared: PublicationFolder) -> PublicationFolder:
    """The mails of Bob and Cyd were sent, and nobody knows whether they arrived."""
    unknown = base.Outcome(base.SendStatus.UNKNOWN, "no answer came")
    transport = MemoryTransport("ambiguous", outcomes={BOB: unknown, CYD: unknown})
    pipeline_of(prepared, transport).deliver()
    return prepared


def doubts(publication: PublicationFolder) -> dict[str | None, str]:
    """Give the Message-IDs in doubt by address, without angle brackets."""
    found = deliveries.list_in_doubt(publication.settings, publication.database)
    assert {issue.name for issue, _message_id, _doubt in found} <= {NAME}
    return {doubt.address: message_id[1:-1] for _issue, message_id, doubt in found}


def test_a_cycle_runs_alone_and_its_places_and_state_can_be_read(
    three_readers: PublicationFolder,
) -> None:
    settings = three_readers.settings
    with open_locked_pipeline(settings, CLOCK) as pipeline:
        assert SECRET not in repr(pipeline) + repr(settings)
        report = run_cycle(pipeline, silent)
        with pytest.raises(BusyError), open_locked_pipeline(settings, CLOCK):
            pass
    assert (report.picked_up.new, report.issues, report.sent.messages) == (1, 1, 3)
    with open_state(settings) as database:
        snapshot = take_snapshot(settings, database, NOW)
        (found,) = articles.list_articles(database).articles
        assert articles.list_article_problems(database) == []
    assert (snapshot.stories, snapshot.worked_at) == (1, NOW)
    # A subscriber of en-GB is served by en.
    assert [one.subscribers for one in snapshot.languages] == [3, 0, 0, 0]
    issue = next(one for one in snapshot.latest if one.articles)
    assert (issue.issue.name, issue.deliveries["sent"]) == (NAME, 3)
    assert found.title == "Tides"
    places = list_places(settings, snapshot)
    english = next(one for one in places.languages if one.language == "en")
    root = settings.folders.root
    assert places.done == "written"
    assert [len([*(root / path).iterdir()]) for path in english.mails] == [3]
    assert all((root / path).exists() for path in (*english.pages, *english.feeds))


def test_the_service_runs_until_a_signal(three_readers: PublicationFolder) -> None:
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    reports: list[int] = []

    def stop(report: object) -> None:
        reports.append(getattr(report, "issues", 0))
        signal.raise_signal(signal.SIGTERM)

    try:
        run_service(pipeline_of(three_readers), stop)
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
    assert reports == [1]


def test_mail_is_delivered_and_what_is_left_is_told(prepared: PublicationFolder) -> None:
    assert outbox(prepared) == {}
    later = base.Outcome(base.SendStatus.DEFERRED, "come back later")
    pipeline_of(prepared, MemoryTransport(outcomes={BOB: later})).deliver()
    sending.pause_sending(editing_state(prepared), TERMINAL, NAME, "a wrong date")
    run = deliver_due(prepared.settings, CLOCK, silent)
    assert (run.sent.messages, [issue.reason for issue in run.paused]) == (0, ["a wrong date"])
    sending.resume_sending(editing_state(prepared), TERMINAL, NAME)
    run = deliver_due(prepared.settings, CLOCK, silent)
    assert (run.sent.messages, run.sent.issues, run.paused) == (1, [NAME], [])
    assert run.deliveries == {"sent": 3}


# --- issues


def test_an_issue_is_found_by_its_name_within_a_transaction(
    prepared: PublicationFolder,
) -> None:
    with sending.changing_issue(
        editing_state(prepared), TERMINAL, "look", Permission.PAUSE_SENDING, NAME
    ) as (change, issue):
        connection = change.connection
        assert lookup.require_issue(connection, NAME) == issue
        with pytest.raises(UsageError, match="weekly: no such issue"):
            lookup.require_issue(connection, "weekly")


def test_a_preview_a_check_and_a_test_mail_are_made_and_change_nothing(
    three_readers: PublicationFolder,
) -> None:
    settings = three_readers.settings
    english = lookup.find_edition(settings, "weekly", "en-GB")
    with dry_run.open_dry_run(settings, CLOCK) as copy:
        preview = dry_run.preview_next(copy, english)
    assert "Tides" in preview.gate_run.mail.html
    chosen = lookup.choose_editions(settings, None, "en")
    assert [edition.language for edition in chosen] == ["en"]
    (checked,) = check_editions(settings, chosen, CLOCK)
    assert (checked.name, checked.failed, checked.articles) == ("weekly 2026-01-16", False, 1)
    with (
        open_editing_state(settings, CLOCK) as state,
        dry_run.open_preview(state, picks_up=True) as (seen, renderer),
    ):
        actor = find_terminal_actor(state, None)
        viewer = issue_preview.viewer_with_profile("en")
        shown = issue_preview.preview_mail(seen, renderer, actor, english, viewer)
        (sent,) = send_test_mails.send_tests(
            state, renderer, actor, [shown], ["editor@example.org"]
        )
    assert (sent.preview.subject, sent.problem) == (preview.subject, None)
    (content,) = outbox(three_readers).values()
    assert b"To: editor@example.org" in content
    assert take_snapshot(settings, three_readers.database, NOW).stories == 0
    # The article is mailed all the same, once to everybody.
    pipeline_of(three_readers).run()
    mails = [parsed(one) for path, one in outbox(three_readers).items() if "/test/" not in path]
    carried = Counter(mail["To"].addresses[0].addr_spec for mail in mails)
    assert carried == {ANN: 1, BOB: 1, CYD: 1}
    assert all("Tides" in mail.as_string() for mail in mails)


def test_an_issue_that_waits_is_previewed_as_the_next_cycle_will_make_it(
    three_readers: PublicationFolder,
) -> None:
    # As after a kill between these steps and the next.
    three_readers.pick_up()
    plan_issues(three_readers.settings, three_readers.database, NOW)
    select_due(three_readers.settings, three_readers.database, NOW)
    english = lookup.find_edition(three_readers.settings, "weekly", None)
    with dry_run.open_dry_run(three_readers.settings, CLOCK) as pipeline:
        (held,) = dry_run.preview_held(pipeline, english)
        assert dry_run.preview_next(pipeline, english).why_not_new == "no new articles"
    assert (held.issue.name, held.is_held) == (NAME, True)


def test_a_mail_in_a_file_is_checked(three_readers: PublicationFolder, tmp_path: Path) -> None:
    pipeline_of(three_readers).run()
    file = tmp_path / "mail.eml"
    file.write_bytes(next(iter(outbox(three_readers).values())))
    assert (check_file(file, None).language, check_file(file, "en").failed) == ("en", False)


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
    none = DoubtChoice(message_ids=[])
    assert deliveries.decide_doubts(state, TERMINAL, NAME, none, resend=True).count == 0
    known = doubts(doubtful)
    choice = DoubtChoice(message_ids=[known[BOB], "who@example.org"])
    decision = deliveries.decide_doubts(state, TERMINAL, NAME, choice, resend=False)
    assert (decision.count, decision.unknown) == (1, frozenset({"who@example.org"}))
    choice = DoubtChoice(addresses=[CYD, BOB])
    with pytest.raises(UsageError, match=f"{BOB}: nothing of {NAME} is in doubt there"):
        deliveries.decide_doubts(state, TERMINAL, NAME, choice, resend=True)
    assert doubts(doubtful) == {CYD: known[CYD]}
    twice = DoubtChoice(addresses=[CYD.upper(), CYD])
    assert deliveries.decide_doubts(state, TERMINAL, NAME, twice, resend=True).count == 1
    assert deliver_due(settings, CLOCK, silent).sent.messages == 1
    assert doubts(doubtful) == {}


# --- a publication


def test_a_new_publication_can_be_previewed_at_once(tmp_path: Path) -> None:
    create_publication(tmp_path / "mine", NOW.date())
    settings = load_settings(tmp_path / "mine")
    assert list(settings.publication.examples()) == ["title", "url", "sender", "address"]
    edition = lookup.find_edition(settings, "weekly", None)
    with dry_run.open_dry_run(settings, CLOCK) as copy:
        assert "Hello, reader" in dry_run.preview_next(copy, edition).gate_run.mail.html
    with pytest.raises(UsageError, match="is there already"):
        create_publication(tmp_path / "mine", NOW.date())


def test_the_records_of_keys_are_lines_of_a_zone_file(three_readers: PublicationFolder) -> None:
    root = three_readers.settings.folders.root
    assert check.dkim_records(three_readers.settings) == []
    (root / "s1.pem").write_bytes(RSA)
    with (root / "publication.toml").open("a", encoding="utf-8") as file:
        file.write(
            '[[delivery.dkim]]\ndomain = "example.org"\nselector = "s1"\nkey = "s1.pem"\n'
        )
    (record,) = check.dkim_records(load_settings(root))
    assert record.startswith("s1._domainkey.example.org.")


# --- that all of them are here


def names_used(files: Iterable[Path]) -> set[str]:
    """Give the names that files use, without those that they only define or import."""
    return {
        node.id if isinstance(node, ast.Name) else node.attr
        for path in files
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Name | ast.Attribute)
    }


def test_each_use_case_is_reached_without_the_command_line() -> None:
    """By a test, or by another use case; tests of surfaces do not count."""
    app = [*(ROOT / "publisher/app").rglob("*.py")]
    folders = ("tests/publisher", "tests/slow/publisher/app")
    tests = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    functions = {
        node.name
        for path in app
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }
    assert len(functions) > 30
    others = [path for path in tests if not {"cli", "web"} & {*path.parts}]
    assert functions - names_used([*app, *others]) == set()
