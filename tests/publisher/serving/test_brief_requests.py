"""Brief requests, those that wait for a future, and the process that answers them."""

import os
import signal
import socket
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from threading import Event, Semaphore, current_thread

import pytest

from publisher.errors import UsageError
from publisher.serving import event_loop, serve_site
from publisher.serving.event_loop import WaitingRequests, wait_for
from publisher.serving.server import ClientConnection
from tests.publisher.serving.loops import THREADS, asked, body, serving
from tests.publisher.serving.samples import make_site
from tests.sizes import PATIENCE


def test_the_loop_answers_brief_requests_and_threads_the_others() -> None:
    with serving(lambda _path: current_thread().name) as connect:
        connection = connect()
        assert body(asked(connection, "/brief")).startswith("loop")
        assert body(asked(connection, "/other")).startswith("waitress")
        assert body(asked(connection, "/brief")).startswith("loop")


def test_brief_requests_are_answered_while_all_threads_wait() -> None:
    entered, may_go_on = Semaphore(0), Event()

    def answer(path: str) -> str:
        if path == "/waits":
            entered.release()
            assert may_go_on.wait(PATIENCE)
        return path

    with serving(answer) as connect:
        waiting = [connect() for _ in range(THREADS)]
        for connection in waiting:
            connection.request("GET", "/waits")
        assert all(entered.acquire(timeout=PATIENCE) for _ in waiting)
        try:
            assert body(asked(connect(), "/brief")) == "/brief"
        finally:
            may_go_on.set()
        assert [one.getresponse().read() for one in waiting] == [b"/waits"] * THREADS


def test_a_brief_request_that_fails_costs_only_its_own_connection() -> None:
    def answer(path: str) -> str:
        if path == "/brief/fault":
            raise RuntimeError("a fault")
        return path

    with serving(answer) as connect:
        other = connect()
        assert asked(other, "/brief").status == 200
        assert asked(connect(), "/brief/fault").status == 500
        assert body(asked(other, "/brief")) == "/brief"
        assert body(asked(connect(), "/brief")) == "/brief"


def test_idle_connections_are_not_asked_what_they_wait_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asks: Counter[int] = Counter()
    readable = ClientConnection.readable

    def counted(self: ClientConnection) -> bool:
        asks[self.addr[1]] += 1
        return bool(readable(self))

    monkeypatch.setattr(ClientConnection, "readable", counted)
    with serving(str) as connect:
        idle = connect()
        asked(idle, "/other")
        # The loop itself ends this one, so nothing is left to do for it when the answer is there.
        asked(idle, "/brief")
        busy = connect()
        asked(busy, "/brief")
        before = asks[idle.sock.getsockname()[1]]
        for _ in range(50):
            asked(busy, "/brief")
            asked(busy, "/other")
        assert asks[idle.sock.getsockname()[1]] == before
        assert asks[busy.sock.getsockname()[1]] > 100
        # It is still served.
        assert body(asked(idle, "/brief")) == "/brief"


def test_a_client_that_hangs_up_while_it_is_answered_is_forgotten() -> None:
    entered, may_go_on = Semaphore(0), Event()

    def answer(path: str) -> str:
        if path == "/waits":
            entered.release()
            assert may_go_on.wait(PATIENCE)
        return path

    with serving(answer) as connect:
        gone = connect()
        gone.request("GET", "/waits")
        assert entered.acquire(timeout=PATIENCE)
        gone.close()
        # The loop notices that, and has nothing to wait for on that connection.
        assert body(asked(connect(), "/brief")) == "/brief"
        may_go_on.set()
        assert body(asked(connect(), "/other")) == "/other"


# More than there are threads for.
MANY = 100
_asked: ContextVar[str] = ContextVar("_asked")


class Held:
    """Answers paths below /brief/held once their futures are done, and the others at once."""

    def __init__(self, seconds: float = PATIENCE) -> None:
        self.futures: dict[str, Future[str]] = {}
        self.entered = Semaphore(0)
        self._seconds = seconds

    def __call__(self, path: str) -> str:
        if not path.startswith("/brief/held"):
            return path
        _asked.set(path)
        future = self.futures[path] = Future[str]()
        self.entered.release()
        if not wait_for(future, self._seconds):
            return "given up"
        assert _asked.get() == path
        return f"{future.result()} {current_thread().name}"


