"""The loop of our own server: takes requests, and ends without cutting off who is not done.

The one module that knows waitress, which has such a loop but no gentle end to it; so its rounds
are counted out here. Knows no signal, no address, and nothing of what is served.
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

if TYPE_CHECKING:
    import socket
    from wsgiref.types import WSGIApplication

ROUND = 1.0  # seconds after which waitress looks for connections that nobody uses
# Threads see at once that their connection has gone; only a disk can keep them, for seconds.
PATIENCE = 2.0


class Loop:
    """Answers what comes over a socket that listens; to be run once, by any thread."""

    def __init__(self, application: WSGIApplication, listener: socket.socket) -> None:
        # It is told of the server's own faults only. A request that waits for one of the
        # threads is none, nor is a client that hangs up.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._sockets: dict[int, Any] = {}
        self._server = create_server(
            application, self._sockets, sockets=[listener], ident=None, log_socket_errors=False
        )
        self._stop = Event()

    def stop(self) -> None:
        """Ask it to end; for other threads and for what handles a signal."""
        if not self._stop.is_set():
            self._stop.set()
            self._server.pull_trigger()

    def run(self, grace: float) -> None:
        """Answer until `stop`, and for `grace` seconds more who is being answered then."""
        while not self._stop.is_set():
            wasyncore.loop(ROUND, map=self._sockets, count=1)
        # Who has just connected and asked is under way: one round accepts, the next reads.
        wasyncore.loop(0, map=self._sockets, count=2)
        # The server's own method would close its trigger too, by which threads wake the loop.
        wasyncore.dispatcher.close(self._server)
        end = time.monotonic() + grace
        while self._close_idle() and (left := end - time.monotonic()) > 0:
            wasyncore.loop(left, map=self._sockets, count=1)

    def close(self) -> None:
        """Cut off what is left, and end the threads; listens no more, if it still did."""
        for channel in self._channels():
            channel.handle_close()
        self._server.task_dispatcher.shutdown(timeout=PATIENCE)
        self._server.close()

    def _close_idle(self) -> bool:
        """Close the connections on which nothing is under way; say if any are left."""
        for channel in self._channels():
            # In this order: a request goes when the whole of its answer is in the buffer.
            if not (channel.requests or channel.request or channel.total_outbufs_len):
                channel.handle_close()
        return bool(self._channels())

    def _channels(self) -> list[Any]:
        return list(self._server.active_channels.values())
