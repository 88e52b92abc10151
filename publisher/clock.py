"""Where the time comes from. Nothing else in the program asks the system's clock."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Give the present instant, in UTC and whole seconds."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Give the present instant, in UTC and whole seconds."""
        return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that stands still: for rehearsals, demos and reproducible output."""

    instant: datetime

    def now(self) -> datetime:
        """Give the instant that it was set to, in UTC and whole seconds."""
        return self.instant.astimezone(UTC).replace(microsecond=0)


class Timer(Protocol):
    """Tells how time passes, finely: for leases and rates, whatever the date is taken for."""

    def time(self) -> float:
        """Give the seconds since the epoch."""
        ...


class SystemTimer:
    """The machine's clock, finely."""

    def time(self) -> float:
        """Give the seconds since the epoch."""
        return time.time()


@dataclass(frozen=True, slots=True)
class RunningClock:
    """A clock that goes on from an instant that was given."""

    instant: datetime
    since: float

    def now(self) -> datetime:
        """Give the instant that it has come to, in UTC and whole seconds."""
        passed = timedelta(seconds=uptime() - self.since)
        return (self.instant + passed).astimezone(UTC).replace(microsecond=0)


def running_from(clock: Clock) -> Clock:
    """Give a clock that goes on, from where one that stands still has stopped."""
    return RunningClock(clock.instant, uptime()) if isinstance(clock, FixedClock) else clock


def uptime() -> float:
    """Give seconds that only grow: nobody sets them, and sleeping machines count on.

    Stopped processes can tell by it for how long they were.
    """
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