def test_requests_that_wait_hold_nobody_up() -> None:
    held = Held()
    with serving(held) as connect:
        waiting_ones = [connect() for _ in range(MANY)]
        for number, connection in enumerate(waiting_ones):
            connection.request("GET", f"/brief/held/{number}")
        assert all(held.entered.acquire(timeout=PATIENCE) for _ in waiting_ones)
        assert body(asked(connect(), "/brief")) == "/brief"
        assert body(asked(connect(), "/other")) == "/other"
        # Each gets its own, in whatever order.
        for number in reversed(range(MANY)):
            held.futures[f"/brief/held/{number}"].set_result(f"answer {number}")
        answers = [one.getresponse().read().decode() for one in waiting_ones]
        assert answers == [f"answer {number} loop_0" for number in range(MANY)]
        assert body(asked(waiting_ones[0], "/brief")) == "/brief"


def test_what_is_done_already_is_not_waited_for() -> None:
    def answer(_path: str) -> str:
        future = Future[str]()
        future.set_result("at once")
        assert wait_for(future, PATIENCE)
        return future.result()

    with serving(answer) as connect:
        assert body(asked(connect(), "/brief")) == "at once"


def test_a_wait_ends_after_its_time_and_what_comes_later_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_loop, "_LOOK_SECONDS", 0)
    held = Held(seconds=0)
    with serving(held) as connect:
        connection = connect()
        assert body(asked(connection, "/brief/held")) == "given up"
        held.futures["/brief/held"].set_result("too late")
        assert body(asked(connection, "/brief")) == "/brief"


def test_a_request_whose_client_is_gone_goes_on_and_costs_nobody_anything() -> None:
    held = Held()
    with serving(held) as connect:
        gone = connect()
        gone.request("GET", "/brief/held")
        assert held.entered.acquire(timeout=PATIENCE)
        gone.close()
        assert body(asked(connect(), "/brief")) == "/brief"
        held.futures["/brief/held"].set_result("nobody reads it")
        assert body(asked(connect(), "/brief")) == "/brief"


def test_what_ends_after_the_server_wakes_nobody() -> None:
    woken: list[str] = []
    requests, future = WaitingRequests(lambda: woken.append("woken")), Future[str]()
    requests.begin(partial(wait_for, future, PATIENCE))
    requests.close()
    future.set_result("too late")
    assert woken == []


def test_elsewhere_waiting_blocks() -> None:
    future = Future[str]()
    assert not wait_for(future, 0)
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(wait_for, future, PATIENCE)
        future.set_result("done")
        assert waits.result(PATIENCE)


def test_the_loop_is_woken_once_for_all_that_may_go_on_and_an_error_stops_one_only() -> None:
    woken: list[str] = []
    requests = WaitingRequests(lambda: woken.append("once"))
    futures = [Future[str](), Future[str]()]
    ended: list[str] = []

    def begin(future: Future[str]) -> Callable[[], None]:
        def answer() -> None:
            assert wait_for(future, PATIENCE)
            ended.append(future.result())

        return answer

    for future in futures:
        requests.begin(begin(future))
    futures[0].set_exception(ValueError("a fault"))
    futures[1].set_result("well")
    # One is enough for both.
    assert woken == ["once"]
    with pytest.raises(ValueError, match="a fault"):
        requests.go_on()
    requests.go_on()
    assert ended == ["well"]


def stop(_host: str, _port: int) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_and_reaches_no_other_handler(
    tmp_path: Path, number: signal.Signals
) -> None:
    before = signal.getsignal(number)
    serve_site(
        make_site(tmp_path), port=0, ready=lambda _host, _port: os.kill(os.getpid(), number)
    )

    assert signal.getsignal(number) is before


def test_it_listens_before_it_says_so(tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []

    def ready(host: str, port: int) -> None:
        socket.create_connection((host, port)).close()
        told.append((host, port))
        stop(host, port)

    serve_site(make_site(tmp_path), "localhost", port=0, ready=ready)

    assert told[0][0] in {"127.0.0.1", "::1"}
    assert told[0][1] > 0


def test_an_address_that_cannot_be_bound_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--host: 'not an address' is no address"):
        serve_site(make_site(tmp_path), "not an address")
