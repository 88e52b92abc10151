"""How the server's loop waits for sockets, which thread answers a request, and how a request waits.

waitress asks all connections before each wait what they wait for. Here a connection is asked while
something is under way on it; idle ones stay registered with the kernel. Reading, writing and
closing are waitress's own.

Python runs one thread at a time, and handing a request over and back costs more than many pages do.
So the loop itself answers what only computes, reads a few rows, or waits by `wait_for`. Each such
request runs in a greenlet. `wait_for` leaves it until a future is done, such as the commit of what
it changed; the loop answers others meanwhile. Elsewhere `wait_for` blocks, as waiting always does.
No other module imports greenlet.
"""

from __future__ import annotations

import select
import time
from collections import deque
from collections.abc import Callable
from concurrent import futures
from dataclasses import dataclass
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from threading import Lock
from typing import Any

from greenlet import getcurrent, greenlet
from waitress import wasyncore  # type: ignore[import-untyped]  # it ships no types
from waitress.task import ThreadedTaskDispatcher  # type: ignore[import-untyped]  # no types

# Seconds between two looks for requests that have waited for too long.
_LOOK_SECONDS = 0.5


class WaitingRequests:
    """The requests that one loop has begun and not answered; only its thread calls it."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """`wake` ends the loop's wait for events; any thread may call it, until `close`."""
        self._wake = wake
        self._waiting: dict[_Wait, None] = {}
        self._over: deque[_Wait] = deque()
        self._next_look = 0.0
        self._lock = Lock()
        self._closed = False

    def begin(self, answer: Callable[[], object]) -> None:
        """Run `answer` until it has ended, or waits for the first time."""
        _Request(answer, self).switch()

    def go_on(self) -> None:
        """Let those requests go on whose wait is over."""
        while self._over:
            self._resume(self._over.popleft(), is_done=True)
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + _LOOK_SECONDS
            for one in [one for one in self._waiting if one.until <= now]:
                self._resume(one, is_done=False)

    def close(self) -> None:
        """Call `wake` no more. Requests that wait still are never answered."""
        with self._lock:
            self._closed = True

    def add(self, wait: _Wait, future: futures.Future[Any]) -> None:
        """Let a request wait for a future."""
        self._waiting[wait] = None
        future.add_done_callback(lambda _future: self._end(wait))

    def _end(self, wait: _Wait) -> None:
        """Take note, in any thread, that a wait is over."""
        self._over.append(wait)
        # Whoever comes second finds that the loop is awake.
        if len(self._over) == 1:
            with self._lock:
                if not self._closed:
                    self._wake()

    def _resume(self, wait: _Wait, *, is_done: bool) -> None:
        # A future may end after the request has given it up.
        if wait in self._waiting:
            del self._waiting[wait]
            wait.request.switch(is_done)


class _Request(greenlet):
    """A request that the loop answers."""

    def __init__(self, answer: Callable[[], object], requests: WaitingRequests) -> None:
        super().__init__(answer)
        self.requests = requests


@dataclass(frozen=True, slots=True, eq=False)
class _Wait:
    """A request that waits, and the instant of the monotonic clock until which it does."""

    request: _Request
    until: float


def wait_for(future: futures.Future[Any], seconds: float) -> bool:
    """Wait for a future. Return whether it is done; False after so many seconds."""
    request = getcurrent()
    if not isinstance(request, _Request) or request.parent is None:
        return bool(futures.wait([future], seconds).done)
    request.requests.add(_Wait(request, time.monotonic() + seconds), future)
    return bool(request.parent.switch())


class TaskDispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]  # waitress ships no types
    """Has threads for requests, and a queue for those that the loop answers."""

    def __init__(self, is_brief: Callable[[str], bool]) -> None:
        """`is_brief` says it by path. Such a request never blocks its thread."""
        super().__init__()
        self._is_brief = is_brief
        self._brief: deque[Any] = deque()

    def add_task(self, task: Any) -> None:
        """Queue a connection that has received a request."""
        request = task.requests[0]
        if not request.error and self._is_brief(request.path):
            # Not yet: the connection holds its lock.
            self._brief.append(task)
        else:
            super().add_task(task)

    def answer_brief(self, requests: WaitingRequests) -> None:
        """Begin to answer the brief requests, in the thread of the loop."""
        for _ in range(len(self._brief)):
            requests.begin(partial(self._answer, self._brief.popleft()))

    def _answer(self, task: Any) -> None:
        try:
            task.service()
        except Exception:
            self.logger.exception("a request could not be answered")
            task.handle_close()


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
