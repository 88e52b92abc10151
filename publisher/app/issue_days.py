"""The issues of a newsletter on one day, in all languages or some: those that exist, and those to come."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from publisher.app.editions import choose_editions
from publisher.config import Edition, Settings
from publisher.errors import IssueError
from publisher.issues import store
from publisher.issues.model import SELECTED_STATES, Issue, IssueState
from publisher.issues.planner import PlanningRecord, next_issues_of, read_planning

if TYPE_CHECKING:
    from sqlalchemy import Connection

# The ledger is not open yet.
BEFORE_LEDGER = (IssueState.SCHEDULED, *SELECTED_STATES)
# Issues that are planned ahead of a day that is asked for: a daily newsletter of a year.
_AHEAD = 400


@dataclass(frozen=True, slots=True)
class DayEdition:
    """An edition and its issue of a day. Without an issue, it is one that is still to be planned."""

    edition: Edition
    day: date
    due_at: datetime
    issue: Issue | None = None

    @property
    def state(self) -> IssueState:
        """The state of the issue."""
        return self.issue.state if self.issue else IssueState.SCHEDULED

    @property
    def name(self) -> str:
        """The issue's name, which it has before it exists."""
        return f"{self.edition.newsletter}-{self.edition.language}-{self.day}"


def choose_languages(
    settings: Settings, newsletter: str, languages: Collection[str]
) -> list[Edition]:
    """Return the editions of a newsletter or digest, in some languages or in all; raise UsageError."""
    if not languages:
        return choose_editions(settings, newsletter, None)
    found = [one for tag in languages for one in choose_editions(settings, newsletter, tag)]
    return list({one.language: one for one in found}.values())


def find_day(
    connection: Connection,
    settings: Settings,
    editions: Sequence[Edition],
    day: date,
    now: datetime,
) -> list[DayEdition]:
    """Return what some editions have on a day. Raise IssueError if none has anything."""
    planned = read_planning(connection, settings)
    found = []
    for edition in editions:
        if issue := store.issue_by_name(connection, DayEdition(edition, day, now).name):
            found.append(DayEdition(edition, day, issue.send_at or issue.due_at, issue))
        elif coming := [one for one in _coming(edition, planned, now) if one.day == day]:
            found.append(coming[0])
    if not found:
        name = editions[0].newsletter
        raise IssueError(f"{name} has no issue on {day}; `publisher plan` lists those to come")
    return found


def next_day(
    connection: Connection, settings: Settings, editions: Sequence[Edition], now: datetime
) -> date:
    """Return the next day on which one of some editions has an issue whose ledger is not open."""
    waiting = store.issues_in_state(connection, *BEFORE_LEDGER)
    names = {(one.newsletter, one.language) for one in editions}
    days = [one.day for one in waiting if (one.newsletter, one.language) in names]
    planned = read_planning(connection, settings)
    for edition in editions:
        days += [one.day for one in _coming(edition, planned, now, 1)]
    if not days:
        raise IssueError(f"{editions[0].newsletter}: no issue is to come")
    return min(days)


def _coming(
    edition: Edition, planned: PlanningRecord, now: datetime, most: int = _AHEAD
) -> Iterator[DayEdition]:
    for one in next_issues_of(edition, planned, now, most):
        yield DayEdition(edition, one.occurrence.day, one.occurrence.due_at)
