"""The loop of our own server: takes requests, and ends without cutting off who is not done.

The one module that knows waitress, which has such a loop but no gentle end to it; so its rounds
are counted out here. What it makes of odd requests is put right here as well. Knows no signal,
no address, and nothing of what is served.
"""

from __future__ import annotations

import logging
import time
from threading import Event
from typing import TYPE_CHECKING, Any

from waitress import (  # type: ignore[import-untyped]  # it ships no types, and this module alone needs any
    create_server,
    wasyncore,
)
from waitress.channel import HTTPChannel  # type: ignore[import-untyped]  # as above
from waitress.parser import (  # type: ignore[import-untyped]  # as above
    HTTPRequestParser,
    ParsingError,
)
from waitress.task import WSGITask  # type: ignore[import-untyped]  # as above

if TYPE_CHECKING:
    import socket
    from wsgiref.types import WSGIApplication

_ROUND_SECONDS = 1.0  # seconds after which waitress looks for connections that nobody uses
# Threads see at once that their connection has gone; only a disk can keep them, for seconds.
_SHUTDOWN_SECONDS = 2.0
# Each may take two descriptors, its socket and its file, of the 1024 that are usual.
_MAX_CONNECTIONS = 400
_IDLE_SECONDS = 60  # seconds without a byte either way, after which a connection is closed
_SHARE_BYTES = 1024 * 1024  # bytes that a connection is sent in one round
_SWEEP_SECONDS = 5  # seconds between two looks for such connections
_MAX_BODY_BYTES = 64 * 1024  # bytes; no request that is answered has any


class RequestParser(HTTPRequestParser):  # type: ignore[misc]  # waitress ships no types
    """Reads a request; one that can't be read is answered by 400, whatever is wrong with it."""

    def received(self, data: bytes) -> int:
        """Take some bytes, and say how many; nobody is asked for a body that is refused."""
        taken: int = super().received(data)
        if self.error:
            self.expect_continue = False
        return taken

    def parse_header(self, header_plus: bytes) -> None:
        """Read the head of a request; ParsingError is what waitress answers."""
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # from an address such as http://[, or 5,000 digits
            raise ParsingError("Bad request") from error


class RequestTask(WSGITask):  # type: ignore[misc]  # waitress ships no types
    """Answers a request for the path that it has, even if several slashes begin it."""

    def get_environment(self) -> dict[str, Any]:
        """Give what the application is told (PEP 3333)."""
        return {**super().get_environment(), "PATH_INFO": self.request.path}


class ClientConnection(HTTPChannel):  # type: ignore[misc]  # waitress ships no types
    """A connection, on which one request at a time is answered, and the others get their turn."""

    parser_class = RequestParser
    task_class = RequestTask
    _left = _SHARE_BYTES

    def service(self) -> None:
        """Answer a request.

        Of several that come at once (RFC 9112 section 9.3.2) the first is answered and the
        connection closed, so that the client asks again: for the others a thread would wait
        until the client has taken the first answer.
        """
        with self.requests_lock:
            if len(self.requests) > 1:
                self.requests[0].headers["CONNECTION"] = "close"
        super().service()

    def handle_write(self) -> None:
        """Send what there is, as far as its share of a round goes."""
        self._left = _SHARE_BYTES
        super().handle_write()

    def send(self, data: bytes, do_close: bool = True) -> int:
        """Send some bytes, and say how many; none once the share is used up.

        A client that takes them as fast as they come would else have the loop to itself, for
        the whole of a file.
        """
        if self._left <= 0:
            return 0
        sent: int = super().send(data, do_close)
        self._left -= sent
        return sent


class ServerLoop:
    """Answers what comes over a socket that listens; to be run once, by any thread."""

    def __init__(self, application: WSGIApplication, listener: socket.socket) -> None:
        # It is told of the server's own faults only. A request that waits for one of the
        # threads is none, nor is a client that hangs up.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._sockets: dict[int, Any] = {}
        self._server = create_server(
            application,
            self._sockets,
            sockets=[listener],
            ident=None,
            log_socket_errors=False,
            connection_limit=_MAX_CONNECTIONS,
            channel_timeout=_IDLE_SECONDS,
            cleanup_interval=_SWEEP_SECONDS,
            max_request_body_size=_MAX_BODY_BYTES,
        )
        self._server.channel_class = ClientConnection
        self._stop = Event()

    def stop(self) -> None:
        """Ask it to end; for other threads and for what handles a signal."""
        if not self._stop.is_set():
            self._stop.set()
            self._server.pull_trigger()

    def run(self, grace: float) -> None:
        """Answer until `stop`, and for `grace` seconds more who is being answered then."""
        while not self._stop.is_set():
            self._turn(_ROUND_SECONDS)
        # Who has just connected and asked is under way: one round accepts, the next reads.
        self._turn(0)
        self._turn(0)
        # The server's own method would close its trigger too, by which threads wake the loop.
        wasyncore.dispatcher.close(self._server)
        end = time.monotonic() + grace
        while self._close_idle() and (left := end - time.monotonic()) > 0:
            self._turn(left)

    def close(self) -> None:
        """Cut off what is left, and end the threads; listens no more, if it still did."""
        for channel in self._channels():
            channel.handle_close()
        self._server.task_dispatcher.shutdown(timeout=_SHUTDOWN_SECONDS)
        self._server.close()

    def _turn(self, timeout: float) -> None:
        """Wait for what comes next, and see to it; by poll, as select knows no high numbers."""
        wasyncore.loop(timeout, use_poll=True, map=self._sockets, count=1)

    def _close_idle(self) -> bool:
        """Close the connections on which nothing is under way; say if any are left."""
        for channel in self._channels():
            # In this order: a request goes when the whole of its answer is in the buffer.
            if not (channel.requests or channel.request or channel.total_outbufs_len):
                channel.handle_close()
        return bool(self._channels())

    def _channels(self) -> list[Any]:
        return list(self._server.active_channels.values())
