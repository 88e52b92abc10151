"""Waits for events of waitress's sockets without asking each of them anew in every round.

waitress asks all connections before each wait what they wait for. Here a connection is asked while
something is under way on it; idle ones stay registered with the kernel. Reading, writing and closing
are waitress's own.
"""

from __future__ import annotations

import select
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from typing import Any

from waitress import wasyncore  # type: ignore[import-untyped]  # it ships no types


class PolledSockets(dict[int, Any]):
    """Waitress's map of its sockets by file descriptor; only the thread of the loop changes it.

    A socket that has `is_settled` is asked only while that is false. It must then wait for something
    to read, and for nothing else.
    """

    def __init__(self) -> None:
        super().__init__()
        self._selector = DefaultSelector()
        self._unsettled: set[int] = set()

    def __setitem__(self, descriptor: int, socket: Any) -> None:
        super().__setitem__(descriptor, socket)
        self._unsettled.add(descriptor)

    def __delitem__(self, descriptor: int) -> None:
        super().__delitem__(descriptor)
        self._unsettled.discard(descriptor)
        self._register(descriptor, 0)

    def handle_events(self, timeout: float) -> None:
        """Wait up to `timeout` seconds for events, and let the sockets handle them."""
        for descriptor in tuple(self._unsettled):
            self._ask(descriptor, self[descriptor])
        for key, events in self._selector.select(timeout):
            # An event may have closed a later socket of the same round.
            socket = self.get(key.fd)
            if socket is not None:
                self._unsettled.add(key.fd)
                self._handle(key.fd, socket, events)

    def close(self) -> None:
        """Free the kernel's list. The sockets stay open."""
        self._selector.close()

    def _ask(self, descriptor: int, socket: Any) -> None:
        # In this order: another thread may settle it meanwhile, and it is then asked once more.
        if getattr(socket, "is_settled", False):
            self._unsettled.discard(descriptor)
        # One that waits for nothing stays registered: it soon waits for the same again.
        if wanted := _wanted(socket):
            self._register(descriptor, wanted)

    def _handle(self, descriptor: int, socket: Any, events: int) -> None:
        wanted = _wanted(socket)
        if events & wanted:
            wasyncore.readwrite(socket, _flags(events & wanted))
        else:
            self._register(descriptor, wanted)

    def _register(self, descriptor: int, events: int) -> None:
        known = self._selector.get_map().get(descriptor)
        if known is None:
            if events:
                self._selector.register(descriptor, events)
        elif not events:
            self._selector.unregister(descriptor)
        elif known.events != events:
            self._selector.modify(descriptor, events)


def _wanted(socket: Any) -> int:
    events = EVENT_READ if socket.readable() else 0
    if socket.writable() and not socket.accepting:
        events |= EVENT_WRITE
    return events


def _flags(events: int) -> int:
    return (select.POLLIN if events & EVENT_READ else 0) | (
        select.POLLOUT if events & EVENT_WRITE else 0
    )
