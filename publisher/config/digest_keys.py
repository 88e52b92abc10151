"""The digests of a newsletter, and their keys, such as `daily.weekly`. Pure.

A subscriber who does not want each issue of a newsletter gets a digest of a day, a week or a month
instead. Issues, cutoffs and audiences know it by its key: the newsletter, a dot, and the cadence.
Names of newsletters have no dot (`values.UrlName`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta
from enum import StrEnum


class DigestCadence(StrEnum):
    """How often a digest is sent: `subscribers.Cadence` without each issue."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"

    @property
    def period(self) -> timedelta:
        """The longest time from one digest to the next."""
        return timedelta(days={"daily": 1, "weekly": 7, "monthly": 31}[self])

    @property
    def dates_a_month(self) -> int:
        """The greatest number of digests in a month of 31 days."""
        return {"daily": 31, "weekly": 5, "monthly": 1}[self]

    def rule(self, at: time, weekday: str) -> str:
        """Return the cron line of the dates: each day, a weekday, or the first of the month."""
        # Not as an RRULE: it is counted from its start each time, day by day.
        dates = {"daily": "* * *", "weekly": f"* * {weekday[:3].upper()}", "monthly": "1 * *"}
        return f"{at.minute} {at.hour} {dates[self.value]}"


@dataclass(frozen=True, slots=True)
class DigestKey:
    """A newsletter and the cadence of a digest of it, or None for its own issues."""

    newsletter: str
    cadence: DigestCadence | None = None

    @classmethod
    def parse(cls, text: str) -> DigestKey:
        """Return the parts of a key. A text without a known cadence is a newsletter's name."""
        name, dot, cadence = text.rpartition(".")
        if dot and cadence in {*DigestCadence}:
            return cls(name, DigestCadence(cadence))
        return cls(text)

    def __str__(self) -> str:
        return f"{self.newsletter}.{self.cadence}" if self.cadence else self.newsletter
