"""The loop of our own server, over waitress; it ends without cutting off requests.

waitress has no graceful shutdown, so its rounds are run here one by one. Its handling of some
malformed requests is corrected here as well.
"""

import copy
import ctypes
import logging
import re
import resource
import socket
import time
from collections.abc import Callable, Mapping
from threading import Event
from typing import Any
from wsgiref.types import WSGIApplication

from waitress import (  # type: ignore[import-untyped]  # it ships no types
    create_server,
    wasyncore,
)
from waitress.channel import HTTPChannel  # type: ignore[import-untyped]  # as above
from waitress.parser import (  # type: ignore[import-untyped]  # as above
    HTTPRequestParser,
    ParsingError,
)
from waitress.task import WSGITask  # type: ignore[import-untyped]  # as above

from publisher.clock import SystemTimer
from publisher.jobs.heartbeat import READY, STOPPING, WORKING, tell_systemd
from publisher.serving.event_loop import PolledSockets, TaskDispatcher, WaitingRequests

_ROUND_SECONDS = 1.0  # how often waitress looks for idle connections
# Threads notice at once that their connection is gone; only a slow disk can hold them.
_SHUTDOWN_SECONDS = 2.0
# Each may use two file descriptors, for socket and file; the rest of the program has some, too.
_MAX_CONNECTIONS = 1000
_DESCRIPTORS_EACH = 2
_OTHER_DESCRIPTORS = 100
_IDLE_SECONDS = 60  # seconds without a byte either way, after which a connection is closed
# Seconds from the first byte of a request to its last. A slower client only holds a connection.
_REQUEST_SECONDS = 30
# Bytes per second, half a megabit: who sends a large body that is let in has as much longer.
_SLOWEST_BODY = 64 * 1024
_SHARE_BYTES = 1024 * 1024  # bytes that a connection is sent in one round
_SWEEP_SECONDS = 5  # seconds between two looks for such connections
_MAX_BODY_BYTES = 64 * 1024  # bytes; no request of a static site has any
# Bytes of a request's head. Browsers and proxies take no more; waitress would keep 256 KB for each
# connection, and look through all of it with every byte that comes.
_MAX_HEAD_BYTES = 32 * 1024
# Seconds by which a connection with part of a request is closed later than an idle one.
_PART_SECONDS = 2.0
_FOLDED = re.compile(rb"\n[ \t]")  # a line of a head that belongs to the one before it
_THREADS = 4  # waitress's default
_wall_clock = SystemTimer()
BodyLimit = Callable[[str, Mapping[str, str]], int]
_ARENA_MAX = -8  # the option M_ARENA_MAX in glibc's malloc.h


class RequestParser(HTTPRequestParser):  # type: ignore[misc]  # waitress ships no types
    """Parses a request; a request that can't be parsed is answered with 400."""

    def __init__(self, adj: Any) -> None:
        super().__init__(adj)
        self.adj: Any = adj
        self.begun = _wall_clock.time()  # as waitress counts when a connection was last active

    @property
    def until(self) -> float:
        """When its last byte has to be there."""
        return self.begun + _REQUEST_SECONDS + float(self.content_length) / _SLOWEST_BODY

    def received(self, data: bytes) -> int:
        """Take bytes and return how many.

        No 100 Continue is sent for a body that is refused or absent; waitress would then wait for it.
        """
        taken: int = super().received(data)
        if self.completed:
            self.expect_continue = False
        return taken

    def parse_header(self, header_plus: bytes) -> None:
        """Parse the head of a request; raise ParsingError, which waitress answers with 400."""
        if _FOLDED.search(header_plus):
            # Servers differ in what a folded line belongs to (RFC 9112, 5.2).
            raise ParsingError("Folded lines are refused")
        try:
            super().parse_header(header_plus)
            if self.version != "1.1" and "TRANSFER_ENCODING" in self.headers:
                # HTTP/1.0 has none, so its body would be read as another request (RFC 9112, 6.1).
                raise ParsingError("Transfer-Encoding needs HTTP/1.1")
        except ValueError as error:  # a URL such as http://[, or a number of 5,000 digits
            raise ParsingError("Bad request") from error
        limit_body: BodyLimit | None = getattr(self.adj, "limit_body", None)
        if limit_body is not None and self.body_rcv is not None:
            self.adj = copy.copy(self.adj)
            self.adj.max_request_body_size = limit_body(self.path, self.headers)


