"""How our own server takes requests, and how it ends; what it answers is in test_answers."""

import errno
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from pathlib import Path
from types import SimpleNamespace
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from waitress.adjustments import Adjustments  # type: ignore[import-untyped]  # it ships no types

from publisher.serving import StaticSite
from publisher.serving import server as module
from publisher.serving.server import _SHARE_BYTES, ClientConnection, ServerLoop
from tests.publisher.serving.samples import PAGE, make_site
from tests.sizes import PATIENCE

# More than the program and the machine hold ready for a client: a part is still in the file.
LARGE = 40_000_000
LONG = 60.0
MANY = 10  # more than the server has threads
MOST = 200  # connections that the server holds


@dataclass
class Running:
    """A server in a thread of its own, and clients of it."""

    loop: ServerLoop
    address: tuple[str, int]
    end: Future[None]
    stack: ExitStack

    def connect(self) -> socket.socket:
        connection = self.stack.enter_context(socket.socket())
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 50_000)
        connection.settimeout(PATIENCE)
        connection.connect(self.address)
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
                if tried.connect_ex(self.address) == errno.ECONNREFUSED:
                    return True
        return False


def received(connection: socket.socket) -> bytes:
    """Read until the server closes the connection."""
    return b"".join(iter(lambda: connection.recv(10_000), b""))


def run_and_close(loop: ServerLoop, grace: float) -> None:
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
            loop = ServerLoop(StaticSite(settings), listener, max_connections=MOST)
            pool = stack.enter_context(ThreadPoolExecutor())
            stack.callback(loop.stop)
            return Running(loop, address, pool.submit(run_and_close, loop, grace), stack)

        yield start


def test_slow_clients_do_not_delay_others(run: Callable[[float], Running]) -> None:
    server = run(LONG)
    slow = [server.open("/large.mp3") for _ in range(MANY)]
    part = server.open("/large.mp3", Range="bytes=100000-299999")

    assert server.open("/").read() == PAGE
    assert (part.status, part.read()) == (206, bytes(200_000))
    assert slow[-1].read() == bytes(LARGE)


def test_halves_of_requests_are_not_asked_in_every_round(
    run: Callable[[float], Running],
) -> None:
    server = run(LONG)
    halves = [server.connect() for _ in range(MANY)]
    for connection in halves:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
    # Each answer takes some rounds, after which what has come of the halves was read.
    for _answer in range(3):
        assert server.open("/").read() == PAGE
    # The listening socket, the trigger and the last connection.
    assert len(server.loop._sockets._unsettled) < MANY
    halves[0].sendall(b"Connection: close\r\n\r\n")
    assert received(halves[0]).endswith(PAGE)


def test_pipelined_requests_do_not_delay_other_clients(run: Callable[[float], Running]) -> None:
    server = run(LONG)
    first = b"GET /large.mp3 HTTP/1.1\r\n\r\n"
    slow = [server.connect() for _ in range(MANY)]
    for connection in slow:
        connection.sendall(first + first)
    assert slow[-1].recv(1) == b"H"

    assert server.open("/").read() == PAGE


def test_of_several_requests_at_once_the_first_is_answered(
    run: Callable[[float], Running],
) -> None:
    connection = run(LONG).connect()
    connection.sendall(2 * b"GET / HTTP/1.1\r\n\r\n")
    told = received(connection)

    assert told.count(b"HTTP/1.1 200 OK") == 1
    assert b"\r\nConnection: close\r\n" in told
    assert told.endswith(PAGE)


def test_a_request_in_part_behind_another_is_for_a_new_connection(
    run: Callable[[float], Running],
) -> None:
    connection = run(LONG).connect()
    connection.sendall(
        b"GET / HTTP/1.1\r\n\r\n"
        b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    )
    told = received(connection)

    assert b"\r\nConnection: close\r\n" in told
    assert told.endswith(PAGE)


def test_who_expects_100_continue_is_answered_and_a_head_too_long_refused(
    run: Callable[[float], Running],
) -> None:
    assert run(LONG).open("/", Expect="100-continue").read() == PAGE
    assert (
        run(LONG).open(f"/?{'a' * 40_000}").status == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    )


def test_one_connection_is_good_for_many_requests(run: Callable[[float], Running]) -> None:
    connection = HTTPConnection("news.example.org")
    connection.sock = run(LONG).connect()
    bodies = []
    for path in ("/", "/large.mp3", "/"):
        connection.request("GET", path)
        bodies.append(connection.getresponse().read())
    connection.close()

    assert bodies == [PAGE, bytes(LARGE), PAGE]


def test_a_client_that_takes_all_at_once_leaves_the_others_their_turn() -> None:
    fast, client = socket.socketpair()
    channel = ClientConnection(
        SimpleNamespace(active_channels={}), fast, ("", 0), Adjustments(), {}
    )
    with closing(client):
        taken = 0
        while sent := channel.send(bytes(50_000)):
            taken += sent
            client.recv(sent, socket.MSG_WAITALL)
        assert _SHARE_BYTES <= taken < _SHARE_BYTES + 50_000
        channel.handle_write()
        assert channel.send(b"more") == 4
        channel.handle_close()


