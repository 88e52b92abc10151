"""The history of each subscriber's consent: append events, and read them.

An event is written in the transaction of the change itself. A new subscriber has no event: a row's
`created_at` and the source of its subscriptions say where it comes from, and a million events more
would slow a large import down. The transaction belongs to the caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, insert, select

from subscribers.model import (
    ConsentSource,
    Subscriber,
    SubscriberEvent,
    SubscriberHistory,
    SubscriberStatus,
    SubscriptionRecord,
)
from subscribers.tables import subscriber, subscriber_event, subscription

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

_APPENDED = insert(subscriber_event)
_EVENTS = (
    select(subscriber_event)
    .where(subscriber_event.c.subscriber_id == bindparam("number"))
    .order_by(subscriber_event.c.id)
)
_LAST_EVENT = select(func.max(subscriber_event.c.id)).where(
    subscriber_event.c.subscriber_id == bindparam("number")
)


def events_between(
    before: Subscriber, after: Subscriber, at: datetime, source: ConsentSource, note: str = ""
) -> Iterator[SubscriberEvent]:
    """Yield the events between two values of a subscriber, first that of the subscriber's status."""
    if before.status is not after.status:
        yield SubscriberEvent(at, None, before.status, after.status, source, note)
    old, new = before.subscriptions, after.subscriptions
    for name in sorted(old.keys() | new.keys()):
        was, becomes = old.get(name), new.get(name)
        if was is not becomes:
            yield SubscriberEvent(at, name, was, becomes, source, note)


def append_events(
    connection: Connection, events: Sequence[tuple[int, SubscriberEvent]]
) -> None:
    """Store events, each with the id of its subscriber, in this order."""
    values = [
        {
            "subscriber_id": number,
            "at": event.at,
            "newsletter": event.newsletter,
            "before": event.before,
            "after": event.after,
            "source": event.source,
            "note": event.note,
        }
        for number, event in events
    ]
    if values:
        connection.execute(_APPENDED, values)


def load_events(connection: Connection, subscriber_id: int) -> list[SubscriberEvent]:
    """Return all changes of a subscriber's consent, in the order in which they happened."""
    return [event for _id, event in load_numbered_events(connection, subscriber_id)]


def load_numbered_events(
    connection: Connection, subscriber_id: int
) -> list[tuple[int, SubscriberEvent]]:
    """Return the same, each with its id."""
    rows = connection.execute(_EVENTS, {"number": subscriber_id})
    return [(row.id, _event(row)) for row in rows]


def load_events_after(
    connection: Connection, event_id: int, limit: int
) -> list[tuple[int, int, SubscriberEvent]]:
    """Return the changes of all subscribers after one of them: its id, the subscriber's, the change."""
    query = select(subscriber_event).where(subscriber_event.c.id > event_id)
    rows = connection.execute(query.order_by(subscriber_event.c.id).limit(limit))
    return [(row.id, row.subscriber_id, _event(row)) for row in rows]


def load_leavings_since(
    connection: Connection, since: datetime
) -> list[tuple[int, SubscriberEvent]]:
    """Return what ended by a wish since an instant, each with the id of its subscriber."""
    query = select(subscriber_event).where(
        subscriber_event.c.at >= since,
        subscriber_event.c.after == SubscriberStatus.UNSUBSCRIBED,
    )
    rows = connection.execute(query.order_by(subscriber_event.c.id))
    return [(row.subscriber_id, _event(row)) for row in rows]


def last_event_id(connection: Connection, subscriber_id: int) -> int:
    """Return the id of a subscriber's newest change of consent, 0 if there is none."""
    return connection.execute(_LAST_EVENT, {"number": subscriber_id}).scalar_one() or 0


def load_history(connection: Connection, subscriber_id: int) -> SubscriberHistory:
    """Return when a subscriber on record was stored, the subscriptions now and all changes."""
    created_at = connection.execute(
        select(subscriber.c.created_at).where(subscriber.c.id == subscriber_id)
    ).scalar_one()
    rows = connection.execute(
        select(*subscription.c["newsletter", "status", "source", "consented_at"])
        .where(subscription.c.subscriber_id == subscriber_id)
        .order_by(subscription.c.newsletter)
    )
    records = tuple(
        SubscriptionRecord(
            row.newsletter,
            SubscriberStatus(row.status),
            ConsentSource(row.source),
            row.consented_at,
        )
        for row in rows
    )
    return SubscriberHistory(created_at, records, tuple(load_events(connection, subscriber_id)))


def _event(row: Any) -> SubscriberEvent:
    return SubscriberEvent(
        row.at,
        row.newsletter,
        _status(row.before),
        _status(row.after),
        ConsentSource(row.source),
        row.note,
    )


def _status(value: str | None) -> SubscriberStatus | None:
    return None if value is None else SubscriberStatus(value)
