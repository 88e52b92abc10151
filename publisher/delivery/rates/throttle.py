"""Lower a rate when a domain or server answers 421 or 45x, and let it recover. Pure.

The rate is halved, and grows again by a quarter for each minute without a complaint. Instants are
seconds since the epoch, and arguments.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from publisher.gcra import CLOCK_TOLERANCE

# Growth per second without a complaint: a quarter more in a minute.
_GROWTH = math.log(1.25) / 60
# Seconds: replies to messages that were under way already are one complaint, not a hundred.
_SAME_COMPLAINT = 10.0
# Messages a second. One in ten seconds is enough to notice that the other side has recovered.
MIN_RATE = 0.1
# Messages a second to be halved if there is no limit and too little was sent to measure.
_DEFAULT_RATE = 1.0
# Seconds for which sends are counted; counts older than two windows are dropped.
_WINDOW = 10.0
# Fewer messages than these are no measurement.
_MIN_SENDS = 10


@dataclass(frozen=True, slots=True)
class Throttle:
    """A rate (messages a second) at the instant `since`, on its way back to `target`."""

    per_second: float
    since: float
    target: float

    def at(self, instant: float) -> float:
        """Return the rate at an instant, in messages a second."""
        quiet = max(0.0, instant - self.since)
        # Beyond the time that the target needs, growth would only overflow.
        needed = math.log(self.target / self.per_second) / _GROWTH
        return self.target if quiet >= needed else self.per_second * math.exp(_GROWTH * quiet)

    def is_over(self, now: float) -> bool:
        """Return whether the target is reached."""
        return self.at(now) >= self.target

    def is_fresh(self, now: float) -> bool:
        """Return whether a complaint that comes now belongs to the last one."""
        return now < self.since + _SAME_COMPLAINT

    def corrected(self, now: float) -> Throttle:
        """Return it with a possible start: it can't have begun in the future."""
        return replace(self, since=now) if self.since > now + CLOCK_TOLERANCE else self


def tighten(
    before: Throttle | None, limit: float | None, measured: float | None, now: float
) -> Throttle:
    """Return the throttle after a complaint; the same one if it is fresh.

    `limit` is the rate that the settings allow, `measured` the rate of late, where known (both in
    messages a second): halving a limit that was never reached would change nothing.
    """
    if before and before.is_fresh(now):
        return before
    if before and not before.is_over(now):
        present, target = _least(before.at(now), measured), before.target
    elif limit is not None:
        present, target = _least(limit, measured), limit
    else:
        present = target = measured or _DEFAULT_RATE
    return Throttle(max(present / 2, min(MIN_RATE, present)), now, target)


def _least(rate: float, measured: float | None) -> float:
    return rate if measured is None else min(rate, measured)


class RecentSends:
    """This process's messages of the last ten to twenty seconds, by receiving domain."""

    def __init__(self) -> None:
        self._older: Counter[str] = Counter()
        self._newer: Counter[str] = Counter()
        self._older_since = self._newer_since = 0.0

    def add(self, domains: Iterable[str], now: float) -> None:
        """Count messages, given by their domains."""
        if not 0 <= now - self._newer_since < _WINDOW:
            self._start_window(now)
        self._newer.update(domains)

    def _start_window(self, now: float) -> None:
        follows = _WINDOW <= now - self._newer_since < 2 * _WINDOW
        self._older = self._newer if follows else Counter()
        self._older_since = self._newer_since if follows else now
        self._newer, self._newer_since = Counter(), now

    def per_second(self, domains: Iterable[str] | None, now: float) -> float | None:
        """Return messages a second, to some domains or to all. None: too few to measure."""
        if now - self._newer_since >= 2 * _WINDOW:
            return None
        if domains is None:
            count = self._older.total() + self._newer.total()
        else:
            count = sum(self._older[one] + self._newer[one] for one in domains)
        return count / max(1.0, now - self._older_since) if count >= _MIN_SENDS else None
