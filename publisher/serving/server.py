"""Serve WSGI applications over HTTP until SIGTERM or SIGINT, by waitress; what is being answered then is answered first.

Applications at several ports share one loop, so a slow client holds a connection, and no thread.
"""

import ctypes
import errno
import logging
import os
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from copy import copy
from dataclasses import dataclass
from threading import Event
from types import FrameType
from typing import Any
from wsgiref.types import WSGIApplication

from waitress import create_server, wasyncore  # type: ignore[import-untyped]  # it ships no types
from waitress.channel import HTTPChannel  # type: ignore[import-untyped]
from waitress.parser import HTTPRequestParser  # type: ignore[import-untyped]

from publisher.errors import UsageError
from publisher.jobs.heartbeat import READY, STOPPING, WORKING, tell_systemd

# Seconds that requests have after the signal. Threads and the writer need some more.
GRACE_SECONDS = 3.0
_ROUND_SECONDS = 1.0  # seconds that the loop waits for events at most
_BEAT_SECONDS = 5.0  # seconds between two words to systemd, whose unit allows 60
# Threads notice at once that their connection is gone; only a slow disk can hold them.
_SHUTDOWN_SECONDS = 2.0
# Twice what idle clients are expected to hold. Each may use two file descriptors, for socket and file; the
# rest of the program has some, too.
_MAX_CONNECTIONS = 2000
_DESCRIPTORS_EACH = 2
_OTHER_DESCRIPTORS = 100
_IDLE_SECONDS = 60  # seconds without a byte either way, after which a connection is closed
_MAX_BODY_BYTES = 64 * 1024  # bytes; no request of a static site has any
# Bytes that are read at once: so many requests may stand behind each other in them, and hold their answers.
_READ_BYTES, _READ_BYTES_OF_BODIES = 1024, 8192
_MAX_HEAD_BYTES = 32 * 1024  # bytes; browsers and proxies take no more
# Bytes of answers that a connection may have waiting before its thread waits, too: more than any answer
# has. waitress keeps large ones in a file.
_MAX_WAITING_BYTES = 1 << 40
_THREADS = 4  # waitress's default
_ARENA_MAX = -8  # the option M_ARENA_MAX in glibc's malloc.h


@dataclass(frozen=True, slots=True)
class WebSite:
    """An application, where it listens (port 0: any that is free), and what it may take.

    `find_limit` may lower `max_body_bytes` by the header fields. `options` are what somebody changes to choose host
    and port.
    """

    application: WSGIApplication
    host: str
    port: int
    threads: int = _THREADS
    max_body_bytes: int = _MAX_BODY_BYTES
    find_limit: Callable[[Mapping[str, str]], int] | None = None
    options: tuple[str, str] = ("--host", "--port")


class WebServer:
    """Listens for several sites from the beginning, and answers in `run`, once and in any thread."""

    def __init__(self, sites: Sequence[WebSite]) -> None:
        # Log faults only: neither requests that wait for a thread nor clients that hang up.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        limit_memory_arenas()
        self._connections: dict[int, Any] = {}
        self._stop = Event()
        with ExitStack() as opened:
            sockets = [opened.enter_context(_listening(site)) for site in sites]
            opened.pop_all()
        self.addresses = [listener.getsockname()[:2] for listener in sockets]
        limit = allow_connections()
        self._servers = [
            self._open(site, listener, limit)
            for site, listener in zip(sites, sockets, strict=True)
        ]

    def _open(self, site: WebSite, listener: socket.socket, connection_limit: int) -> Any:
        server = create_server(
            site.application,
            self._connections,
            sockets=[listener],
            ident=None,
            log_socket_errors=False,
            asyncore_use_poll=True,
            threads=site.threads,
            connection_limit=connection_limit,
            channel_timeout=_IDLE_SECONDS,
            recv_bytes=_READ_BYTES
            if site.max_body_bytes <= _MAX_BODY_BYTES
            else _READ_BYTES_OF_BODIES,
            max_request_header_size=_MAX_HEAD_BYTES,
            max_request_body_size=site.max_body_bytes,
            outbuf_high_watermark=_MAX_WAITING_BYTES,
            # The application decides which proxies it trusts.
            clear_untrusted_proxy_headers=False,
        )
        if site.find_limit is not None:
            server.channel_class = _limited_channel(site.find_limit)
        return server

    def stop(self) -> None:
        if not self._stop.is_set():
            self._stop.set()
            for server in self._servers:
                server.pull_trigger()

    def run(
        self, grace: float = GRACE_SECONDS, *, tell: Callable[[str], None] = tell_systemd
    ) -> None:
        """Answer until `stop`, and finish within `grace`. `tell` learns that the server is ready, works or stops."""
        tell(READY)
        next_beat = 0.0
        while not self._stop.is_set():
            if (now := time.monotonic()) >= next_beat:
                next_beat = now + _BEAT_SECONDS
                tell(WORKING)
            self._turn(_ROUND_SECONDS)
        tell(STOPPING)
        # A client that has just connected and sent a request: one round accepts, the next reads.
        self._turn(0)
        self._turn(0)
        for server in self._servers:
            # Its own method would also close the trigger that threads wake the loop with.
            wasyncore.dispatcher.close(server)
        end = time.monotonic() + grace
        while self._close_idle() and (left := end - time.monotonic()) > 0:
            self._turn(min(left, _ROUND_SECONDS))

    def close(self) -> None:
        for channel in self._channels():
            channel.handle_close()
        for server in self._servers:
            server.task_dispatcher.shutdown(timeout=_SHUTDOWN_SECONDS)
            server.close()

    def _turn(self, timeout: float) -> None:
        wasyncore.loop(timeout, use_poll=True, map=self._connections, count=1)

    def _close_idle(self) -> bool:
        for channel in self._channels():
            # In this order: a request is removed when its whole answer is in the buffer.
            if not (channel.requests or channel.total_outbufs_len or channel.request):
                channel.handle_close()
        return bool(self._channels())

    def _channels(self) -> list[Any]:
        return [
            channel
            for server in self._servers
            for channel in [*server.active_channels.values()]
        ]


