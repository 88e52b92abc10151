"""Store bounce events and read them. The transaction belongs to the caller."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Insert, bindparam, delete, func, or_, select

from publisher.bounces.model import BounceEvent, BounceKind, Evidence
from publisher.bounces.scoring import Acceptance
from publisher.bounces.tables import bounce_event
from publisher.database.dialect.sql import upsert
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues.tables import issue_table

# Events without a subscriber are kept so long, for the owner to look at.
UNKNOWN_KEPT: Final = timedelta(days=30)
# Events of a subscriber that are read, the latest.
_MAX_EVENTS = 200
_FIELDS = tuple(one.name for one in fields(BounceEvent))
_EVENTS = (
    select(*(one for one in bounce_event.c if one.name != "id"))
    .where(bounce_event.c.subscriber_id == bindparam("subscriber"))
    .order_by(bounce_event.c.id.desc())
    .limit(_MAX_EVENTS)
)


# What stores an event, by the name of the dialect. To make it takes as long as to run it.
_insertions: dict[str, Insert] = {}


def add_event(connection: Connection, event: BounceEvent) -> bool:
    """Store an event. Return whether it is new."""
    dialect = connection.dialect.name
    if dialect not in _insertions:
        insertion = upsert(connection, bounce_event)
        _insertions[dialect] = insertion.on_conflict_do_nothing(
            index_elements=["source", "source_id"]
        )
    values = {name: getattr(event, name) for name in _FIELDS}
    return connection.execute(_insertions[dialect], values).rowcount > 0


def events_of(connection: Connection, subscriber_id: int) -> list[BounceEvent]:
    """Return a subscriber's latest events, the oldest first."""
    rows = connection.execute(_EVENTS, {"subscriber": subscriber_id}).mappings()
    return [
        BounceEvent(
            **dict(row)
            | {
                "kind": BounceKind(row["kind"]),
                "evidence": Evidence(row["evidence"]) if row["evidence"] else None,
            }
        )
        for row in reversed(rows.all())
    ]


def accepted_since(
    connection: Connection, subscriber_id: int, since: datetime
) -> list[Acceptance]:
    """Return a subscriber's messages that were accepted since, of issues that were due since."""
    rows = connection.execute(
        select(delivery.c.issue_id, delivery.c.changed_at)
        .join(issue_table, issue_table.c.id == delivery.c.issue_id)
        .where(
            issue_table.c.due_at >= since,
            delivery.c.subscriber_id == subscriber_id,
            delivery.c.state == DeliveryState.SENT,
        )
    )
    return [Acceptance(*row) for row in rows]


def count_events(connection: Connection, since: datetime) -> dict[str, int]:
    """Return the number of events by kind."""
    rows = connection.execute(
        select(bounce_event.c.kind, func.count())
        .where(bounce_event.c.received_at >= since)
        .group_by(bounce_event.c.kind)
    )
    return dict(sorted(rows.all()))


def count_events_of_issue(connection: Connection, issue_id: int) -> dict[str, int]:
    """Return how many subscribers' mails of an issue were reported about, by kind of report."""
    rows = connection.execute(
        select(bounce_event.c.kind, func.count(bounce_event.c.subscriber_id.distinct()))
        .where(bounce_event.c.issue_id == issue_id, bounce_event.c.subscriber_id.is_not(None))
        .group_by(bounce_event.c.kind)
    )
    return dict(sorted(rows.all()))


def count_unattributed(connection: Connection, since: datetime) -> int:
    """Return the number of events whose subscriber was not found."""
    return connection.execute(
        select(func.count()).where(
            bounce_event.c.received_at >= since, bounce_event.c.subscriber_id.is_(None)
        )
    ).scalar_one()


def delete_old_unknown(connection: Connection, now: datetime) -> int:
    """Delete events that say nothing, or of nobody, after their time. Return how many."""
    statement = delete(bounce_event).where(
        bounce_event.c.received_at < now - UNKNOWN_KEPT,
        or_(
            bounce_event.c.subscriber_id.is_(None),
            bounce_event.c.kind == BounceKind.UNKNOWN.value,
        ),
    )
    return connection.execute(statement).rowcount


def blocked_share(connection: Connection, issue_id: int, since: datetime) -> tuple[int, int]:
    """Return how many messages of an issue were refused because of us, and how many were answered."""
    of_issue = (bounce_event.c.issue_id == issue_id, bounce_event.c.received_at >= since)
    blocked = connection.execute(
        select(func.count(bounce_event.c.subscriber_id.distinct())).where(
            *of_issue, bounce_event.c.kind == BounceKind.BLOCKED.value
        )
    ).scalar_one()
    states = (DeliveryState.SENT, DeliveryState.BOUNCED, DeliveryState.FAILED)
    answered = connection.execute(
        select(func.count()).where(
            delivery.c.issue_id == issue_id,
            delivery.c.state.in_(states),
            delivery.c.changed_at >= since,
        )
    ).scalar_one()
    return blocked, answered
