"""When a message that was not taken is tried again. Pure; chance is an argument."""

from __future__ import annotations

from datetime import timedelta
from random import Random

# Greylisting lets a second try pass after a minute (RFC 6647 section 5), and often after five.
FIRST = timedelta(minutes=5)
# RFC 5321 section 4.5.4.1 asks for half an hour between tries, once the first are over.
LONGEST = timedelta(hours=4)
# So that those who were refused in the same second don't come back in the same second.
JITTER = 0.25


def retry_delay(attempts: int, chance: Random) -> timedelta:
    """Give how long to wait after so many attempts: doubling, with up to a quarter more."""
    doublings = min(max(attempts, 1) - 1, 16)
    longest: timedelta = min(FIRST * 2**doublings, LONGEST)
    return longest * (1 + JITTER * chance.random())
