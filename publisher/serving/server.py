"""The loop of our own server, over waitress; it ends without cutting off requests.

waitress has no graceful shutdown, so its rounds are run here one by one. Its handling of some
malformed requests is corrected here as well.
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

_ROUND_SECONDS = 1.0  # how often waitress looks for idle connections
# Threads notice at once that their connection is gone; only a slow disk can hold them.
_SHUTDOWN_SECONDS = 2.0
# Each may use two file descriptors, for socket and file, of the usual limit of 1024.
_MAX_CONNECTIONS = 400
_IDLE_SECONDS = 60  # seconds without a byte either way, after which a connection is closed
_SHARE_BYTES = 1024 * 1024  # bytes that a connection is sent in one round
_SWEEP_SECONDS = 5  # seconds between two looks for such connections
_MAX_BODY_BYTES = 64 * 1024  # bytes; no request that is answered has any


class RequestParser(HTTPRequestParser):  # type: ignore[misc]  # waitress ships no types
    """Parses a request; a request that can't be parsed is answered with 400."""

    def received(self, data: bytes) -> int:
        """Take bytes and return how many; no 100 Continue is sent for a body that is refused."""
        taken: int = super().received(data)
        if self.error:
            self.expect_continue = False
        return taken

    def parse_header(self, header_plus: bytes) -> None:
        """Parse the head of a request; raise ParsingError, which waitress answers with 400."""
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # a URL such as http://[, or a number of 5,000 digits
            raise ParsingError("Bad request") from error


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
        wait until the client has read the first answer.
        """
        with self.requests_lock:
            if len(self.requests) > 1:
                self.requests[0].headers["CONNECTION"] = "close"
        super().service()

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


class ServerLoop:
    """Answers requests on a listening socket; to be run once, in any thread."""

    def __init__(self, application: WSGIApplication, listener: socket.socket) -> None:
        # Log the server's own faults only: neither requests that wait for a thread nor clients
        # that hang up.
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
        """End the loop; may be called from other threads and from signal handlers."""
        if not self._stop.is_set():
            self._stop.set()
            self._server.pull_trigger()

    def run(self, grace: float) -> None:
        """Answer until `stop`; requests that are being answered then have `grace` seconds more."""
        while not self._stop.is_set():
            self._turn(_ROUND_SECONDS)
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
        for channel in self._channels():
            channel.handle_close()
        self._server.task_dispatcher.shutdown(timeout=_SHUTDOWN_SECONDS)
        self._server.close()

    def _turn(self, timeout: float) -> None:
        """Wait for events and handle them; by poll, since select has a limit on descriptors."""
        wasyncore.loop(timeout, use_poll=True, map=self._sockets, count=1)

    def _close_idle(self) -> bool:
        """Close idle connections; return whether others are left."""
        for channel in self._channels():
            # In this order: a request is removed when its whole answer is in the buffer.
            if not (channel.requests or channel.request or channel.total_outbufs_len):
                channel.handle_close()
        return bool(self._channels())

    def _channels(self) -> list[Any]:
        return list(self._server.active_channels.values())
