"""How our own server takes requests, and how it ends; what it answers is in test_answers."""

import errno
import os
import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from pathlib import Path
from threading import Barrier
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from publisher.errors import UsageError
from publisher.jobs.heartbeat import READY, STOPPING, WORKING
from publisher.serving.server import WebServer, WebSite, running
from publisher.serving.static_site import StaticSite
from publisher.web.server import serve
from tests.publisher.serving.samples import PAGE, make_site
from tests.sizes import PATIENCE

# More than the program and the machine hold ready for a client: a part is still in the file.
LARGE = 40_000_000
LONG = 60.0
MANY = 10  # more than the server has threads


@dataclass
class Running:
    """A server in a thread of its own, and clients of it."""

    server: WebServer
    end: Future[None]
    told: list[str]
    stack: ExitStack

    def connect(self) -> socket.socket:
        connection = self.stack.enter_context(socket.socket())
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 50_000)
        connection.settimeout(PATIENCE)
        connection.connect(self.server.addresses[0])
        return connection

    def open(self, path: str, **fields: str) -> HTTPResponse:
        """Ask, and read the head of the answer."""
        connection = HTTPConnection("news.example.org")
        connection.sock = self.connect()
        connection.request("GET", path, headers=fields)
        return self.stack.enter_context(connection.getresponse())

    def is_refused(self) -> bool:
        """Say if no new connections are taken, at last."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with socket.socket() as tried:
                if tried.connect_ex(self.server.addresses[0]) == errno.ECONNREFUSED:
                    return True
        return False


def received(connection: socket.socket) -> bytes:
    """Read until the server closes the connection."""
    return b"".join(iter(lambda: connection.recv(10_000), b""))


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[float], Running]]:
    settings = make_site(tmp_path)
    with (settings.folders.public / "large.mp3").open("wb") as file:
        file.truncate(LARGE)
    with ExitStack() as stack:

        def start(grace: float) -> Running:
            server = WebServer([WebSite(StaticSite(lambda: settings), "127.0.0.1", 0)])
            told: list[str] = []

            def run_and_close() -> None:
                with closing(server):
                    server.run(grace, tell=told.append)

            pool = stack.enter_context(ThreadPoolExecutor())
            stack.callback(server.stop)
            return Running(server, pool.submit(run_and_close), told, stack)

        yield start


def test_slow_clients_do_not_delay_others(run: Callable[[float], Running]) -> None:
    server = run(LONG)
    slow = [server.open("/large.mp3") for _ in range(MANY)]
    pipelined = [server.connect() for _ in range(MANY)]
    for connection in pipelined:
        connection.sendall(2 * b"GET /large.mp3 HTTP/1.1\r\n\r\n")
    assert pipelined[-1].recv(1) == b"H"
    for connection in [server.connect() for _ in range(150)]:
        connection.sendall(b"GET / HTTP/1.1\r\n")
    part = server.open("/large.mp3", Range="bytes=100000-299999")
    assert server.open("/").read() == PAGE
    assert (part.status, part.read()) == (206, bytes(200_000))
    assert slow[-1].read() == bytes(LARGE)


def test_one_connection_is_good_for_many_requests(run: Callable[[float], Running]) -> None:
    connection = HTTPConnection("news.example.org")
    connection.sock = run(LONG).connect()
    bodies = []
    for path in ("/", "/large.mp3", "/"):
        connection.request("GET", path)
        bodies.append(connection.getresponse().read())
    connection.close()
    assert bodies == [PAGE, bytes(LARGE), PAGE]


@pytest.mark.parametrize(
    ("request_in_part", "status"),
    [
        (b"POST / HTTP/1.1\r\nContent-Length: 65536\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1000000000000\r\n\r\n", b"413"),
        (
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n11000\r\n" + bytes(0x11000),
            b"413",
        ),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nwords", b"405"),
        (b"GET /?" + 40_000 * b"a", b"431"),
        (b"GET / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nno field\r\n\r\n", b"400"),
    ],
    ids=["large", "huge", "chunked", "small", "long head", "number", "field"],
)
def test_what_is_too_large_or_malformed_is_refused_at_once(
    run: Callable[[float], Running],
    request_in_part: bytes,
    status: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    connection = run(LONG).connect()
    connection.sendall(request_in_part)
    assert connection.recv(12, socket.MSG_WAITALL)[len("HTTP/1.1 ") :] == status
    assert not caplog.records


def test_a_slow_client_gets_the_whole_of_what_it_has_begun(
    run: Callable[[float], Running],
) -> None:
    server = run(LONG)
    answer = server.open("/large.mp3")
    parts = [answer.read(10_000)]
    server.server.stop()
    assert server.is_refused()
    while part := answer.read(LARGE // 10):
        time.sleep(0.01)
        parts.append(part)
    assert b"".join(parts) == bytes(LARGE)
    server.end.result(PATIENCE)
    assert server.told == [READY, WORKING, STOPPING]


def test_a_client_that_never_comes_to_an_end_is_cut_off(
    run: Callable[[float], Running],
) -> None:
    server = run(0.1)
    answer = server.open("/large.mp3")
    server.server.stop()
    server.end.result(PATIENCE)
    with pytest.raises((IncompleteRead, ConnectionResetError)):
        answer.read()


def test_half_a_request_is_waited_for_no_longer(run: Callable[[float], Running]) -> None:
    server = run(0.2)
    connection = server.connect()
    connection.sendall(b"GET / HTTP/1.1\r\n")
    begin = time.monotonic()
    server.server.stop()
    server.end.result(PATIENCE)
    assert time.monotonic() - begin >= 0.2
    assert connection.recv(1000) == b""


def test_a_connection_without_a_request_is_not_waited_for(
    run: Callable[[float], Running],
) -> None:
    server = run(LONG)
    silent = server.connect()
    assert server.open("/").read() == PAGE
    server.server.stop()
    server.end.result(PATIENCE)
    assert silent.recv(1000) == b""


def test_a_request_that_has_just_come_is_answered(run: Callable[[float], Running]) -> None:
    server = run(LONG)
    connection = server.connect()
    connection.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
    server.server.stop()
    assert received(connection).endswith(PAGE)
    server.end.result(PATIENCE)


def test_sites_at_several_ports_are_answered_beside_each_other_and_as_many_at_once_as_said() -> (
    None
):
    threads = 5
    all_at_once = Barrier(threads)

    def application(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/wait":
            all_at_once.wait(PATIENCE)
        start("200 OK", [("Content-Length", "4")])
        return [b"done"]

    def ask(address: tuple[str, int]) -> bytes:
        with closing(HTTPConnection(*address, timeout=PATIENCE)) as client:
            client.request("GET", "/wait")
            return client.getresponse().read()

    sites = [
        WebSite(application, "127.0.0.1", 0, threads=2),
        WebSite(application, "127.0.0.1", 0, threads=3),
    ]
    with closing(WebServer(sites)) as server, running(server), ThreadPoolExecutor() as pool:
        first, second = server.addresses
        asked = [
            pool.submit(ask, address) for address in (first, second, first, second, second)
        ]
        assert [answer.result(PATIENCE) for answer in asked] == [b"done"] * threads


def test_a_loop_that_fails_ends_the_process_by_its_signal_and_is_raised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_server: WebServer, _timeout: float) -> None:
        raise OSError("a fault")

    ended: list[int] = []
    monkeypatch.setattr(WebServer, "_turn", fail)
    monkeypatch.setattr(os, "kill", lambda _process, number: ended.append(number))
    with closing(WebServer([])) as server, pytest.raises(OSError, match="a fault"):  # noqa: SIM117
        with running(server):
            pass
    assert ended == [signal.SIGTERM]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_listens_before_it_says_so_and_a_signal_ends_it_and_reaches_no_other_handler(
    tmp_path: Path, number: signal.Signals
) -> None:
    before = signal.getsignal(number)
    told: list[tuple[str, int]] = []

    def ready(_part: str, host: str, port: int) -> None:
        socket.create_connection((host, port)).close()
        told.append((host, port))
        os.kill(os.getpid(), number)

    serve(make_site(tmp_path), ["site"], ready, host="localhost", port=0)
    assert told[0][0] in {"127.0.0.1", "::1"}
    assert told[0][1] > 0
    assert signal.getsignal(number) is before


def test_an_address_that_cannot_be_bound_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--host: 'not an address' is no address"):
        serve(make_site(tmp_path), ["site"], lambda *_: None, host="not an address")
