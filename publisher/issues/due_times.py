"""Find issues by the time at which they are due, move one in time, and count reminders of it.

Also up to when editions are planned, and what is planned again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, delete, func, or_, select, update

from publisher.database.engine import chunks
from publisher.issues.digests import reopen_issue
from publisher.issues.model import Issue, IssueKind, IssueState
from publisher.issues.store import issues_by_ids, touch_issue
from publisher.issues.tables import edition_table, issue_table


def latest_planning(connection: Connection) -> datetime | None:
    """Return up to which instant any edition is planned; None before the first cycle."""
    query = select(func.max(edition_table.c.planned_until))
    found: datetime | None = connection.execute(query).scalar_one()
    return found


def plan_again(connection: Connection, skipped: Sequence[Issue], since: datetime) -> None:
    """Forget that occurrences of an edition were skipped, and plan it again from an instant."""
    forget_skipped(connection, skipped)
    one = skipped[0]
    here = (edition_table.c.newsletter == one.newsletter) & (
        edition_table.c.language == one.language
    )
    connection.execute(update(edition_table).where(here).values(planned_until=since))


def forget_skipped(connection: Connection, skipped: Sequence[Issue]) -> None:
    """Delete the rows of occurrences that were skipped when they were planned: nothing was made of them."""
    for some in chunks([one.id for one in skipped]):
        connection.execute(delete(issue_table).where(issue_table.c.id.in_(some)))


def issues_due_between(connection: Connection, since: datetime, until: datetime) -> list[Issue]:
    """Return the issues and skipped occurrences that are due in [since, until], by due time."""
    return _issues_where(connection, issue_table.c.due_at.between(since, until))


def issues_of_edition(
    connection: Connection, newsletter: str, language: str, since: datetime, day: date
) -> list[Issue]:
    """Return the issues of an edition that are due since an instant, and that of a day.

    Corrections are not among them.
    """
    return _issues_where(
        connection,
        issue_table.c.kind == IssueKind.REGULAR,
        issue_table.c.newsletter == newsletter,
        issue_table.c.language == language,
        or_(issue_table.c.due_at >= since, issue_table.c.day == day),
    )


def _issues_where(connection: Connection, *conditions: ColumnElement[bool]) -> list[Issue]:
    found = connection.execute(select(issue_table.c.id).where(*conditions)).scalars()
    return issues_by_ids(connection, list(found))


def set_reminders(connection: Connection, one: Issue, count: int) -> None:
    """Record how many mails have reminded of an issue."""
    here = issue_table.c.id == one.id
    connection.execute(update(issue_table).where(here).values(reminders=count))


def move_in_time(
    connection: Connection,
    one: Issue,
    due_at: datetime,
    now: datetime,
    *,
    is_by_schedule: bool = False,
) -> None:
    """Move an issue in time, and have it made again: what was approved is another time.

    One that is held stays so. If it is moved by the schedule, and not by a person, it keeps the time that a
    person has given it. Raise IssueError if another process has changed it meanwhile.
    """
    send_at = due_at if one.send_at is not None else None
    if is_by_schedule and one.send_at != one.due_at:
        send_at = one.send_at
    moved = touch_issue(connection, one, due_at=due_at, send_at=send_at, reminders=0)
    if moved.state in _MADE:
        reopen_issue(connection, moved, now)


_MADE = frozenset({IssueState.READY, IssueState.AWAITING_APPROVAL})
