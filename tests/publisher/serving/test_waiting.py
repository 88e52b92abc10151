"""Brief requests that wait for a future hold nobody up, and each goes on with what is its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from functools import partial
from threading import Semaphore, current_thread

import pytest

from publisher.serving import waiting
from publisher.serving.waiting import WaitingRequests, wait_for
from tests.publisher.serving.loops import PATIENCE, asked, body, serving

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
    monkeypatch.setattr(waiting, "_LOOK_SECONDS", 0)
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
