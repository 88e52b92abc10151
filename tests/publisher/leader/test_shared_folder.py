"""Machines find out whether they have the same folder, and whether a leader's files are the next one's."""

from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from publisher.app.operation.run import open_locked_pipeline
from publisher.leader import holder, store
from publisher.leader.holder import hosts_apart, name_host
from tests.databases import on_postgresql
from tests.publisher.conftest import PublicationFolder
from tests.publisher.leader.test_holder import ONE, TWO, elsewhere, leadership
from tests.publisher.printing import pipeline_of


@pytest.fixture(autouse=True)
def long_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    # Seconds. So long that no test outlives it, however slow its machine is.
    for module in (holder, store):
        monkeypatch.setattr(module, "LEADER_SECONDS", 100_000)


def run_beside(publication: PublicationFolder, *processes: store.Process) -> None:
    with publication.database.writing() as connection:
        for one in processes:
            store.report_running(connection, one, publication.database.timer.time())


def test_machines_that_do_not_see_the_same_folder_are_named(
    publication: PublicationFolder, tmp_path: Path
) -> None:
    run_beside(publication, ONE, TWO)
    shared, own = tmp_path / "shared", tmp_path / "own"
    assert hosts_apart(publication.database, shared) == ["alpha", "beta"]
    for folder, host in ((shared, "alpha"), (shared, "beta"), (own, "alpha"), (own, "alpha")):
        name_host(folder, host)
    assert hosts_apart(publication.database, shared) == []
    assert hosts_apart(publication.database, own) == ["beta"]


def test_a_process_says_at_its_start_that_others_have_another_outbox(
    publication: PublicationFolder,
) -> None:
    run_beside(publication, TWO)
    outbox = publication.settings.folders.outbox

    def said() -> list[list[str]]:
        with structlog.testing.capture_logs() as lines:
            with open_locked_pipeline(publication.settings, publication.clock):
                pass
            return [one["hosts"] for one in lines if "hosts" in one]

    # With a file there is one machine.
    assert said() == ([["beta"]] if on_postgresql() else [])
    name_host(outbox, "beta")
    assert said() == []


def test_a_new_leader_on_a_shared_disk_writes_no_file_again(
    publication: PublicationFolder, tmp_path: Path
) -> None:
    publication.reload(languages=["en"])
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    first = replace(pipeline_of(publication), leadership=leadership(publication))
    second = elsewhere(publication, tmp_path / "there")
    public = publication.settings.folders.public

    def looks() -> dict[Path, tuple[int, int]]:
        files = (one for one in public.rglob("*") if one.is_file() and one.name != ".epoch")
        return {one: (one.stat().st_ino, one.stat().st_mtime_ns) for one in files}

    assert first.prepare().problems == []
    before = looks()
    second.settings.folders.root.mkdir()
    second.settings.folders.public.symlink_to(public)
    assert first.leadership
    first.leadership.leave()
    report = second.prepare()
    assert (report.is_led_elsewhere, report.problems) == (False, [])
    assert len(before) > 10
    assert looks() == before
    assert (public / ".epoch").read_text("ascii") == "2\n"
