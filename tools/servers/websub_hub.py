"""A small WebSub hub in this process, over real sockets; tests set its responses.

It checks the form of a ping strictly, and can fetch the topic before it responds, as some public
hubs do.
"""

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
    """A response after `delay` seconds; a status of 0 closes the connection."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0
    # Seconds between the bytes of a response that never ends.
    dribble: float = 0
    # The body is shorter than Content-Length.
    cut_short: bool = False


@dataclass(frozen=True)
class Ping:
    """A ping: path, topic, header fields, and the topic's content at that moment."""

    path: str
    topic: str
    headers: Mapping[str, str]
    content: bytes | None = None


def accept(_topic: str) -> Reply:
    return Reply()


class Hub:
    """Record pings; tests may set `answer` and `read`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.pings: list[Ping] = []
        self.answer: Callable[[str], Reply] = accept
        # Returns the content of a topic, None if it does not exist.
        self.read: Callable[[str], bytes | None] | None = None
        self.faults: list[str] = []
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        self.closing = threading.Event()

    @property
    def topics(self) -> list[str]:
        return [one.topic for one in self.pings]

    def say(self, reply: Reply) -> None:
        """Send this response to every ping from now on."""
        self.answer = lambda _topic: reply

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Count a ping while it is processed."""
        with self.lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            yield
        finally:
            with self.lock:
                self.at_once -= 1

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Record a well-formed ping and return its response; note a malformed one."""
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
    """Return a response in plain text."""
    fields = {"Content-Type": "text/plain; charset=utf-8"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, fields, words.encode())


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        # Until the response is sent.
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
            except OSError:  # the client gave up, as tested
                return

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the signature of the library
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that close the connection, as tests make them do."""


@contextmanager
def running() -> Iterator[Hub]:
    """Run a hub on a free port."""
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
    """Wait until another thread makes a condition true."""
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.005)
