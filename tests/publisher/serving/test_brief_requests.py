"""Brief requests are answered by the loop itself, and idle connections cost the others nothing."""

from collections import Counter
from threading import Event, Semaphore, current_thread

import pytest

from publisher.serving.server import ClientConnection
from tests.publisher.serving.loops import PATIENCE, THREADS, asked, body, serving


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
