"""What systemd is told of a service, by a socket as systemd has it."""

from __future__ import annotations

import secrets
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from publisher import service
from publisher.serving.server import ServerLoop
from publisher.systemd import READY, STOPPING, WORKING, tell_systemd
from publisher.turns import Turn, TurnRunner

SECONDS = 120.0


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A socket that NOTIFY_SOCKET names, in no folder."""
    name = f"publisher-{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(f"\0{name}")
        receiver.settimeout(SECONDS)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        yield receiver


def told(manager: socket.socket) -> list[str]:
    """Return what has arrived."""
    found = []
    manager.setblocking(False)
    while True:
        try:
            found.append(manager.recv(100).decode())
        except BlockingIOError:
            return found


def test_a_socket_may_be_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    # In a folder with a short name: that of a socket has 108 characters at most.
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver,
    ):
        file = Path(folder) / "notify"
        receiver.bind(str(file))
        monkeypatch.setenv("NOTIFY_SOCKET", str(file))
        tell_systemd(READY)
        assert told(receiver) == [READY]


def test_nothing_is_told_without_systemd_and_a_socket_that_is_gone_stops_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    with capture_logs() as logs:
        tell_systemd(READY)
        monkeypatch.setenv("NOTIFY_SOCKET", "/run/nobody/notify")
        tell_systemd(READY)
    assert [line["event"] for line in logs] == ["systemd can't be told"]


def test_a_service_tells_that_it_is_ready_works_and_stops(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(service, "_SECONDS_BETWEEN_CLOCK_CHECKS", 0.01)
    # Signals are for the main thread only.
    monkeypatch.setattr(service, "stop_on_signals", lambda _stop: None)
    one = service.Service(tmp_path, seconds=0.05)
    one.schedule(Turn("work", lambda _progress: None))
    thread = threading.Thread(target=one.run)
    thread.start()
    first = [manager.recv(100).decode() for _ in range(3)]
    one.stop()
    thread.join(SECONDS)
    assert first == [READY, WORKING, WORKING]
    assert told(manager)[-1] == STOPPING


def test_the_watchdog_hears_of_work_and_not_of_a_loop_that_merely_turns(
    manager: socket.socket, tmp_path: Path
) -> None:
    begun, stuck = threading.Event(), threading.Event()

    def work(_progress: object) -> None:
        begun.set()
        stuck.wait(SECONDS)

    runner = TurnRunner(tmp_path, [Turn("work", work)])
    runner.tell_watchdog()
    assert told(manager) == []
    thread = threading.Thread(target=runner.run, args=["work"])
    thread.start()
    assert begun.wait(SECONDS)
    for _look in range(3):
        runner.tell_watchdog()
    assert told(manager) == [WORKING]
    stuck.set()
    thread.join(SECONDS)
    runner.tell_watchdog()
    assert told(manager) == [WORKING]


def test_a_web_server_tells_that_it_is_ready_works_and_stops(manager: socket.socket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with closing(ServerLoop(lambda _environ, _start: [], listener)) as loop:
            thread = threading.Thread(target=loop.run, args=[0.0])
            thread.start()
            assert [manager.recv(100).decode() for _ in range(2)] == [READY, WORKING]
            loop.stop()
            thread.join(SECONDS)
        assert told(manager)[-1] == STOPPING
