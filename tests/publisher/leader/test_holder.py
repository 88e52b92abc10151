"""Holding the lead of a shared database or folder, and what is shown of it."""

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from publisher import web_files
from publisher.app.operation.cycle import Pipeline
from publisher.app.operation.run import open_locked_pipeline
from publisher.app.operation.status import take_snapshot
from publisher.cli import main
from publisher.clock import uptime
from publisher.config import SETTINGS_FILE, Folders
from publisher.database.dialect.job_queue import JobQueue
from publisher.delivery.ledger import leases
from publisher.errors import LeaderLostError
from publisher.files import copy_verified, move_file, remove_file, write_file, write_if_changed
from publisher.leader import holder, store
from publisher.leader.holder import Leadership
from publisher.leader.process_lock import hold_publication_lock
from publisher.leader.store import LEADER_SECONDS, Process
from publisher.syndication.feed_documents import FeedFile, submit_feed_file
from publisher.testing import MemoryTransport
from publisher.web_files import remove_with_copies, write_with_copies
from tests.databases import database_address, on_postgresql
from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import pipeline_of

ONE, TWO = Process("1", "alpha", 11, "alpha/var"), Process("2", "beta", 22, "beta/var")


def no_marks(_connection: Connection) -> None:
    raise AssertionError("all files are there")


def leadership(publication: PublicationFolder, process: Process = ONE) -> Leadership:
    return Leadership(publication.database, process)


def follow(publication: PublicationFolder) -> int | None:
    """Let another process lead, as if the lease had expired."""
    database = publication.database
    with database.writing_beside() as connection:
        late = database.timer.time() + LEADER_SECONDS + 1
        return store.take_or_renew(connection, TWO, None, late)


def stored(publication: PublicationFolder) -> str | None:
    with publication.database.reading() as connection:
        return web_files.cached_hash(connection, "one")


def test_transactions_of_a_turn_end_with_the_leadership(publication: PublicationFolder) -> None:
    public = publication.settings.folders.public
    with leadership(publication).leading(public, lambda _: None) as database:
        assert database is not None
        with database.writing() as connection:
            web_files.store_hash(connection, "one", "before")
        assert follow(publication) == 2
        with pytest.raises(LeaderLostError), database.writing() as connection:
            web_files.store_hash(connection, "one", "after")
        with (
            database.writing_in_portions() as portion,
            pytest.raises(LeaderLostError),
            portion() as connection,
        ):
            web_files.store_hash(connection, "one", "after")
        with database.reading() as connection:
            assert connection.execute(select(1)).scalar_one() == 1
    assert stored(publication) == "before"


CHANGES: dict[str, Callable[[Path, Path], Any]] = {
    "written": lambda file, _: write_file(file, b"new"),
    "written if changed": lambda file, _: write_if_changed(file, b"new"),
    "written with copies": lambda file, _: write_with_copies(file, b"new"),
    "removed": lambda file, _: remove_file(file, file.parent),
    "removed with copies": lambda file, _: remove_with_copies(file),
    "moved": lambda file, other: move_file(other, file),
    "copied": lambda file, other: copy_verified(other, file, sha256(b"new").hexdigest()),
}


@pytest.mark.parametrize("change", [*CHANGES])
def test_a_leader_whose_lease_is_old_changes_no_file(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: str
) -> None:
    file, other = publication.settings.folders.public / "a.html", tmp_path / "other"
    write_file(file, b"old")
    write_file(other, b"new")
    awake = uptime
    with leadership(publication).leading(file.parent, lambda _: None):
        before = sorted(file.parent.iterdir())
        # It was stopped, and goes on in the middle of a turn.
        monkeypatch.setattr(holder, "uptime", lambda: awake() + LEADER_SECONDS)
        with pytest.raises(LeaderLostError):
            CHANGES[change](file, other)
    assert file.read_bytes() == b"old"
    assert sorted(file.parent.iterdir()) == before


