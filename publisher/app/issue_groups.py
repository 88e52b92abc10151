"""The same issue in all languages as one object: an occurrence of a newsletter. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, literal, select, tuple_

from publisher.app.issues import require_issue
from publisher.database.metadata import UTCDateTime
from publisher.issues import store
from publisher.issues.model import Issue, IssueState
from publisher.issues.tables import digest_table, issue_table

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import Connection

    from publisher.app.editing_state import EditingState
    from publisher.config import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueInLanguage:
    """An issue in one language; without a digest, `subject` is empty and `warnings` None."""

    issue: Issue
    subject: str = ""
    articles: int = 0
    warnings: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueGroup:
    """A newsletter's issues of one day, in the publication's order of languages."""

    newsletter: str
    day: date
    issues: tuple[IssueInLanguage, ...]

    def in_language(self, language: str) -> IssueInLanguage | None:
        """Return the issue in a language."""
        return next((one for one in self.issues if one.issue.language == language), None)


def list_issue_groups(
    state: EditingState,
    most: int,
    *,
    before: tuple[datetime, int] | None = None,
    with_skipped: bool = True,
) -> tuple[list[IssueGroup], tuple[datetime, int] | None]:
    """Return the latest issues, and the place before which further ones stand; None at the end.

    A correction stands where it was due. Without skipped ones, those are left out that were skipped in every language.
    """
    table = issue_table.c
    place = func.max(table.due_at), func.min(table.id)
    query = select(*place).group_by(table.newsletter, table.day, table.serial)
    if before is not None:
        limit = tuple_(literal(before[0], UTCDateTime), literal(before[1]))
        query = query.having(tuple_(*place) < limit)
    if not with_skipped:
        others = case((table.state != IssueState.SKIPPED, table.id))
        query = query.having(func.count(others) > 0)
    ordered = query.order_by(*(one.desc() for one in place)).limit(most + 1)
    with state.database.reading() as connection:
        places = [tuple(row) for row in connection.execute(ordered)]
        found = _same_issues(connection, [number for _at, number in places[:most]])
        groups = _groups(connection, state.settings, found)
    order = {number: rank for rank, (_at, number) in enumerate(places)}
    groups.sort(key=lambda one: order[min(each.issue.id for each in one.issues)])
    return groups, places[most - 1] if len(places) > most else None


def find_issue_group(state: EditingState, name: str) -> tuple[IssueGroup, Issue]:
    """Return the group of an issue, and the issue; raise UsageError if there is none."""
    with state.database.reading() as connection:
        issue = require_issue(connection, name)
        found = _same_issues(connection, [issue.id])
        (group,) = _groups(connection, state.settings, found)
    return group, issue


def _same_issues(connection: Connection, numbers: Sequence[int]) -> list[Issue]:
    """Return issues by their ids, and the same ones in other languages."""
    same, one = issue_table.alias(), issue_table
    alike = and_(*(one.c[name] == same.c[name] for name in ("newsletter", "day", "serial")))
    joined = one.join(same, alike)
    query = select(one.c.id).select_from(joined).where(same.c.id.in_(numbers))
    return store.issues_by_ids(connection, [*connection.execute(query).scalars()])


def _groups(
    connection: Connection, settings: Settings, found: Iterable[Issue]
) -> list[IssueGroup]:
    order = {tag: place for place, tag in enumerate(settings.publication.languages)}

    def key(one: Issue) -> tuple[str, str, int]:
        return str(one.day), one.newsletter, one.serial

    issues = sorted(found, key=lambda one: order.get(one.language, len(order)))
    ids = [one.id for one in issues]
    counts, digests = store.article_counts(connection, ids), _digests(connection, ids)
    summaries = {
        one.id: IssueInLanguage(
            issue=one,
            subject=digests[one.id].subject if one.id in digests else "",
            articles=counts.get(one.id, 0),
            warnings=digests[one.id].warnings if one.id in digests else None,
        )
        for one in issues
    }
    return [
        IssueGroup(
            newsletter=same[0].newsletter,
            day=same[0].day,
            issues=tuple(summaries[one.id] for one in same),
        )
        for _key, group in groupby(sorted(issues, key=key, reverse=True), key=key)
        for same in [[*group]]
    ]


def _digests(connection: Connection, ids: Sequence[int]) -> dict[int, Any]:
    """Return subject and number of warnings of what is frozen, by issue."""
    found = digest_table.c
    warnings = func.json_array_length(found.findings).label("warnings")
    query = select(found.issue_id, found.subject, warnings)
    rows = connection.execute(query.where(found.issue_id.in_(ids)))
    return {row.issue_id: row for row in rows}
