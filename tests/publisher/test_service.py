"""The service as a whole, in this process and with turns that follow each other at once."""

import errno
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from structlog.testing import capture_logs

from publisher.app.operation.cycle import CycleReport, Pipeline, ReloadedPipeline
from publisher.app.operation.run import run_service, service_turns
from publisher.clock import Clock, running_from
from publisher.config import SETTINGS_FILE
from publisher.delivery import dispatcher
from publisher.delivery.transports import base as transports
from publisher.files import write_file
from publisher.jobs import local_engine
from publisher.jobs.heartbeat import read_heartbeat
from publisher.jobs.local_engine import Service
from publisher.testing import MemoryTransport
from tests.publisher.conftest import NOW, Make, PublicationFolder
from tests.publisher.delivery.mailing import outbox, ready, subscribe
from tests.publisher.notices.people import add_person, enqueue
from tests.publisher.printing import pipeline_of
from tests.sizes import PATIENCE

FAILED = "run failed; the next one tries again"
FAULT = "run failed by a fault of the program; the next one tries again"


@pytest.fixture
def publication(new_publication: Make) -> PublicationFolder:
    """A publication in one language: turns are short."""
    return new_publication(languages=["en"])


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """Put back who is told of signals: the service takes them."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def heartbeat(publication: PublicationFolder) -> Path:
    return publication.settings.folders.heartbeat


def make_service(
    publication: PublicationFolder,
    told: Callable[[CycleReport], None] = lambda _report: None,
    transport: transports.Transport | None = None,
    clock: Clock | None = None,
) -> Service:
    one = Service(publication.settings.folders.root, seconds=0.05)
    pipeline = replace(pipeline_of(publication, transport), clock=clock or publication.clock)
    for turn in service_turns(ReloadedPipeline(pipeline), told):
        one.schedule(turn)
    return one


def run_until(one: Service, *steps: Callable[[], object]) -> None:
    """Run the service until each step has given something true, one after the other."""
    stop_after(one.run, *steps)


def stop_after(run: Callable[[], None], *steps: Callable[[], object]) -> None:

    def watch() -> None:
        deadline = time.monotonic() + 120
        for step in steps:
            while not step() and time.monotonic() < deadline:
                time.sleep(0.01)
        signal.raise_signal(signal.SIGTERM)

    other = threading.Thread(target=watch)
    other.start()
    run()
    other.join()


def rename(publication: PublicationFolder, table: str, name: str) -> bool:
    with publication.database.writing() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {name}")
    return True


def test_the_service_assembles_sends_and_ends_on_sigterm(
    publication: PublicationFolder,
) -> None:
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    subscribe(publication, ("ann@example.com", "en"))
    reports: list[CycleReport] = []
    transport = MemoryTransport()
    run_until(
        make_service(publication, reports.append, transport),
        lambda: transport.taken and len(reports) > 1,
    )
    assert [report.picked_up.new for report in reports][:2] == [1, 0]
    assert len(transport.taken) == 1
    assert read_heartbeat(heartbeat(publication)) == NOW


def test_a_service_that_does_not_lead_runs_no_cycle_and_records_that_it_works(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pipeline, "leads", property(lambda _: False))
    reports: list[CycleReport] = []
    run = partial(run_service, pipeline_of(publication), reports.append)
    stop_after(run, lambda: heartbeat(publication).exists())
    assert reports == []


def test_a_failed_run_is_repeated(publication: PublicationFolder) -> None:
    subscribe(publication, ("ann@example.com", "en"))
    ready(publication)
    # A table that is not where it should be, as while somebody mends a database.
    rename(publication, "issue", "elsewhere")
    reports: list[CycleReport] = []
    with capture_logs() as logs:
        run_until(
            make_service(publication, reports.append),
            lambda: any(line["event"] == FAILED for line in logs),
            lambda: rename(publication, "elsewhere", "issue"),
            lambda: reports and outbox(publication),
        )
    failed = next(line for line in logs if line["event"] == FAILED)
    assert re.search(r"no such table: issue|\"issue\" does not exist", failed["reason"])
    assert reports
    assert len(outbox(publication)) == 1


def test_a_run_with_a_fault_of_the_program_is_repeated(publication: PublicationFolder) -> None:
    faults = [ZeroDivisionError()]

    def outcome(_outgoing: transports.OutgoingMessage) -> transports.Outcome:
        if faults:
            raise faults.pop()
        return transports.ACCEPTED_OUTCOME

    subscribe(publication, ("ann@example.com", "en"))
    ready(publication)
    transport = MemoryTransport(outcomes=outcome)
    # It goes on: a run that takes long puts the mail off by a second.
    clock = running_from(publication.clock)
    with capture_logs() as logs:
        one = make_service(publication, transport=transport, clock=clock)
        run_until(one, lambda: transport.taken)
    assert [line["event"] for line in logs].count(FAULT) == 1
    assert len(transport.taken) == 1


def test_long_work_ends_at_a_safe_place_and_goes_on_at_the_next_start(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_outgoing: transports.OutgoingMessage) -> transports.Outcome:
        one.stop()
        return transports.ACCEPTED_OUTCOME

    # People read no faster, but are not told of what takes no time.
    monkeypatch.setattr(dispatcher, "REPORT_INTERVAL", 0.0)
    subscribe(publication, *((f"r{number}@example.com", "en") for number in range(9)))
    ready(publication)
    first, second = MemoryTransport(outcomes=stop), MemoryTransport()
    one = make_service(publication, transport=first)
    with capture_logs() as logs:
        one.run()
    assert "stopped at a safe place" in [line["event"] for line in logs]
    assert 1 <= len(first.taken) <= 2
    pipeline_of(publication, second).deliver()
    names = {message.name for message in (*first.messages, *second.messages)}
    assert (len(first.taken) + len(second.taken), len(names)) == (9, 9)


class SettableTimer:
    """The machine's time of day, to be set: no test may set the machine's."""

    offset = 0.0

    def time(self) -> float:
        return time.time() + self.offset


@pytest.mark.parametrize("by", [-3600.0, 3600.0, -3.0])
def test_a_job_that_waits_runs_at_once_when_the_clock_is_set(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch, by: float
) -> None:
    clock = SettableTimer()
    monkeypatch.setattr(local_engine, "SystemTimer", lambda: clock)
    monkeypatch.setattr(local_engine, "_SECONDS_BETWEEN_CLOCK_CHECKS", 0.01)
    ran = threading.Event()
    scheduler = BackgroundScheduler(timezone=UTC)
    # As it looks after the clock was set back: the next turn lies an hour ahead.
    ahead = datetime.now(UTC) + timedelta(hours=1)
    scheduler.add_job(ran.set, "interval", hours=1, next_run_time=ahead)
    scheduler.start()
    one = make_service(publication)
    watch = threading.Thread(target=one._watch_the_clock, args=(scheduler,))
    with capture_logs() as logs:
        watch.start()
        # A drift is nobody's hand.
        clock.offset = 1.5
        assert not ran.wait(0.1)
        clock.offset = by
        assert ran.wait(PATIENCE)
        one.stop()
        watch.join()
    scheduler.shutdown()
    (line,) = [line for line in logs if line["event"] == "the clock was set"]
    assert abs(line["by_seconds"] - by) < 3


def test_a_full_disk_costs_a_heartbeat_and_the_service_goes_on(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = [OSError(errno.ENOSPC, "No space left on device")]

    def write(path: Path, content: bytes) -> None:
        if writes:
            raise writes.pop()
        write_file(path, content)

    monkeypatch.setattr("publisher.jobs.heartbeat.write_file", write)
    reports: list[CycleReport] = []
    with capture_logs() as logs:
        run_until(make_service(publication, reports.append), heartbeat(publication).is_file)
    (failed,) = [line for line in logs if line["event"] == FAILED]
    assert "is full" in failed["reason"]
    assert len(reports) > 1


def test_the_service_takes_edited_settings_and_survives_a_mistake(
    publication: PublicationFolder,
) -> None:
    file = publication.settings.folders.root / SETTINGS_FILE
    before = file.read_text("utf-8")
    home = publication.settings.folders.public / "en/index.html"
    reports: list[CycleReport] = []

    def shows(title: str) -> bool:
        return home.is_file() and title in home.read_text("utf-8")

    def write(text: str) -> bool:
        reports.clear()
        write_file(file, text.encode())
        return True

    with capture_logs() as logs:
        run_until(
            make_service(publication, reports.append),
            lambda: shows("The Lantern"),
            lambda: write(before.replace("The Lantern", "The Beacon")),
            lambda: shows("The Beacon"),
            lambda: write("newsletter = ["),
            lambda: sum(bool(one.settings_problem) for one in reports) > 2,
            lambda: write(before),
            lambda: shows("The Lantern"),
        )
    told = [line["event"] for line in logs if "settings" in line["event"]]
    assert told == [
        "settings changed",
        "edited settings are wrong; the previous ones stay in use",
        "settings changed",
        "settings are valid again",
    ]


class SlowForIssues(MemoryTransport):
    """Takes the mail of an issue only once a notice has been taken."""

    def __init__(self) -> None:
        super().__init__()
        self._notified = threading.Event()

    def take(self, outgoing: transports.OutgoingMessage) -> transports.Outcome:
        if outgoing.issue_id:
            self._notified.wait(20)
        else:
            self._notified.set()
        return super().take(outgoing)


def test_a_confirmation_leaves_while_an_issue_is_being_sent(
    publication: PublicationFolder,
) -> None:
    subscribe(publication, ("bob@example.com", "en"))
    ready(publication)
    enqueue(publication, add_person(publication))
    transport = SlowForIssues()
    run_until(make_service(publication, transport=transport), lambda: len(transport.taken) == 2)
    assert {one.recipient for one in transport.taken} == {"ann@example.org", "bob@example.com"}
    assert transport.taken[0].recipient == "ann@example.org"
