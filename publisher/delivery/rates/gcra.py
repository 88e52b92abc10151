"""How fast something may go: the generic cell rate algorithm (ITU-T I.371). Pure.

A bucket is one number, its `tat` (theoretical arrival time): the instant at which it will be
full again. Each message moves it on by one interval, and it may lie no further ahead of now than
a whole burst takes. So in any window of w seconds no more than `per_second * w + burst` messages
pass. Knows no clock: instants are seconds since the epoch, and arguments.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

# The tat of a bucket from which nothing was ever taken: it is full.
FULL = 0.0
# Seconds since the epoch are kept to a quarter of a microsecond; who comes back exactly when told
# must not be sent away for that.
ROUNDING = 1e-6
# Clocks are set right by less than this all the time, and are just waited for. By more, somebody
# has set one, and what was written under the old time says nothing any more.
SLIP = 2.0


@dataclass(frozen=True, slots=True)
class Pace:
    """So many messages a second in the long run, and so many at once when nobody came for a while.

    A burst is one message or more.
    """

    per_second: float
    burst: float

    @property
    def interval(self) -> float:
        """Seconds from one message to the next."""
        return 1 / self.per_second

    def room(self, tat: float, now: float) -> int:
        """Count the messages that may go now."""
        free = now + self.burst * self.interval - max(tat, now) + ROUNDING
        return max(0, math.floor(free * self.per_second))

    def after(self, tat: float, now: float, count: int) -> float:
        """Give the tat once so many messages have gone."""
        return max(tat, now) + count * self.interval

    def opens_at(self, tat: float) -> float:
        """Give the instant from which one message may go; it may be long past."""
        return tat - (self.burst - 1) * self.interval

    def mended(self, tat: float, now: float) -> float:
        """Give the tat as it can be true: a clock that was set back would hold all up for long."""
        latest = now + self.burst * self.interval
        return latest if tat > latest + SLIP else tat


def per_second(count: float) -> Pace:
    """Give the pace of so many messages a second; a burst is what one second takes."""
    return Pace(count, max(1.0, count))


def per_hour(count: float) -> Pace:
    """Give the pace of so many messages an hour; a burst is what one minute takes."""
    return Pace(count / 3600, max(1.0, count / 60))
