"""A publication, run from end to end by its pipeline and by the use cases alone, without a command line."""

import signal
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from publisher.app.issues import deliveries, dry_run, lookup
from publisher.app.issues.deliveries import DoubtChoice
from publisher.app.opening import open_state
from publisher.app.operation.cycle import CycleReport, add_reports, deliver_due
from publisher.app.operation.run import open_locked_pipeline, run_cycle, run_service
from publisher.app.operation.status import LanguagePlaces, list_places, take_snapshot
from publisher.assembly.select import select_due
from publisher.clock import FixedClock
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
from tests.publisher.delivery.mailing import subscribe
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
    # A subscriber of en-GB is served by en.
    assert [one.subscribers for one in snapshot.languages] == [3, 0, 0, 0]
    assert list_places(settings, snapshot).done == "written"


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


# --- issues


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
