"""The only module that reads the machine's time of day; `time.monotonic` measures durations."""

import ctypes
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """A source of the present instant, in UTC and whole seconds."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that stands still: for `--now`, previews, demos and reproducible output."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant.astimezone(UTC).replace(microsecond=0)


_TIME_ERROR = 5  # adjtimex(2) returns it while nothing synchronises the clock
# How much larger than any kernel's `struct timex` the buffer is, in bytes. Zeros change nothing.
_TIMEX_BYTES = 512


def is_synchronised() -> bool:
    """Return whether the kernel says that its clock is synchronised, by NTP for example."""
    ask = getattr(ctypes.CDLL(None), "adjtimex", None)
    return ask is not None and 0 <= ask(ctypes.create_string_buffer(_TIMEX_BYTES)) < _TIME_ERROR


def is_confirmed(clock: Clock) -> bool:
    """Return whether more than the clock itself says that it is not ahead.

    The machine's clock is confirmed if it is synchronised; a given time, as by `--now`, if it is not
    later than the machine's: what was due before has passed by either.
    """
    if isinstance(clock, SystemClock):
        return is_synchronised()
    return clock.now() <= SystemClock().now() + timedelta(days=1)


class Timer(Protocol):
    """A source of fine time, for leases and rates: seconds since the epoch, with fractions; independent of `--now`."""

    def time(self) -> float: ...


class SystemTimer:
    """The machine's clock, with fractions of seconds."""

    def time(self) -> float:
        return time.time()


class ServerTimer:
    """A server's clock, as it was read last. It runs on with the uptime of this machine in between.

    It is never ahead of the server: a reading counts from when it arrived. Setting this machine's
    clock does not change it.
    """

    def __init__(self) -> None:
        self._ahead = 0.0

    def set(self, instant: float) -> None:
        """Take a reading, in seconds since the epoch."""
        self._ahead = instant - uptime()

    def time(self) -> float:
        return self._ahead + uptime()


@dataclass(frozen=True, slots=True)
class RunningClock:
    """A clock that runs on from a given instant; `since` is the uptime at that instant."""

    instant: datetime
    since: float

    def now(self) -> datetime:
        passed = timedelta(seconds=uptime() - self.since)
        return (self.instant + passed).astimezone(UTC).replace(microsecond=0)


def running_from(clock: Clock) -> Clock:
    """Return a running clock that starts where a FixedClock stands; others are returned as is."""
    return RunningClock(clock.instant, uptime()) if isinstance(clock, FixedClock) else clock


@dataclass(frozen=True, slots=True)
class TimerClock:
    """The clock of a timer, such as that of a database which several machines share."""

    timer: Timer

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.timer.time(), UTC).replace(microsecond=0)


def shared_clock(clock: Clock, timer: Timer) -> Clock:
    """Return the clock for what machines compare, such as leases: the timer's, or a time that was given (`--now`)."""
    return TimerClock(timer) if isinstance(clock, SystemClock) else clock


def uptime() -> float:
    """Return seconds that only grow, whatever the clock is set to; sleep and stops of the process are included."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
