"""What systemd is told of a service; limits on requests, and challenges for browsers."""

import json
import secrets
import socket
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from altcha import Challenge, Payload, solve_challenge
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from publisher import request_limits
from publisher.jobs import local_engine, turns
from publisher.jobs.heartbeat import READY, STOPPING, WORKING, tell_systemd
from publisher.jobs.turns import Turn, TurnRunner
from publisher.serving.server import WebServer, WebSite
from tests.publisher.conftest import NOW

SECONDS = 120.0


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A socket that NOTIFY_SOCKET names, in no folder. Servers that other tests share tell it WORKING."""
    name = f"publisher-{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(f"\0{name}")
        receiver.settimeout(SECONDS)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        yield receiver


def told(manager: socket.socket) -> list[str]:
    found = []
    manager.setblocking(False)
    while True:
        try:
            found.append(manager.recv(100).decode())
        except BlockingIOError:
            return found


def hear(manager: socket.socket, *awaited: str) -> list[str]:
    """Wait until all these words have arrived; return what has."""
    found: list[str] = []
    while Counter(awaited) - Counter(found):
        found.append(manager.recv(100).decode())
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
    assert {line["event"] for line in logs} == {"systemd can't be told"}


def test_a_service_tells_that_it_is_ready_works_and_stops(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(local_engine, "_SECONDS_BETWEEN_CLOCK_CHECKS", 0.01)
    # Signals are for the main thread only.
    monkeypatch.setattr(local_engine, "stop_on_signals", lambda _stop: None)
    one = local_engine.Service(tmp_path, seconds=0.05)
    one.schedule(Turn("work", lambda _progress: None))
    thread = threading.Thread(target=one.run)
    thread.start()
    hear(manager, READY, WORKING, WORKING)
    one.stop()
    thread.join(SECONDS)
    assert STOPPING in told(manager)


def test_the_watchdog_hears_of_work_and_not_of_a_loop_that_merely_turns(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said: list[str] = []
    monkeypatch.setattr(turns, "tell_systemd", said.append)
    begun, stuck = threading.Event(), threading.Event()

    def work(_progress: object) -> None:
        begun.set()
        stuck.wait(SECONDS)

    runner = TurnRunner(tmp_path, [Turn("work", work)])
    runner.tell_watchdog()
    assert said == []
    thread = threading.Thread(target=runner.run, args=["work"])
    thread.start()
    assert begun.wait(SECONDS)
    for _look in range(3):
        runner.tell_watchdog()
    assert said == [WORKING]
    stuck.set()
    thread.join(SECONDS)
    runner.tell_watchdog()
    assert said == [WORKING, WORKING]


def test_a_web_server_tells_that_it_is_ready_works_and_stops(manager: socket.socket) -> None:
    site = WebSite(lambda _environ, _start: [], "127.0.0.1", 0)
    with closing(WebServer([site])) as server:
        thread = threading.Thread(target=server.run, args=[0.0])
        thread.start()
        hear(manager, READY, WORKING)
        server.stop()
        thread.join(SECONDS)
    assert STOPPING in told(manager)


MONDAY = 1_800_000_000.0

PACES = st.one_of(
    st.floats(0.01, 5000).map(request_limits.per_second),
    st.integers(1, 1_000_000).map(request_limits.per_hour),
)


def test_a_bucket_has_a_burst_of_a_second_or_a_minute_and_fills_at_its_pace() -> None:
    assert request_limits.per_second(50) == request_limits.Pace(50, 50)
    assert request_limits.per_second(0.1) == request_limits.Pace(0.1, 1)
    assert request_limits.per_hour(7200) == request_limits.Pace(2, 120)
    assert request_limits.per_hour(30) == request_limits.Pace(30 / 3600, 1)
    pace = request_limits.per_second(50)
    assert pace.room(request_limits.FULL, MONDAY) == 50
    assert pace.room(pace.after(request_limits.FULL, MONDAY, 20), MONDAY) == 30
    assert pace.room(pace.after(request_limits.FULL, MONDAY, 50), MONDAY) == 0
    empty = pace.after(request_limits.FULL, MONDAY, 50)
    assert pace.room(empty, MONDAY + 0.1) == 5
    assert pace.room(empty, MONDAY + 1) == 50
    assert pace.room(empty, MONDAY + 3600) == 50


@given(PACES, st.integers(1, 200), st.floats(0, 10_000))
def test_a_message_may_go_exactly_at_the_announced_instant(
    pace: request_limits.Pace, count: int, quiet: float
) -> None:
    now = MONDAY + quiet
    tat = pace.after(request_limits.FULL, now, min(count, pace.room(request_limits.FULL, now)))
    opens = max(now, pace.opens_at(tat))
    assert pace.room(tat, opens) >= 1
    if opens > now:
        assert pace.room(tat, opens - pace.interval / 2) == pace.room(tat, opens) - 1


def test_a_small_clock_correction_is_waited_for_and_a_raised_limit_counts_at_once() -> None:
    pace = request_limits.per_second(5)
    tat = pace.after(request_limits.FULL, MONDAY + 0.5, 5)
    assert pace.corrected(tat, MONDAY) == tat
    used = request_limits.per_hour(1).after(request_limits.FULL, MONDAY, 1)
    assert request_limits.per_hour(3600).corrected(used, MONDAY) <= MONDAY + 60


@pytest.fixture(scope="module")
def proof() -> str:
    """A challenge of now, solved."""
    challenge = Challenge.from_dict(json.loads(request_limits.make_challenge("secret", NOW)))
    solution = solve_challenge(challenge)
    assert solution is not None
    return Payload(challenge, solution).to_base64()


def test_a_solution_counts_for_its_challenge_for_two_hours_only(proof: str) -> None:
    challenge = Payload.from_base64(proof).challenge
    assert request_limits.solved_challenge("secret", proof, NOW) == challenge.parameters.nonce
    assert (
        request_limits.solved_challenge(
            "secret", proof, NOW + request_limits.CHALLENGE_LIFETIME
        )
        is None
    )
    assert request_limits.solved_challenge("another", proof, NOW) is None
    payload = Payload.from_base64(proof)
    payload.challenge.parameters.key_prefix = ""
    payload.solution.counter += 1
    assert request_limits.solved_challenge("secret", payload.to_base64(), NOW) is None


@pytest.mark.parametrize("payload", ["", "nonsense", "é", "e30=", "W10=", "bnVsbA=="])
def test_anything_else_is_no_solution(payload: str) -> None:
    assert request_limits.solved_challenge("secret", payload, NOW) is None
