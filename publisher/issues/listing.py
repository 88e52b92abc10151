"""Issues page by page, the latest first, as somebody looks for them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, literal, select, tuple_

from publisher.database.metadata import UTCDateTime
from publisher.issues import store
from publisher.issues.model import Issue
from publisher.issues.tables import issue_table


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueFilter:
    """Which issues are listed: of these languages, of one newsletter, in one state, before a place."""

    languages: Collection[str]
    newsletter: str | None = None
    state: str | None = None
    before: tuple[datetime, int] | None = None


def list_issues(connection: Connection, wanted: IssueFilter, limit: int) -> list[Issue]:
    """Return the latest issues and skipped occurrences that are wanted. A place is due time and id."""
    table = issue_table.c
    query = select(table.id).where(table.language.in_(wanted.languages))
    if wanted.newsletter is not None:
        query = query.where(table.newsletter == wanted.newsletter)
    if wanted.state is not None:
        query = query.where(table.state == wanted.state)
    if wanted.before is not None:
        at, number = wanted.before
        place = tuple_(literal(at, UTCDateTime), literal(number))
        query = query.where(tuple_(table.due_at, table.id) < place)
    ordered = query.order_by(table.due_at.desc(), table.id.desc()).limit(limit)
    ids = list(connection.execute(ordered).scalars())
    return store.issues_by_ids(connection, ids)[::-1]