def _limited_channel(find_limit: Callable[[Mapping[str, str]], int]) -> type:
    """Return the class of connections whose bodies have limits by their heads: waitress has one limit for all."""

    class Parser(HTTPRequestParser):  # type: ignore[misc]  # as above
        adj: Any
        expect_continue: bool

        def parse_header(self, header_plus: bytes) -> None:
            super().parse_header(header_plus)
            if not (self.chunked or self.content_length):
                return
            self.adj = copy(self.adj)
            limit = min(self.adj.max_request_body_size, find_limit(self.headers))
            self.adj.max_request_body_size = limit
            # Nobody is told to go on with a body that is refused.
            self.expect_continue = self.expect_continue and self.content_length < limit

    class Channel(HTTPChannel):  # type: ignore[misc]  # as above
        parser_class = Parser

    return Channel


@contextmanager
def stopped_by_signals(server: WebServer) -> Iterator[None]:
    """Let SIGTERM and SIGINT stop the server: an exception from a handler could lose how far a send got."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        server.stop()

    before = [
        (number, signal.signal(number, handle)) for number in (signal.SIGTERM, signal.SIGINT)
    ]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


@contextmanager
def running(server: WebServer, grace: float = GRACE_SECONDS) -> Iterator[None]:
    """Answer in a thread while the block lasts. If that fails, SIGTERM ends the block, and the error is raised."""

    def end_block(answered: Future[None]) -> None:
        if answered.exception():
            os.kill(os.getpid(), signal.SIGTERM)

    with ThreadPoolExecutor(1, "web server") as pool:
        answered = pool.submit(server.run, grace, tell=lambda _state: None)
        answered.add_done_callback(end_block)
        try:
            yield
        finally:
            server.stop()
            answered.result()


def _listening(site: WebSite) -> socket.socket:
    host, port = site.host, site.port
    for_host, for_port = site.options
    try:
        flags = socket.AI_PASSIVE
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=flags
        )[0]
        return socket.create_server(address[:2], family=family)
    except socket.gaierror:
        raise UsageError(f"{for_host}: {host!r} is no address of this machine") from None
    except OSError as error:
        problem = os.strerror(error.errno) if error.errno else str(error)
        option = for_host if error.errno == errno.EADDRNOTAVAIL else for_port
        raise UsageError(
            f"{host} port {port}: {problem}; choose another with {option}"
        ) from None


def allow_connections() -> int:
    """Raise this process's limit of open files as far as needed and allowed; return how many connections fit."""
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = _MAX_CONNECTIONS * _DESCRIPTORS_EACH + _OTHER_DESCRIPTORS
    unlimited = resource.RLIM_INFINITY
    if files != unlimited and files < needed:
        files = needed if most == unlimited else min(needed, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
    if files == unlimited:
        return _MAX_CONNECTIONS
    return max(1, min(_MAX_CONNECTIONS, (files - _OTHER_DESCRIPTORS) // _DESCRIPTORS_EACH))


def limit_memory_arenas() -> None:
    """Let all threads share one memory arena of glibc: one for each keeps some 30 MB with 32 threads, and gains nothing."""
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_ARENA_MAX, 1)
