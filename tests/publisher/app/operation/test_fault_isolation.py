"""An unexpected error of one thing holds back that thing, and is named; all others go out."""

import errno
import os
from collections.abc import Callable
from datetime import timedelta
from pkgutil import resolve_name
from typing import Any

import pytest
from sqlalchemy.exc import DatabaseError as OfDriver
from structlog.testing import capture_logs

from publisher.app.operation.cycle import CycleReport, ReloadedPipeline
from publisher.app.operation.run import run_cycle, service_turns
from publisher.app.operation.status import PublicationStatus, take_snapshot
from publisher.config import Settings
from publisher.delivery.ledger_writer import LeaseLost
from publisher.errors import DatabaseError, StorageError
from publisher.fault_isolation import isolated
from publisher.ingest.pickup.source_items import SourceState, add_source, stored_sources
from publisher.jobs.turns import TurnRunner, list_turn_problems, record_turn
from publisher.testing import MemoryTransport
from tests.publisher.app.nights import silent
from tests.publisher.conftest import NOW, Make, PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of, public

SECOND = "the second call"
MINUTE = timedelta(minutes=1)
# Where a loop over independent things, or a step of a cycle, has its seam; and what in the arguments of the
# call makes it fail. All has to do with the Arabic edition, or with the second source. One cycle has the
# faults of a line.
SEAMS = [
    [
        ("publisher.ingest.pickup.source_items:parse_document", "ar/tides.md"),
        ("publisher.ingest.pickup.script_conversion:update_conversions", ""),
        ("publisher.ingest.pickup.link_update:update_links", ""),
        ("publisher.app.operation.cycle:delete_expired_requests", ""),
        ("publisher.app.operation.cycle:queue_translator_mails", ""),
        ("publisher.app.operation.cycle:revise_issues", ""),
        ("publisher.app.operation.cycle:check_audiences", ""),
        ("publisher.app.operation.cycle:check_approvals", ""),
        ("publisher.app.operation.cycle:queue_reminders", ""),
        ("publisher.app.operation.cycle:queue_verdicts", ""),
        ("publisher.site.writer:write_logo", ""),
        ("publisher.site.writer:write_redirects", ""),
        ("publisher.app.operation.cycle:fill_bucket", ""),
        ("publisher.app.operation.cycle:send_notices", ""),
        ("publisher.app.operation.cycle:notify_hubs", ""),
        ("publisher.app.operation.cycle:Pipeline.call_webhooks", ""),
        ("publisher.app.operation.run:_read_mail", ""),
    ],
    [
        ("publisher.ingest.pickup.source_pickup:open_source", "'spare'"),
        ("publisher.ingest.pickup.upsert:upsert_articles", "title='المدّ'"),
    ],
    [
        ("publisher.ingest.pickup.source_pickup:SourcePickup.hold_sudden_loss", SECOND),
        ("publisher.issues.planner:_plan_edition", "'ar'"),
        ("publisher.site.writer:_article_page", "language='ar'"),
        ("publisher.syndication.change_log:_ChangeRecorder._record_article", "language='ar'"),
    ],
    [
        ("publisher.ingest.pickup.source_pickup:SourcePickup.finish", SECOND),
        ("publisher.assembly.select:_fill", "'ar'"),
        ("publisher.syndication.feed_writer:FeedWriter._start", "name='ar'"),
        ("publisher.web_files:write_page", "ar/index"),
    ],
    [
        ("publisher.assembly.assemble:_render", "language='ar'"),
        ("publisher.syndication.feed_pages:FeedPages.write_feed_page", "name='ar'"),
    ],
    [
        ("publisher.site.writer:_with_present_address", "language='ar'"),
        ("publisher.syndication.feed_pages:FeedPages._write_opml", ""),
    ],
    [("publisher.delivery.issue_opening:_open", "language='ar'")],
    [("publisher.delivery.job:JobBuilder.build", "language='ar'")],
    [("publisher.delivery.ledger.lifecycle:finish_issue", "language='ar'")],
]


def break_at(
    monkeypatch: pytest.MonkeyPatch, place: str, mark: str, fault: BaseException
) -> None:
    """Have a function raise when its arguments show a mark, or in its second call."""
    plain: Callable[..., Any] = resolve_name(place)
    calls = []

    def fails(*arguments: Any, **named: Any) -> Any:
        calls.append(mark)
        shown = repr([one for one in (*arguments, named) if not isinstance(one, Settings)])
        if len(calls) == 2 if mark == SECOND else mark in shown:
            raise fault
        return plain(*arguments, **named)

    holder, _dot, name = place.replace(":", ".").rpartition(".")
    monkeypatch.setattr(resolve_name(holder), name, fails)


@pytest.fixture
def tides(new_publication: Make) -> PublicationFolder:
    sources = [{"kind": "folder", "path": "articles"}, {"kind": "folder", "path": "spare"}]
    publication = new_publication(sources=sources)
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    publication.write("ar/tides.md", "المدّ ينتظر.", title="المدّ", date="2026-01-06")
    publication.write("../spare/en/fog.md", "Fog.", title="Fog", date="2026-01-05")
    subscribe(publication, ("ann@example.com", "en"), ("bob@example.com", "ar"))
    return publication


