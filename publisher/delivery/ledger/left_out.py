"""Owe what later issues left out for the sake of mails that are not sent after all.

An issue leaves out the stories that another issue is about to bring (`received`). If that mail is then
cancelled or given up, the next issue of the newsletter that had left them out brings them.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, exists, or_, select

from publisher.articles.tables import article
from publisher.database.engine import chunks
from publisher.delivery.ledger.received import OPENED_STATES, stories_of_issue
from publisher.delivery.tables import delivery
from publisher.issues import store as issues
from publisher.issues.model import Issue
from publisher.issues.tables import issue_table
from subscribers.interruptions import OWED_FOR, add_interruptions


def owe_left_out(
    connection: Connection, issue: Issue, rows: ColumnElement[bool], now: datetime
) -> None:
    """Record what the subscribers of some rows of an issue, that are not sent, may have missed.

    `rows` is a condition on `delivery`. Call it before the rows are moved.
    """
    chosen = (delivery.c.issue_id == issue.id) & rows
    if not connection.execute(select(exists(delivery.c.subscriber_id).where(chosen))).scalar():
        return
    stories = stories_of_issue(connection, issue)
    for other in _opened_meanwhile(connection, issue):
        if not _considered(connection, other, stories):
            continue
        later = delivery.alias()
        is_in_both = exists().where(
            later.c.issue_id == other.id, later.c.subscriber_id == delivery.c.subscriber_id
        )
        name, _, _cadence = other.newsletter.partition(".")
        since = other.available_since or now - OWED_FOR
        members = select(delivery.c.subscriber_id).where(chosen, is_in_both)
        add_interruptions(connection, members, name, since, now)


def _opened_meanwhile(connection: Connection, issue: Issue) -> list[Issue]:
    """Return the other issues whose ledgers may have been opened after an issue's."""
    begun = issue.assembled_at or issue.due_at
    query = select(issue_table.c.id).where(
        issue_table.c.id != issue.id,
        issue_table.c.state.in_(OPENED_STATES),
        or_(issue_table.c.finished_at.is_(None), issue_table.c.finished_at >= begun),
    )
    return issues.issues_by_ids(connection, connection.execute(query).scalars().all())


def _considered(connection: Connection, issue: Issue, stories: Collection[int]) -> bool:
    """Return whether one of some stories was among those that an issue chose from."""
    until = issue.assembled_at or issue.due_at
    news = article.c.available_at <= until
    if issue.available_since:
        news &= article.c.available_at > issue.available_since
    return any(
        connection.execute(
            select(exists(article.c.id).where(article.c.story_id.in_(some), news))
        ).scalar()
        for some in chunks(sorted(stories))
    )
