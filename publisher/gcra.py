"""The generic cell rate algorithm (ITU-T I.371). Pure.

A bucket is one number, its `tat` (theoretical arrival time): the instant at which it will be full
again. Each message moves it on by one interval. It may lie no further ahead of now than a whole
burst takes. So in any window of w seconds at most `per_second * w + burst` messages pass. Instants
are seconds since the epoch, and arguments.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

# The tat of a bucket from which nothing was ever taken: it is full.
FULL = 0.0
# Seconds. The database stores instants to a quarter of a microsecond; a message that comes exactly
# when it was told to must not be refused for that.
_ROUNDING = 1e-6
# Seconds by which clocks are corrected all the time. A larger step means that somebody set the
# clock, and that a tat in the future is meaningless.
CLOCK_TOLERANCE = 2.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Messages a second in the long run, and messages at once after a pause (at least 1)."""

    per_second: float
    burst: float

    @property
    def interval(self) -> float:
        """Seconds from one message to the next."""
        return 1 / self.per_second

    def room(self, tat: float, now: float) -> int:
        """Return how many messages may go now."""
        free = now + self.burst * self.interval - max(tat, now) + _ROUNDING
        return max(0, math.floor(free * self.per_second))

    def after(self, tat: float, now: float, count: int) -> float:
        """Return the tat after so many messages."""
        return max(tat, now) + count * self.interval

    def opens_at(self, tat: float) -> float:
        """Return the instant from which one message may go. It may be long past."""
        return tat - (self.burst - 1) * self.interval

    def corrected(self, tat: float, now: float) -> float:
        """Return a possible tat: after a clock was set back, the stored one would block for long."""
        latest = now + self.burst * self.interval
        return latest if tat > latest + CLOCK_TOLERANCE else tat


def per_second(count: float) -> Pace:
    """Return the pace of so many messages a second. The burst is one second's worth."""
    return Pace(count, max(1.0, count))


def per_hour(count: float) -> Pace:
    """Return the pace of so many messages an hour. The burst is one minute's worth."""
    return Pace(count / 3600, max(1.0, count / 60))
