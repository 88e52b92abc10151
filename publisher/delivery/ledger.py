"""The verbs of the ledger; every arrow is one guarded UPDATE.

    pending -> claimed -> sent | failed         an idempotent transport needs no more
    claimed -> pending                          the holder died: its lease is taken back
    pending -> suppressed                       the reader left, or her address died, meanwhile

Knows no message and no transport.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, literal, select, update

from publisher.delivery.tables import DeliveryState, delivery
from publisher.issues.model import Issue
from subscribers import audience, still_wanted

# Well over what a portion of messages takes to write, even on a slow disk.
LEASE = timedelta(minutes=5)
OPEN = (
    DeliveryState.PENDING,
    DeliveryState.CLAIMED,
    DeliveryState.ATTEMPTING,
    DeliveryState.DEFERRED,
)


def open_ledger(
    connection: Connection, issue: Issue, languages: Collection[str], now: datetime
) -> int:
    """Give every reader of an issue her row; doing it again adds none. Gives how many were added.

    `languages` are the readers' tags that this edition serves.
    """
    readers = audience(issue.newsletter, languages).subquery()
    rows = select(
        literal(issue.id),
        readers.c.id,
        literal(DeliveryState.PENDING.value),
        literal(now, delivery.c.due_at.type),
        literal(now, delivery.c.changed_at.type),
    )
    names = ["issue_id", "subscriber_id", "state", "due_at", "changed_at"]
    statement = insert(delivery).prefix_with("OR IGNORE").from_select(names, rows)
    return connection.execute(statement).rowcount


def take_back(connection: Connection, now: datetime, *, all_of_them: bool = False) -> int:
    """Return claims whose lease has run out to pending; whoever held them can't send any more.

    `all_of_them` is for a process that knows itself to be alone, at its start.
    """
    expired = delivery.c.state == DeliveryState.CLAIMED
    if not all_of_them:
        expired &= delivery.c.lease_until < now
    statement = (
        update(delivery)
        .where(expired)
        .values(
            state=DeliveryState.PENDING,
            epoch=delivery.c.epoch + 1,
            lease_until=None,
            changed_at=now,
        )
    )
    return connection.execute(statement).rowcount


def suppress_unwanted(connection: Connection, issue: Issue, now: datetime) -> int:
    """Take out readers who left, or were erased, since the ledger was made."""
    statement = (
        update(delivery)
        .where(
            delivery.c.issue_id == issue.id,
            delivery.c.state == DeliveryState.PENDING,
            ~still_wanted(issue.newsletter, delivery.c.subscriber_id),
        )
        .values(state=DeliveryState.SUPPRESSED, reason="no longer subscribed", changed_at=now)
    )
    return connection.execute(statement).rowcount


def claim(connection: Connection, issue: Issue, now: datetime, count: int) -> dict[int, int]:
    """Claim up to `count` readers; gives their ids with the epoch that proves the claim.

    Who has left since the ledger was made is passed over: leaving wins until the last moment.
    """
    due = (
        select(delivery.c.subscriber_id)
        .where(
            delivery.c.issue_id == issue.id,
            delivery.c.state == DeliveryState.PENDING,
            delivery.c.due_at <= now,
            still_wanted(issue.newsletter, delivery.c.subscriber_id),
        )
        .order_by(delivery.c.subscriber_id)
        .limit(count)
    )
    statement = (
        update(delivery)
        .where(
            delivery.c.issue_id == issue.id,
            delivery.c.state == DeliveryState.PENDING,
            delivery.c.subscriber_id.in_(due),
        )
        .values(
            state=DeliveryState.CLAIMED,
            epoch=delivery.c.epoch + 1,
            attempts=delivery.c.attempts + 1,
            lease_until=now + LEASE,
            changed_at=now,
        )
        .returning(delivery.c.subscriber_id, delivery.c.epoch)
    )
    return {row.subscriber_id: row.epoch for row in connection.execute(statement)}


def settle(
    connection: Connection,
    issue: Issue,
    claims: Mapping[int, int],
    state: DeliveryState,
    now: datetime,
    reason: str | None = None,
) -> int:
    """Move claimed rows to their end, as far as the claims still hold; gives how many did."""
    moved = 0
    for subscriber_id, epoch in claims.items():
        statement = (
            update(delivery)
            .where(
                delivery.c.issue_id == issue.id,
                delivery.c.subscriber_id == subscriber_id,
                delivery.c.state == DeliveryState.CLAIMED,
                delivery.c.epoch == epoch,
            )
            .values(state=state, lease_until=None, reason=reason, changed_at=now)
        )
        moved += connection.execute(statement).rowcount
    return moved


def counts(connection: Connection, issues: Sequence[int]) -> dict[int, Counter[str]]:
    """Count deliveries by issue and state."""
    query = (
        select(delivery.c.issue_id, delivery.c.state, func.count())
        .where(delivery.c.issue_id.in_(issues))
        .group_by(delivery.c.issue_id, delivery.c.state)
    )
    found: dict[int, Counter[str]] = {number: Counter() for number in issues}
    for number, state, count in connection.execute(query):
        found[number][state] = count
    return found


def waiting(count: Mapping[str, Any]) -> int:
    """Count the deliveries that are not at their end."""
    return sum(count.get(state, 0) for state in OPEN)
