"""The web pages of issues: which may be shown, and which are to be written.

No page is shown before its issue may be sent.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select, update

from publisher.issues.model import STATES_WITH_PAGE, Issue, IssueKind, IssueState
from publisher.issues.store import COLUMNS, to_issue
from publisher.issues.tables import OUTDATED, digest_table, issue_table, revised_page_table

# Before an issue is ready, its digest may not be sent, nor its page be shown.
_UNFINISHED = (IssueState.ASSEMBLING, IssueState.AWAITING_APPROVAL)


def _is_public(now: datetime) -> ColumnElement[bool]:
    """Return whether an issue's page may be on the web: not before the issue may be sent."""
    state = issue_table.c.state
    return (
        state.in_(STATES_WITH_PAGE)
        & state.not_in(_UNFINISHED)
        & ((state != IssueState.READY) | (issue_table.c.send_at <= now))
    )


def published_issues(
    connection: Connection,
    newsletter: str | None,
    language: str,
    limit: int,
    now: datetime,
) -> list[Issue]:
    """Return the issues whose web pages may be shown, latest first; of one newsletter or all.

    Corrections are linked from the issues that they correct, and are not among them. Digests repeat the newsletters' issues for some subscribers, and do not count among all.
    """
    query = select(*COLUMNS).where(
        issue_table.c.language == language,
        issue_table.c.kind == IssueKind.REGULAR,
        _is_public(now),
    )
    if newsletter is not None:
        query = query.where(issue_table.c.newsletter == newsletter)
    else:
        query = query.where(issue_table.c.newsletter.not_like("%.%"))
    rows = connection.execute(
        query.order_by(issue_table.c.day.desc(), issue_table.c.newsletter).limit(limit)
    )
    return [to_issue(row) for row in rows]


def issues_without_page(connection: Connection, now: datetime) -> list[tuple[Issue, str, str]]:
    """Return issues whose page is not on disk and may be, or is outdated there, with page and hash."""
    is_new = issue_table.c.page_hash.is_(None) & _is_public(now)
    revised = revised_page_table.c
    query = (
        select(
            *COLUMNS,
            func.coalesce(revised.page, digest_table.c.page).label("page"),
            func.coalesce(revised.sha256, digest_table.c.sha256).label("sha256"),
        )
        .join(digest_table, digest_table.c.issue_id == issue_table.c.id)
        .outerjoin(revised_page_table, revised.issue_id == issue_table.c.id)
        .where(
            is_new | (issue_table.c.page_hash == OUTDATED),
            # Nothing stands in for a page that is to be rendered again.
            revised.issue_id.is_(None) | revised.page.is_not(None),
        )
        .order_by(issue_table.c.id)
    )
    return [(to_issue(row), row.page, row.sha256) for row in connection.execute(query)]


def issue_ids_without_page(connection: Connection) -> set[int]:
    """Return the ids of issues whose page is not on disk yet."""
    query = select(issue_table.c.id).where(issue_table.c.page_hash.is_(None))
    return set(connection.execute(query).scalars())


def mark_page_written(connection: Connection, one: Issue, sha256: str) -> None:
    """Record that an issue's page is on disk."""
    connection.execute(
        update(issue_table).where(issue_table.c.id == one.id).values(page_hash=sha256)
    )
