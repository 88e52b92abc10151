"""Deliveries of which nobody knows whether they were taken: listed, and decided.

A decision is an operator's: she may have looked into the other side's log, where the Message-ID
is the same for every attempt. Knows no message.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, exists, select, update

from publisher.database.chunks import chunks
from publisher.delivery.ledger import lifecycle
from publisher.delivery.ledger.bulk import in_states
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues import store as issues
from publisher.issues.model import Issue
from publisher.issues.states import IssueState, check_transition
from publisher.issues.tables import issue_table
from subscribers import load_recipients

BELIEVED = "believed to have been taken"
# A new epoch: whoever has sent it before can't say any more what became of it.
AGAIN = {"state": DeliveryState.PENDING, "epoch": delivery.c.epoch + 1}


@dataclass(frozen=True, slots=True)
class Doubt:
    """One delivery in doubt; no address where the reader was erased."""

    issue_id: int
    subscriber_id: int
    address: str | None
    since: datetime
    attempts: int
    reason: str


def issues_in_doubt(connection: Connection) -> list[Issue]:
    """List the issues that have deliveries in doubt, the earliest due first."""
    doubtful = exists().where(
        delivery.c.issue_id == issue_table.c.id, in_states(DeliveryState.IN_DOUBT)
    )
    numbers = connection.execute(select(issue_table.c.id).where(doubtful)).scalars().all()
    return issues.issues_by_ids(connection, numbers)


def list_doubts(connection: Connection, issue: Issue) -> list[Doubt]:
    """List an issue's deliveries in doubt, in the order of their readers."""
    columns = delivery.c["subscriber_id", "changed_at", "attempts", "reason"]
    query = (
        select(*columns)
        .where(delivery.c.issue_id == issue.id, in_states(DeliveryState.IN_DOUBT))
        .order_by(delivery.c.subscriber_id)
    )
    rows = connection.execute(query).all()
    ids = [row.subscriber_id for row in rows]
    known = {
        reader.id: reader.address
        for some in chunks(ids)
        for reader in load_recipients(connection, some)
    }
    return [
        Doubt(issue.id, number, known.get(number), since, attempts, reason or "")
        for number, since, attempts, reason in rows
    ]


def resend_doubts(
    connection: Connection, issue: Issue, readers: Collection[int] | None, now: datetime
) -> int:
    """Let doubtful deliveries be made again, all or some; gives how many.

    Whoever got the first one can tell the second by its Message-ID. An issue that was over is
    sent again to those; patience with them begins anew. Raises TransitionError for an issue that
    was cancelled.
    """
    if issue.state is IssueState.CANCELLED:
        check_transition(issue.state, IssueState.SENDING)
    return _decide(connection, issue, readers, AGAIN | {"next_at": now, "tried_at": None}, now)


def retry_doubts(
    connection: Connection, issue: Issue, most: int, patience: timedelta, now: datetime
) -> int:
    """Let doubtful deliveries be made again by themselves, unless tried too often or too long."""
    statement = (
        update(delivery)
        .where(
            delivery.c.issue_id == issue.id,
            in_states(DeliveryState.IN_DOUBT),
            delivery.c.attempts <= most,
            delivery.c.tried_at > now - patience,
        )
        .values(AGAIN | {"next_at": now, "changed_at": now})
    )
    return connection.execute(statement).rowcount


def mark_doubts_sent(
    connection: Connection, issue: Issue, readers: Collection[int] | None, now: datetime
) -> int:
    """Believe that doubtful deliveries were taken, all or some; gives how many."""
    changes = {"state": DeliveryState.SENT, "reason": BELIEVED}
    return _decide(connection, issue, readers, changes, now)


def _decide(
    connection: Connection,
    issue: Issue,
    readers: Collection[int] | None,
    changes: dict[str, Any],
    now: datetime,
) -> int:
    decided = (
        update(delivery)
        .where(delivery.c.issue_id == issue.id, in_states(DeliveryState.IN_DOUBT))
        .values(changes | {"changed_at": now})
    )
    if readers is None:
        moved = connection.execute(decided).rowcount
    else:
        of = delivery.c.subscriber_id
        portion = (decided.where(of.in_(some)) for some in chunks(sorted(readers)))
        moved = sum(connection.execute(statement).rowcount for statement in portion)
    if moved:
        lifecycle.reconcile_issues(connection, [issue.id], now)
    return moved