def test_a_leader_changes_no_file_below_the_epoch_of_another_one(
    publication: PublicationFolder,
) -> None:
    public = publication.settings.folders.public
    feed = FeedFile("feeds/en.atom.xml", b"new")
    with leadership(publication).leading(public, lambda _: None):
        write_file(public / "a.html", b"old")
        assert (public / ".epoch").read_text("ascii") == "1\n"
        assert follow(publication) == 2
        with leadership(publication, TWO).leading(public, no_marks):
            pass
        assert (public / ".epoch").read_text("ascii") == "3\n"
        with pytest.raises(LeaderLostError):
            write_file(public / "a.html", b"new")
        with ThreadPoolExecutor(1) as threads, pytest.raises(LeaderLostError):
            submit_feed_file(threads, publication.settings, feed).result()
    assert (public / "a.html").read_bytes() == b"old"
    assert not (public / feed.path).exists()
    write_file(public / "a.html", b"outside of a turn nothing is in the way")


def test_a_folder_that_the_last_leader_did_not_write_to_gets_everything(
    publication: PublicationFolder, tmp_path: Path
) -> None:
    marked: list[int] = []
    one, two, other = tmp_path / "one", tmp_path / "two", leadership(publication, TWO)

    def turn(leads: Leadership, public: Path, number: int) -> None:
        with leads.leading(public, lambda _: marked.append(number)) as database:
            assert database is not None

    first = leadership(publication)
    turn(first, one, 1)
    turn(first, one, 2)
    first.leave()
    # On a disk of its own.
    turn(other, two, 3)
    turn(other, two, 4)
    other.leave()
    # What it wrote long ago is not enough.
    turn(first, one, 5)
    first.leave()
    # On a shared disk.
    turn(other, one, 6)
    (one / ".epoch").unlink()
    turn(other, one, 7)
    assert marked == [1, 3, 5, 7]


def test_a_folder_of_a_later_leader_is_taken_over_by_who_leads_in_an_older_database(
    publication: PublicationFolder, tmp_path: Path
) -> None:
    write_file(tmp_path / ".epoch", b"7\n")
    marked: list[int] = []
    leads = leadership(publication)
    for _turn in range(2):
        with leads.leading(tmp_path, lambda _: marked.append(1)) as database:
            assert database is not None
            write_file(tmp_path / "a.html", b"new")
    assert (marked, (tmp_path / ".epoch").read_text("ascii")) == ([1], "8\n")
    # But not by one that leads no more.
    assert follow(publication) == 9
    with pytest.raises(LeaderLostError):
        leads._go_past(9, 8)


def elsewhere(publication: PublicationFolder, folder: Path) -> Pipeline:
    """The pipeline of a second machine: a folder of its own, with the same sources and database."""
    there = replace(publication.settings, folders=Folders(folder))
    sources = [
        one.seen_from_elsewhere(publication.settings.folders.root) for one in there.sources
    ]
    pipeline = pipeline_of(publication, MemoryTransport("ambiguous"))
    return replace(
        pipeline,
        settings=replace(there, sources=tuple(sources)),
        leadership=leadership(publication, TWO),
    )


