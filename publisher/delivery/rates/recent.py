"""What this process sent of late, and so how fast it really was. In memory only.

Knows neither bounds nor other processes: where several send, each knows its own part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

# Seconds: what went before the last two of these is forgotten.
WINDOW = 10.0
# Fewer messages than these say nothing about a pace.
FEW = 10


class RecentSends:
    """Counts of messages by receiving domain, for the last ten to twenty seconds."""

    def __init__(self) -> None:
        self._older: Counter[str] = Counter()
        self._newer: Counter[str] = Counter()
        self._older_since = self._newer_since = 0.0

    def add(self, domains: Iterable[str], now: float) -> None:
        """Count messages that may go, each to a domain."""
        if not 0 <= now - self._newer_since < WINDOW:
            self._turn(now)
        self._newer.update(domains)

    def _turn(self, now: float) -> None:
        follows = WINDOW <= now - self._newer_since < 2 * WINDOW
        self._older = self._newer if follows else Counter()
        self._older_since = self._newer_since if follows else now
        self._newer, self._newer_since = Counter(), now

    def pace(self, domains: Iterable[str] | None, now: float) -> float | None:
        """Give the messages a second, to some domains or to all; None if too few went to tell."""
        if now - self._newer_since >= 2 * WINDOW:
            return None
        if domains is None:
            count = self._older.total() + self._newer.total()
        else:
            count = sum(self._older[one] + self._newer[one] for one in domains)
        return count / max(1.0, now - self._older_since) if count >= FEW else None
