"""Requests that wait without a thread of their own: the loop answers others meanwhile.

Each request that the loop answers runs in a greenlet. `wait_for` leaves it until a future is done, such
as the commit of what it changed. Elsewhere `wait_for` blocks, as waiting always does.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent import futures
from dataclasses import dataclass
from threading import Lock
from typing import Any

from greenlet import getcurrent, greenlet

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
