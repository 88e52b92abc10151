"""What becomes of a pace when the other side says that it is too fast. Pure.

It is halved, and grows again by a quarter for each minute in which nobody complains. Knows no
clock: instants are seconds since the epoch, and arguments.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from publisher.delivery.rates.gcra import SLIP

# Growth for each second that is quiet: a quarter more in a minute.
GROWTH = math.log(1.25) / 60
# The answers to what was on its way already are one complaint, not a hundred.
ONE_COMPLAINT = 10.0
# Messages a second below which nothing is slowed: one in ten seconds finds out soon enough when
# the other side is well again.
SLOWEST = 0.1
# What is halved where there is no bound, and too little went lately to tell how fast.
UNKNOWN = 1.0


@dataclass(frozen=True, slots=True)
class Throttle:
    """A pace (messages a second) as it was `since` then, on its way back to `aim`."""

    pace: float
    since: float
    aim: float

    def at(self, instant: float) -> float:
        """Give the pace at an instant, in messages a second."""
        quiet = max(0.0, instant - self.since)
        # Beyond what the aim needs, growth would only overflow.
        needed = math.log(self.aim / self.pace) / GROWTH
        return self.aim if quiet >= needed else self.pace * math.exp(GROWTH * quiet)

    def is_over(self, now: float) -> bool:
        """Say whether everything is again as it was."""
        return self.at(now) >= self.aim

    def is_fresh(self, now: float) -> bool:
        """Say whether a complaint that comes now is part of the last one."""
        return now < self.since + ONE_COMPLAINT

    def mended(self, now: float) -> Throttle:
        """Give it as it can be true: it can't have begun in the future."""
        return replace(self, since=now) if self.since > now + SLIP else self


def tighten(
    before: Throttle | None, bound: float | None, measured: float | None, now: float
) -> Throttle:
    """Slow down once more, unless that was done just now.

    `bound` is the pace that settings allow, `measured` what went of late, as far as known (both
    in messages a second): a bound that was never reached would be halved in vain.
    """
    if before and before.is_fresh(now):
        return before
    if before and not before.is_over(now):
        present, aim = _least(before.at(now), measured), before.aim
    elif bound is not None:
        present, aim = _least(bound, measured), bound
    else:
        present = aim = measured or UNKNOWN
    return Throttle(max(present / 2, min(SLOWEST, present)), now, aim)


def _least(pace: float, measured: float | None) -> float:
    return pace if measured is None else min(pace, measured)