class RequestTask(WSGITask):  # type: ignore[misc]  # waitress ships no types
    """Answers a request with its path unchanged, even if it begins with several slashes."""

    def get_environment(self) -> dict[str, Any]:
        """Return the WSGI environment (PEP 3333)."""
        return {**super().get_environment(), "PATH_INFO": self.request.path}


class ClientConnection(HTTPChannel):  # type: ignore[misc]  # waitress ships no types
    """A connection that answers one request at a time and leaves time for the others."""

    parser_class = RequestParser
    task_class = RequestTask
    _left = _SHARE_BYTES

    def service(self) -> None:
        """Answer a request.

        Of pipelined requests (RFC 9112 section 9.3.2) only the first is answered, and the
        connection is closed, so that the client repeats the others. Otherwise a thread would
        wait until the client has read the first answer; or it would send 100 Continue, and remove a
        connection that is gone from under the loop.
        """
        with self.requests_lock:
            # Nothing more is read until the answer is sent.
            if len(self.requests) > 1 or self.request is not None:
                self.requests[0].headers["CONNECTION"] = "close"
        super().service()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being answered or sent; a request may have been received in part."""
        # In this order: a request is removed when its whole answer is in the buffer.
        return not (self.requests or self.total_outbufs_len)

    @property
    def is_settled(self) -> bool:
        """Whether it only waits for a request or the rest of one (`PolledSockets`).

        With 950 halves, asking each in every round would stall the next request by two seconds.
        """
        return self.is_idle and not (self.will_close or self.close_when_flushed)

    @property
    def waits_since(self) -> float:
        """The order in which idle connections are closed if there are too many.

        The parts of a request do not count one by one. Otherwise clients that never complete theirs
        would shut others out.
        """
        if self.request is None:
            return float(self.last_activity)
        return float(self.request.begun + _PART_SECONDS)

    def handle_write(self) -> None:
        """Send what is buffered, up to the share of one round."""
        self._left = _SHARE_BYTES
        super().handle_write()

    def send(self, data: bytes, do_close: bool = True) -> int:
        """Send bytes and return how many; none once the share is used up.

        Otherwise a fast client would occupy the loop for a whole file.
        """
        if self._left <= 0:
            return 0
        sent: int = super().send(data, do_close)
        self._left -= sent
        return sent


def _never(_path: str) -> bool:
    """Return False: all requests are answered in threads."""
    return False


class ServerLoop:
    """Answers requests on a listening socket; to be run once, in any thread."""

    def __init__(
        self,
        application: WSGIApplication,
        listener: socket.socket,
        *,
        threads: int = _THREADS,
        max_body_bytes: int | BodyLimit = _MAX_BODY_BYTES,
        max_connections: int | None = None,
        is_brief: Callable[[str], bool] = _never,
    ) -> None:
        """By default it holds as many connections as this process may open files for.

        `is_brief` says by path which requests are answered in the thread of the loop. `max_body_bytes` may say it by
        path and header fields (`COOKIE`), before a body is read.
        """
        # Log the server's own faults only: neither requests that wait for a thread nor clients
        # that hang up.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._max_connections = max_connections or _connections_allowed()
        self._next_sweep = 0.0
        self._sockets = PolledSockets()
        self._tasks = TaskDispatcher(is_brief)
        self._tasks.set_thread_count(threads)
        self._server = create_server(
            application,
            self._sockets,
            _dispatcher=self._tasks,
            sockets=[listener],
            ident=None,
            log_socket_errors=False,
            # Reached only if all are busy; its count includes the listening socket and the trigger.
            connection_limit=self._max_connections + 3,
            channel_timeout=_IDLE_SECONDS,
            cleanup_interval=_SWEEP_SECONDS,
            max_request_header_size=_MAX_HEAD_BYTES,
            max_request_body_size=_MAX_BODY_BYTES
            if callable(max_body_bytes)
            else max_body_bytes,
            # The application decides which proxies it trusts.
            clear_untrusted_proxy_headers=False,
        )
        self._server.channel_class = ClientConnection
        if callable(max_body_bytes):
            self._server.adj.limit_body = max_body_bytes
        self._requests = WaitingRequests(self._server.pull_trigger)
        self._stop = Event()

    def stop(self) -> None:
        """End the loop; may be called from other threads and from signal handlers."""
        if not self._stop.is_set():
            self._stop.set()
            self._server.pull_trigger()

    def run(self, grace: float) -> None:
        """Answer until `stop`; requests that are being answered then have `grace` seconds more."""
        tell_systemd(READY)
        while not self._stop.is_set():
            self._turn(_ROUND_SECONDS)
        tell_systemd(STOPPING)
        # A client that has just connected and sent a request: one round accepts, the next reads.
        self._turn(0)
        self._turn(0)
        # The server's own method would also close the trigger that threads wake the loop with.
        wasyncore.dispatcher.close(self._server)
        end = time.monotonic() + grace
        while self._close_idle() and (left := end - time.monotonic()) > 0:
            self._turn(left)

    def close(self) -> None:
        """Close all connections and the listening socket, and end the threads."""
        self._requests.close()
        for channel in self._channels():
            channel.handle_close()
        self._tasks.shutdown(timeout=_SHUTDOWN_SECONDS)
        self._server.close()
        self._sockets.close()

    def _turn(self, timeout: float) -> None:
        """Wait for events, handle them, answer brief requests and those whose wait is over."""
        self._make_room()
        self._sockets.handle_events(timeout)
        self._tasks.answer_brief(self._requests)
        self._requests.go_on()

    def _make_room(self) -> None:
        """Close the connection that is idle for longest if there are too many, and slow requests.

        Each turn accepts one connection at most, so that idle ones never shut others out.
        """
        channels = self._server.active_channels
        if len(channels) >= self._max_connections:
            idle = [channel for channel in channels.values() if channel.is_idle]
            if idle:
                min(idle, key=lambda channel: channel.waits_since).handle_close()
        now = time.monotonic()
        if now >= self._next_sweep:
            self._next_sweep = now + _SWEEP_SECONDS
            tell_systemd(WORKING)
            self._close_slow(_wall_clock.time())
            self._close_unused(_wall_clock.time() - _IDLE_SECONDS)

    def _close_slow(self, now: float) -> None:
        """Close connections whose request should be there by now."""
        for channel in self._channels():
            request = channel.request
            if channel.is_idle and request is not None and request.until < now:
                channel.handle_close()

    def _close_unused(self, before: float) -> None:
        """Close connections without a byte either way since an instant.

        waitress only marks them, which nobody would see on a connection that is settled.
        """
        for channel in self._channels():
            if not channel.requests and channel.last_activity < before:
                channel.handle_close()

    def _close_idle(self) -> bool:
        """Close idle connections; return whether others are left."""
        for channel in self._channels():
            if channel.is_idle and not channel.request:
                channel.handle_close()
        return bool(self._channels())

    def _channels(self) -> list[Any]:
        return list(self._server.active_channels.values())


def _connections_allowed() -> int:
    """Return how many connections this process may hold, by its limit of open files."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return _MAX_CONNECTIONS
    return max(1, min(_MAX_CONNECTIONS, (files - _OTHER_DESCRIPTORS) // _DESCRIPTORS_EACH))


def allow_open_files() -> None:
    """Raise this process's limit of open files as far as connections need and the system allows."""
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_CONNECTIONS * _DESCRIPTORS_EACH + _OTHER_DESCRIPTORS
    unlimited = resource.RLIM_INFINITY
    if files != unlimited and files < wanted:
        raised = wanted if most == unlimited else min(wanted, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, most))


def limit_memory_arenas() -> None:
    """Let all threads share one memory arena of the C library, if that is glibc.

    It would give each thread an arena of its own, which keeps what was freed in it: some 30 MB with
    32 threads. Threads that hold Python's lock in turn gain nothing by that.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_ARENA_MAX, 1)
