"""A ledger that can't be written to: nothing is begun meanwhile, and nothing is sent twice."""

import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path

import pytest

from publisher.database import open_database
from tests.databases import on_postgresql
from tests.sizes import only_at_night
from tests.slow.publisher.delivery.crashes import scene as crash_scene

SLOW = ("--slow", 0.02)
# Seconds for which writing is not possible: enough for all mail to go out, if it did.
LONG = 6.0 if on_postgresql() else 2.0
IMPATIENT = (
    "publisher.database.dialect.server_session:LOCK_SECONDS=2"
    if on_postgresql()
    else "publisher.database.dialect.sqlite:_BUSY_MILLISECONDS=200"
)
GIVES_UP = "publisher.delivery.worker_pool:DATABASE_PATIENCE=1.0"
# What may be under way when writing becomes impossible.
UNDER_WAY = crash_scene.CONNECTIONS * crash_scene.PROMISED


Trouble = Callable[[crash_scene.Scene, crash_scene.SteppedRun], AbstractContextManager[None]]


@contextmanager
def locked(scene: crash_scene.Scene, _sender: crash_scene.SteppedRun) -> Iterator[None]:
    """Keep everybody else from writing, as a backup or a person with a shell may."""
    with closing(open_database(scene.settings.database)) as database, database.writing():
        yield


@contextmanager
def full(scene: crash_scene.Scene, _sender: crash_scene.SteppedRun) -> Iterator[None]:
    """Fill the disk to its last byte (SQLITE_FULL)."""
    filler = scene.settings.folders.var / "filler"
    try:
        for size in (2**16, 1):
            _fill(filler, size)
        yield
    finally:
        filler.unlink()


def _fill(filler: Path, size: int) -> None:
    with filler.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(size))


@contextmanager
def bounded(_scene: crash_scene.Scene, sender: crash_scene.SteppedRun) -> Iterator[None]:
    """Let the process's files grow no more, as a quota does (SQLITE_IOERR)."""
    number = sender.process.pid
    soft, hard = resource.prlimit(number, resource.RLIMIT_FSIZE)
    resource.prlimit(number, resource.RLIMIT_FSIZE, (1, hard))
    yield
    if sender.is_alive:
        resource.prlimit(number, resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A publication's folder whose state is on a file system of its own, of eight megabytes."""
    var = tmp_path / "lantern" / "var"
    var.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(var)]
    if os.getuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a file system")
    try:
        yield var
    finally:
        subprocess.run(["umount", str(var)], check=True)


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The publication's folder, on a small disk if this is what the trouble needs."""
    if request.node.callspec.params["trouble"] is full:
        request.getfixturevalue("small_disk")
    return tmp_path / "lantern"


FULL = pytest.param(full, marks=pytest.mark.sqlite("its disk"))
FULL_FOR_LONG = pytest.param(full, marks=[pytest.mark.sqlite("its disk"), only_at_night])
BOUNDED = pytest.param(bounded, marks=pytest.mark.sqlite("its file"))
WORDS: dict[Trouble, str] = {
    locked: "another process has been writing" if on_postgresql() else "database is locked",
    full: "var is full (0 bytes left)",
    bounded: "disk I/O error",
}


# The journal beside the database may be the first that can't grow.
OF_THE_JOURNAL = "var: can't be written: File too large"


@pytest.mark.parametrize("trouble", [locked, FULL, BOUNDED])
def test_a_ledger_that_takes_nothing_is_waited_for(
    tmp_path: Path, folder: Path, trouble: Trouble
) -> None:
    with crash_scene.serving(tmp_path / "log", *SLOW) as server:
        scene = crash_scene.smtp_scene(folder, server.port)
        with scene.sender(IMPATIENT) as sender:
            crash_scene.reach(server, sender, crash_scene.RECIPIENTS // 8)
            with trouble(scene, sender):
                before = server.count()
                time.sleep(LONG)
                # Only what was promised is sent meanwhile.
                assert server.count() <= before + UNDER_WAY < crash_scene.RECIPIENTS
                assert sender.is_alive
            end = sender.ended()
        assert end.code == 0, end.err
        assert end.complaints == []
        assert "the ledger can't be written; nothing is sent meanwhile" in end.err
        assert any(words in end.err for words in (WORDS[trouble], OF_THE_JOURNAL))
        assert crash_scene.nobody_got_two(scene, server.recipients()) == 0


@pytest.mark.parametrize("trouble", [locked, FULL_FOR_LONG])
def test_a_ledger_that_takes_nothing_for_long_ends_the_turn_with_one_line(
    tmp_path: Path, folder: Path, trouble: Trouble
) -> None:
    with crash_scene.serving(tmp_path / "log", *SLOW) as server:
        scene = crash_scene.smtp_scene(folder, server.port)
        with scene.sender(IMPATIENT, GIVES_UP) as sender:
            crash_scene.reach(server, sender, crash_scene.RECIPIENTS // 8)
            with trouble(scene, sender):
                before = server.count()
                end = sender.ended()
                assert server.count() <= before + UNDER_WAY
        assert end.code == 1
        assert len(end.complaints) == 1
        assert WORDS[trouble] in end.complaints[0]
        assert "Traceback" not in end.err
        last = scene.deliver()
        assert last.code == 0, last.err
        assert crash_scene.nobody_got_two(scene, server.recipients()) <= UNDER_WAY


@pytest.mark.sqlite("its pages")
def test_a_ledger_that_finds_no_room_is_opened_later_and_whole(tmp_path: Path) -> None:
    """The rows and the issue's state are committed together or not at all."""
    with crash_scene.serving(tmp_path / "log") as server:
        scene = crash_scene.smtp_scene(tmp_path / "lantern", server.port, recipients=2_000)
        end = scene.deliver("--pages=1")
        assert end.code == 1
        (complaint,) = end.complaints
        assert "is full (" in complaint
        assert (scene.states(), server.count()) == ({}, 0)
        assert scene.issue()[0] == "ready"
        last = scene.deliver()
        assert last.code == 0, last.err
        assert crash_scene.nobody_got_two(scene, server.recipients()) == 0
