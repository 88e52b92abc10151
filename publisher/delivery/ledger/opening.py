"""The ledger's beginning: a row for each reader of an issue.

Knows no message and no transport.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, insert, literal, select

from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues.model import Issue
from subscribers import select_audience


def open_ledger(
    connection: Connection, issue: Issue, languages: Collection[str], now: datetime
) -> int:
    """Give every reader of an issue her row; doing it again adds none. Gives how many were added.

    `languages` are the readers' tags that this edition serves.
    """
    readers = select_audience(issue.newsletter, languages).subquery()
    instant = literal(now, delivery.c.due_at.type)
    rows = select(
        literal(issue.id),
        readers.c.id,
        literal(DeliveryState.PENDING.value),
        instant,
        instant,
        instant,
    )
    names = ["issue_id", "subscriber_id", "state", "due_at", "next_at", "changed_at"]
    statement = insert(delivery).prefix_with("OR IGNORE").from_select(names, rows)
    return connection.execute(statement).rowcount
