"""A timer that tests advance."""

from __future__ import annotations

import threading

# 2026-01-05 00:00 UTC, the day of the samples.
_EPOCH = 1_767_571_200.0


class FakeTimer:
    """A `publisher.clock.Timer` that stands still until `advance`. Safe among threads."""

    def __init__(self, start: float = _EPOCH) -> None:
        self._seconds = start
        self._lock = threading.Lock()

    def time(self) -> float:
        """Return the current time, in seconds since 1970-01-01 UTC."""
        with self._lock:
            return self._seconds

    def advance(self, seconds: float) -> None:
        """Move by some seconds; back if they are negative, like a clock that is set."""
        with self._lock:
            self._seconds += seconds