def test_incomplete_requests_do_not_block_other_clients(
    run: Callable[[float], Running],
) -> None:
    server = run(LONG)
    for _ in range(150):
        server.connect().sendall(b"GET / HTTP/1.1\r\n")

    assert server.open("/").read() == PAGE


def test_an_idle_connection_is_closed(
    run: Callable[[float], Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_IDLE_SECONDS", 0)
    monkeypatch.setattr(module, "_SWEEP_SECONDS", 0)
    connection = run(LONG).connect()

    assert received(connection) == b""


def test_idle_connections_shut_nobody_out(run: Callable[[float], Running]) -> None:
    server = run(LONG)
    idle = [server.connect() for _ in range(MOST + 50)]
    idle[-1].sendall(b"GET / HTTP/1.1\r\n")

    assert server.open("/").read() == PAGE
    # The oldest were closed. One with part of a request stays as long as there are others.
    assert received(idle[0]) == b""
    idle[-1].sendall(b"Connection: close\r\n\r\n")
    assert received(idle[-1]).endswith(PAGE)


def test_requests_that_are_never_completed_shut_nobody_out(
    run: Callable[[float], Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PART_SECONDS", 0)
    server = run(LONG)
    for _ in range(MOST + 50):
        server.connect().sendall(b"GET / HTTP/1.1\r\n")

    assert server.open("/").read() == PAGE


def test_a_request_that_takes_too_long_to_arrive_is_cut_off(
    run: Callable[[float], Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REQUEST_SECONDS", 0)
    monkeypatch.setattr(module, "_SWEEP_SECONDS", 0)
    connection = run(LONG).connect()
    connection.sendall(b"GET / HTTP/1.1\r\n")

    assert connection.recv(1000) == b""


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"Content-Length: 65536\r\n\r\n", b"413"),
        (b"Content-Length: 1000000000000\r\n\r\n", b"413"),
        (b"Expect: 100-continue\r\nContent-Length: 65536\r\n\r\n", b"413"),
        (b"Transfer-Encoding: chunked\r\n\r\n11000\r\n" + bytes(0x11000), b"413"),
        (b"Content-Length: 5\r\n\r\nwords", b"405"),
    ],
    ids=["large", "huge", "announced", "chunked", "small"],
)
def test_a_body_is_refused_at_once(
    run: Callable[[float], Running], body: bytes, status: bytes
) -> None:
    connection = run(LONG).connect()
    connection.sendall(b"POST / HTTP/1.1\r\n" + body)

    assert connection.recv(12, socket.MSG_WAITALL) == b"HTTP/1.1 " + status


@pytest.mark.parametrize(
    "head",
    [
        b"GET http://[ HTTP/1.1",
        b"GET / HTTP/1.1\r\nContent-Length: " + 5000 * b"9",
        b"POST / HTTP/1.1\r\nTransfer-Encoding:\r\n chunked",
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked",
    ],
    ids=["address", "number", "folded", "chunked in HTTP/1.0"],
)
def test_a_malformed_request_gets_400_and_is_not_logged(
    run: Callable[[float], Running], head: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    connection = run(LONG).connect()
    connection.sendall(head + b"\r\n\r\n")

    assert received(connection)[len("HTTP/1.1") :].startswith(b" 400 Bad Request\r\n")
    assert not caplog.records


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

    assert received(connection).endswith(PAGE)
    server.end.result(PATIENCE)


def test_a_body_is_bounded_by_its_path_before_it_is_read() -> None:
    def application(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        body = str(len(environ["wsgi.input"].read())).encode()
        start("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    def limit(path: str, fields: Mapping[str, str]) -> int:
        return 300_000 if path == "/list" and fields.get("COOKIE") == "me" else 1_000

    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        ThreadPoolExecutor(1) as pool,
        closing(ServerLoop(application, listener, max_body_bytes=limit)) as loop,
    ):
        running = pool.submit(loop.run, grace=0)
        host, port = listener.getsockname()

        def post(path: str, size: int, cookie: str = "me") -> tuple[int, bytes]:
            with closing(HTTPConnection(host, port, timeout=LONG)) as client:
                # The head alone: a body that is refused is never asked for.
                client.putrequest("POST", path)
                client.putheader("Cookie", cookie)
                client.putheader("Content-Length", str(size))
                client.endheaders()
                if size < limit(path, {"COOKIE": cookie}):
                    client.send(b"x" * size)
                answer = client.getresponse()
                return answer.status, answer.read()

        assert post("/list", 299_999) == (200, b"299999")
        assert post("/other", 999) == (200, b"999")
        for path, size, cookie in (
            ("/list", 300_000, "me"),
            ("/list", 299_999, "you"),
            ("/other", 1_000, "me"),
        ):
            assert post(path, size, cookie)[0] == 413
        loop.stop()
        running.result(LONG)


def test_who_sends_a_large_body_has_longer() -> None:
    parser = module.RequestParser(Adjustments())
    small = parser.until - parser.begun
    parser.content_length = 200 * 1024 * 1024
    assert small == 30
    assert 3_000 < parser.until - parser.begun < 4_000
