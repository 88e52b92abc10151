"""A timer that is moved by hand."""

from __future__ import annotations

import threading

# 2026-01-05 00:00 UTC, the day of the samples.
_EPOCH = 1_767_571_200.0


class FakeTimer:
    """Stands still until it is told to move: a `publisher.clock.Timer`. Safe among threads."""

    def __init__(self, start: float = _EPOCH) -> None:
        self._seconds = start
        self._lock = threading.Lock()

    def time(self) -> float:
        """Give the present instant, in seconds since 1970 began (UTC)."""
        with self._lock:
            return self._seconds

    def advance(self, seconds: float) -> None:
        """Move on by so many seconds; back, as a clock that is set, where they are negative."""
        with self._lock:
            self._seconds += seconds
