"""Where the time comes from. Nothing else in the program asks the system's clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Give the present instant, in UTC and whole seconds."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Give the present instant, in UTC and whole seconds."""
        return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that stands still: for rehearsals, demos and reproducible output."""

    instant: datetime

    def now(self) -> datetime:
        """Give the instant that it was set to, in UTC and whole seconds."""
        return self.instant.astimezone(UTC).replace(microsecond=0)