def test_one_process_plans_and_writes_files_and_the_next_one_goes_on(
    publication: PublicationFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However slow this machine is.
    monkeypatch.setattr(holder, "LEADER_SECONDS", 600.0)
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    first = replace(pipeline_of(publication), leadership=leadership(publication))
    second = elsewhere(publication, tmp_path / "there")
    assert first.prepare().issues == 1
    report = second.run()
    assert (report.is_led_elsewhere, report.issues, report.feeds) == (True, 0, 0)
    assert not second.settings.folders.public.exists()
    assert first.leadership
    first.leadership.leave()
    report = second.prepare()
    assert not report.is_led_elsewhere
    here, there = (one.settings.folders.public for one in (first, second))
    files = {path.relative_to(here) for path in here.rglob("*.*")}
    assert len(files) > 20
    assert {path.relative_to(there) for path in there.rglob("*.*")} == files
    same = [path for path in files if path.name != ".epoch" and (here / path).is_file()]
    assert all((here / path).read_bytes() == (there / path).read_bytes() for path in same)


def test_only_with_a_server_is_there_a_leader(publication: PublicationFolder) -> None:
    with open_locked_pipeline(publication.settings, publication.clock) as pipeline:
        assert (pipeline.leadership is not None) == on_postgresql()
        assert pipeline.leads
        with publication.database.reading() as connection:
            at = publication.database.timer.time()
            led = store.current_leader(connection, at)
            running = store.running_processes(connection, at)
    assert (led is not None) == (len(running) == 1) == on_postgresql()
    with publication.database.reading() as connection:
        assert store.running_processes(connection, at) == []


def status(publication: PublicationFolder, *options: str) -> None:
    main(["status", *options, str(publication.settings.folders.root)])


def test_status_shows_the_processes_of_all_hosts(
    publication: PublicationFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    database = publication.database
    with database.writing() as connection:
        now = database.timer.time()
        for process in (ONE, TWO):
            store.report_running(connection, process, now)
        assert store.take_or_renew(connection, TWO, None, now) == 1
        leases.create_lease(connection, "smtp", "ambiguous", "x", now + 60, "alpha/boot/1/2")
        leases.create_lease(connection, "smtp", "ambiguous", "y", now - 1, "gone/boot/1/2")
    status(publication)
    shown = " ".join(capsys.readouterr().out.split())
    assert (
        "Running: alpha (process 11), beta (process 22, plans and writes files, epoch 1)"
        in shown
    )
    assert "Sending now: alpha by smtp" in shown
    assert "gone" not in shown
    status(publication, "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["processes"] == [
        {"host": "alpha", "pid": 11, "epoch": None},
        {"host": "beta", "pid": 22, "epoch": 1},
    ]
    (sender,) = found["senders"]
    assert (sender["host"], sender["transport"], sender["held"]) == ("alpha", "smtp", 0)


def test_a_process_that_was_killed_on_this_machine_is_not_listed_as_running(
    publication: PublicationFolder,
) -> None:
    settings = publication.settings
    # No process has this number; the lock's holder has it as another container's would.
    (gone, held), here = (2**22 + 1, 2**22 + 2), os.getpid()
    with publication.database.writing() as connection:
        for pid in (gone, held, here):
            process = Process(str(pid), settings.host, pid)
            store.report_running(connection, process, publication.database.timer.time())
    with hold_publication_lock(settings.folders):
        (settings.folders.var / "lock").write_text(f"{held}\n", "ascii")
        found = take_snapshot(settings, publication.database, publication.clock.now())
    assert [one.pid for one in found.processes] == sorted((held, here))
    found = take_snapshot(settings, publication.database, publication.clock.now())
    assert [one.pid for one in found.processes] == [here]


def test_status_shows_the_turns_of_a_task_engine(
    publication: PublicationFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    if not on_postgresql():
        pytest.skip("needs the server of --database=postgresql")
    file = publication.settings.folders.root / SETTINGS_FILE
    edited = file.read_text("utf-8").replace(
        '"timezone"', '"engine" = "procrastinate", "timezone"'
    )
    file.write_text(edited, "utf-8")
    status(publication)
    assert "Turns" not in capsys.readouterr().out
    queue = JobQueue(str(database_address(publication.settings.folders.database)), "one")
    with publication.database.writing() as connection:
        queue.create_tables(connection)
        for name in ("deliver", "deliver", "notify"):
            queue.enqueue(connection, name)
        connection.exec_driver_sql(
            "UPDATE procrastinate_jobs SET status = 'doing' WHERE task_name = 'notify'"
        )
    status(publication)
    shown = " ".join(capsys.readouterr().out.split())
    assert "Turns that run: 1 notify (since " in shown
    assert "Turns that wait: 1 deliver (since " in shown
    status(publication, "--json")
    found = json.loads(capsys.readouterr().out)["turns"]
    assert [(one["turn"], one["state"], one["count"]) for one in found] == [
        ("deliver", "waiting", 1),
        ("notify", "running", 1),
    ]
