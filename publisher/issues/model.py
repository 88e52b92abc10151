"""The value `Issue`, as all packages use it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from publisher.issues.states import IssueState


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One edition at one occurrence: `day` is the local date, `due_at` the instant (UTC)."""

    id: int
    newsletter: str
    language: str
    day: date
    due_at: datetime
    state: IssueState
    reason: str | None
    epoch: int
    published_until: datetime | None
    more: int
    assembled_at: datetime | None

    @property
    def name(self) -> str:
        """The name for people, files and logs: `weekly-en-2026-01-09`."""
        return f"{self.newsletter}-{self.language}-{self.day}"
