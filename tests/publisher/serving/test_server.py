"""How our own server ends; what it answers is in test_answers."""

import errno
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from pathlib import Path

import pytest

from publisher.serving import StaticSite
from publisher.serving.server import Loop
from tests.publisher.serving.samples import PAGE, make_site

# More than the program and the machine hold ready for a client: a part is still in the file.
LARGE = 40_000_000
LONG = 60.0
PATIENCE = 10.0


@dataclass
class Running:
    """A server in a thread of its own, and clients of it."""

    loop: Loop
    address: tuple[str, int]
    end: Future[None]
    stack: ExitStack

    def connect(self) -> socket.socket:
        connection = self.stack.enter_context(socket.socket())
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 50_000)
        connection.settimeout(PATIENCE)
        connection.connect(self.address)
        return connection

    def open(self, path: str) -> HTTPResponse:
        """Ask, and read the head of the answer."""
        connection = HTTPConnection("news.example.org")
        connection.sock = self.connect()
        connection.request("GET", path)
        return self.stack.enter_context(connection.getresponse())

    def is_refused(self) -> bool:
        """Say if no new connections are taken, at last."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with socket.socket() as tried:
                if tried.connect_ex(self.address) == errno.ECONNREFUSED:
                    return True
        return False


def run_and_close(loop: Loop, grace: float) -> None:
    with closing(loop):
        loop.run(grace)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[float], Running]]:
    settings = make_site(tmp_path)
    with (settings.folders.public / "large.mp3").open("wb") as file:
        file.truncate(LARGE)
    with ExitStack() as stack:

        def start(grace: float) -> Running:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            address = listener.getsockname()
            loop = Loop(StaticSite(settings), listener)
            pool = stack.enter_context(ThreadPoolExecutor())
            stack.callback(loop.stop)
            return Running(loop, address, pool.submit(run_and_close, loop, grace), stack)

        yield start


def test_a_slow_client_gets_the_whole_of_what_it_has_begun(
    run: Callable[[float], Running],
) -> None:
    server = run(LONG)
    answer = server.open("/large.mp3")
    parts = [answer.read(10_000)]
    server.loop.stop()
    assert server.is_refused()
    while part := answer.read(LARGE // 10):
        time.sleep(0.01)
        parts.append(part)

    assert b"".join(parts) == bytes(LARGE)
    server.end.result(PATIENCE)


def test_a_client_that_never_comes_to_an_end_is_cut_off(
    run: Callable[[float], Running],
) -> None:
    server = run(0.1)
    answer = server.open("/large.mp3")
    server.loop.stop()
    server.end.result(PATIENCE)

    with pytest.raises((IncompleteRead, ConnectionResetError)):
        answer.read()


def test_half_a_request_is_waited_for_no_longer(run: Callable[[float], Running]) -> None:
    server = run(0.2)
    connection = server.connect()
    connection.sendall(b"GET / HTTP/1.1\r\n")
    begin = time.monotonic()
    server.loop.stop()
    server.end.result(PATIENCE)

    assert time.monotonic() - begin >= 0.2
    assert connection.recv(1000) == b""


def test_a_connection_without_a_request_is_not_waited_for(
    run: Callable[[float], Running],
) -> None:
    server = run(LONG)
    silent = server.connect()
    answer = server.open("/")

    assert answer.read() == PAGE
    server.loop.stop()
    server.end.result(PATIENCE)
    assert silent.recv(1000) == b""


def test_a_request_that_has_just_come_is_answered(run: Callable[[float], Running]) -> None:
    server = run(LONG)
    connection = server.connect()
    connection.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
    server.loop.stop()

    assert b"".join(iter(lambda: connection.recv(1000), b"")).endswith(PAGE)
    server.end.result(PATIENCE)
