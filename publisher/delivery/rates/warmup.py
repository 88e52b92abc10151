"""The warm-up of a new sender: how many messages a day may go. Pure.

A day is one in UTC: recipients are everywhere, and a day must not depend on where the program
runs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from publisher.config.delivery import WarmupSettings

# Logarithms beyond this are past any limit, and past what a float can hold.
_MAX_LOG = 700.0


@dataclass(frozen=True, slots=True)
class DailyQuota:
    """What is left of a day, when the next one begins, and a text for people."""

    left: int
    opens_at: float
    text: str


def day_of(now: float) -> date:
    """Return the day of an instant (seconds since the epoch)."""
    return datetime.fromtimestamp(now, UTC).date()


def end_of(day: date) -> float:
    """Return the instant at which the next day begins, in seconds since the epoch."""
    return datetime.combine(day + timedelta(days=1), time(), UTC).timestamp()


def daily_allowance(warmup: WarmupSettings, day: date) -> int | None:
    """Return how many messages a day allows. None: the warm-up is over.

    Before the first day, the first day's number applies: earlier mail is no more welcome.
    """
    days = max(0, (day - warmup.start).days)
    if days * math.log(warmup.growth) > _MAX_LOG:
        return None
    allowed = warmup.first * warmup.growth**days
    # A product that should be whole may be a little less.
    return None if allowed > warmup.until else math.floor(allowed + 1e-6)


def daily_quota(allowed: int, sent: int, day: date) -> DailyQuota:
    """Return what is left of a day on which so many messages were sent."""
    return DailyQuota(max(0, allowed - sent), end_of(day), f"warm-up: {allowed:,} a day")
