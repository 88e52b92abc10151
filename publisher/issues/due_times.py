"""Find issues by the time at which they are due, and move one in time."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, case, literal, or_, select, update

from publisher.errors import IssueError
from publisher.issues.model import Issue, IssueKind
from publisher.issues.store import issues_by_ids
from publisher.issues.tables import issue_table


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


def set_due_at(connection: Connection, one: Issue, due_at: datetime) -> None:
    """Move an issue in time; what was approved of it counts no more. One that is held stays so.

    Raise IssueError if another process has moved it meanwhile.
    """
    instant = literal(due_at, issue_table.c.send_at.type)
    send_at = case((issue_table.c.send_at.is_not(None), instant))
    statement = (
        update(issue_table)
        .where(issue_table.c.id == one.id, issue_table.c.epoch == one.epoch)
        .values(due_at=due_at, send_at=send_at, revision=one.revision + 1, epoch=one.epoch + 1)
    )
    if connection.execute(statement).rowcount != 1:
        raise IssueError(f"{one.name}: another process has moved it; try again")
