"""A small WebSub hub in this process, over real sockets; it does what a test tells it to.

It is strict about the form of a ping, and looks at the topic at the moment of the ping, as some
public hubs do. Knows nothing of the program.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Reply:
    """What the hub answers, after `delay` seconds; a status of 0 hangs up without a word."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0
    # Seconds between one byte and the next, of an answer that never ends.
    dribble: float = 0
    # The answer breaks off: less comes than was announced.
    cut_short: bool = False


@dataclass(frozen=True)
class Ping:
    """What the hub got: where to, which topic, with which header fields, and what was there."""

    path: str
    topic: str
    headers: Mapping[str, str]
    content: bytes | None = None


def accept(_topic: str) -> Reply:
    return Reply()


class Hub:
    """Records the pings that it got; `answer` and `read` may be set to whatever a test needs."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.pings: list[Ping] = []
        self.answer: Callable[[str], Reply] = accept
        # Gives a topic's bytes as its readers get them, and None if there are none.
        self.read: Callable[[str], bytes | None] | None = None
        self.faults: list[str] = []
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        self.closing = threading.Event()

    @property
    def topics(self) -> list[str]:
        return [one.topic for one in self.pings]

    def say(self, reply: Reply) -> None:
        """Give one answer to every ping from now on."""
        self.answer = lambda _topic: reply

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Count a ping while it is being taken."""
        with self.lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            yield
        finally:
            with self.lock:
                self.at_once -= 1

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Take a request: a well-formed ping is recorded and answered, any other is a fault."""
        fields = parse_qs(body.decode("ascii"), strict_parsing=True, keep_blank_values=True)
        topic = fields.get("hub.url", [""])[0]
        wanted = {"hub.mode": ["publish"], "hub.url": [topic], "hub.topic": [topic]}
        if headers["Content-Type"] != FORM or fields != wanted or not topic.startswith("http"):
            self.faults.append(f"{headers['Content-Type']}: {body!r}")
            return Reply(400)
        content = self.read(topic) if self.read else None
        with self.lock:
            self.pings.append(Ping(path, topic, headers, content))
        if self.read and content is None:
            return text(400, "the topic is not there")
        return self.answer(topic)


def text(status: int, words: str, **headers: str) -> Reply:
    """Make an answer in plain text."""
    fields = {"Content-Type": "text/plain; charset=utf-8"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, fields, words.encode())


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        # A ping is under way until its answer is: whoever has that may send the next.
        with self.hub.under_way():
            reply = self.hub.take(self.path, dict(self.headers), body)
            self.hub.closing.wait(reply.delay)
            if reply.dribble:
                self._dribble(reply.dribble)
        self._reply(reply)

    def _reply(self, reply: Reply) -> None:
        if reply.status and not reply.dribble:
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body) + reply.cut_short))
            self.end_headers()
            self.wfile.write(reply.body)

    def _dribble(self, pause: float) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not self.hub.closing.wait(pause):
            try:
                self.wfile.write(b"a")
            except OSError:  # whoever asked has had enough, which is what is tested
                return

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the signature is the library's
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hung up: tests make them do so."""


@contextmanager
def running() -> Iterator[Hub]:
    """Run a hub on a port of its own."""
    handler = type("Handler", (_Handler,), {})
    with _Server(("127.0.0.1", 0), handler) as server:
        hub = Hub(f"http://127.0.0.1:{server.server_port}/")
        handler.hub = hub  # type: ignore[attr-defined] # a class made here, which mypy can't see into
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield hub
        finally:
            hub.closing.set()
            server.shutdown()
            thread.join()
    assert hub.faults == []


def wait_for(found: Callable[[], bool], seconds: float = 5) -> None:
    """Wait until something is so that another thread brings about."""
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)