def cycled(publication: PublicationFolder) -> tuple[CycleReport, PublicationStatus, list[str]]:
    """Run a cycle; give its report, the state after it, and who got a mail."""
    transport = MemoryTransport()
    with capture_logs():  # tracebacks take long to print
        report = run_cycle(pipeline_of(publication, transport), silent)
    snapshot = take_snapshot(publication.settings, publication.database, NOW)
    return report, snapshot, [one.recipient for one in transport.taken]


@pytest.mark.parametrize("places", SEAMS, ids=[one[0][0] for one in SEAMS])
def test_a_fault_of_one_thing_is_named_and_the_others_go_out(
    tides: PublicationFolder, monkeypatch: pytest.MonkeyPatch, places: list[tuple[str, str]]
) -> None:
    for place, mark in places:
        break_at(monkeypatch, place, mark, ZeroDivisionError(place))
    report, snapshot, reached = cycled(tides)
    assert "ann@example.com" in reached
    assert "Tides" in (public(tides) / "feeds/en.json").read_text()
    assert (public(tides) / "en/weekly/2026-01-09/index.html").is_file()
    named = str([*report.problems, *snapshot.quarantine])
    assert [
        place for place, _mark in places if f"ZeroDivisionError({place!r})" not in named
    ] == []
    assert [one.problem for one in snapshot.problems] == report.problems


def test_what_would_meet_the_next_thing_too_stops_a_cycle(
    tides: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for fault in (
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        StorageError("the disk is full"),
        DatabaseError("the database is gone"),
        OfDriver("SELECT", {}, Exception("database disk image is malformed")),
        LeaseLost("another process sends"),
        KeyboardInterrupt(),
        SystemExit(1),
    ):
        opening = "publisher.ingest.pickup.source_pickup:open_source"
        break_at(monkeypatch, opening, "'spare'", fault)
        with pytest.raises(type(fault)):
            run_cycle(pipeline_of(tides), silent)


def test_no_issue_is_skipped_or_goes_out_without_what_could_not_be_read(
    tides: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        break_at(patched, "publisher.app.operation.cycle:pick_up", "", ZeroDivisionError())
        report, _snapshot, mails = cycled(tides)
    assert ("ZeroDivisionError" in report.problems[0], mails) == (True, [])
    assert sorted(cycled(tides)[2]) == ["ann@example.com", "bob@example.com"]


def test_what_a_failing_thing_has_written_in_a_shared_transaction_is_undone(
    publication: PublicationFolder,
) -> None:
    reported: list[str] = []
    with publication.database.writing() as connection, capture_logs():
        with isolated("one", reported.append, connection):
            add_source(connection, "one", SourceState("folder"))
            assert not 1 / len(reported)
        with isolated("two", reported.append, connection):
            add_source(connection, "two", SourceState("folder"))
    with publication.database.reading() as connection:
        assert stored_sources(connection) == {"two": "folder"}
    assert reported == [
        "one: a fault of the program: ZeroDivisionError('division by zero'); the log has the traceback"
    ]


def test_a_problem_keeps_its_instant_while_each_run_has_it_and_a_good_run_ends_it(
    publication: PublicationFolder,
) -> None:
    database = publication.database

    def stored() -> list[tuple[str, str, int]]:
        with database.reading() as connection:
            found = list_turn_problems(connection)
        return [(one.turn, one.problem, (one.since - NOW) // MINUTE) for one in found]

    record_turn(database, "prepare", ["a", "b"], NOW)
    record_turn(database, "ping", ["c"], NOW)
    record_turn(database, "prepare", ["b", "d"], NOW + MINUTE)
    assert stored() == [("ping", "c", 0), ("prepare", "b", 0), ("prepare", "d", 1)]
    record_turn(database, "ping", [], NOW + MINUTE)
    assert stored() == [("prepare", "b", 0), ("prepare", "d", 1)]
    record_turn(database, "prepare", [], NOW + 2 * MINUTE, alone=True)
    assert stored() == []


def test_a_turn_of_the_service_that_fails_is_named_until_it_succeeds(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = ReloadedPipeline(pipeline_of(publication))
    runner = TurnRunner(publication.settings.folders.root, service_turns(live, lambda _: None))

    def problems() -> list[str]:
        found = take_snapshot(publication.settings, publication.database, NOW).problems
        return [f"{one.turn}: {one.problem}" for one in found]

    with monkeypatch.context() as patch, capture_logs():
        break_at(
            patch, "publisher.app.operation.cycle:Pipeline.notify", "", ZeroDivisionError("x")
        )
        assert not runner.run("notify")
    assert [one[:55] for one in problems()] == [
        "notify: a fault of the program: ZeroDivisionError('x');"
    ]
    assert runner.run("notify")
    assert problems() == []
