"""How many messages a sender who is new may send on a day, so that receivers get to know it. Pure.

A day is one in UTC: readers live everywhere, and the day must not depend on where the program
runs. Knows no row and no clock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from publisher.config.delivery import WarmupSettings

# Powers beyond this are past any bound, and past what a float holds.
HUGE = 700.0


@dataclass(frozen=True, slots=True)
class DailyQuota:
    """What a day has left, when the next one begins, and how people are told."""

    left: int
    opens_at: float
    words: str


def day_of(now: float) -> date:
    """Give the day of an instant (seconds since the epoch)."""
    return datetime.fromtimestamp(now, UTC).date()


def end_of(day: date) -> float:
    """Give the instant at which the next day begins, in seconds since the epoch."""
    return datetime.combine(day + timedelta(days=1), time(), UTC).timestamp()


def daily_allowance(warmup: WarmupSettings, day: date) -> int | None:
    """Give how many messages a day allows; None if there is no bound any more.

    Before the first day it is as on the first day: mail that leaves earlier is no more welcome.
    """
    days = max(0, (day - warmup.start).days)
    if days * math.log(warmup.growth) > HUGE:
        return None
    allowed = warmup.first * warmup.growth**days
    # A product that should be whole may come out a hair less.
    return None if allowed > warmup.until else math.floor(allowed + 1e-6)


def daily_quota(allowed: int, gone: int, day: date) -> DailyQuota:
    """Say what is left of a day, of which so many messages have gone."""
    return DailyQuota(max(0, allowed - gone), end_of(day), f"warm-up: {allowed:,} a day")
