"""The deliveries of events in the database: queue them, read what is due, store what was answered.

The transaction belongs to the caller: an event is queued in that of the fact that it is about.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    Connection,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    select,
    update,
)

from publisher.database.metadata import UTCDateTime
from publisher.webhooks.events import (
    SUBSCRIBER_EVENTS,
    EventData,
    EventType,
    event_body,
    subscriber_event_type,
)
from publisher.webhooks.store import Webhook, load_webhooks
from publisher.webhooks.tables import webhook_delivery_table as table
from publisher.webhooks.tables import webhook_table
from subscribers.history import load_events_after
from subscribers.tables import subscriber_event

if TYPE_CHECKING:
    from subscribers import SubscriberEvent

# How long what was delivered, or failed, can be looked up.
KEPT_FOR = timedelta(days=30)
# A literal, not a parameter: only then is the partial index used.
_PENDING = table.c.state == literal_column("'pending'")
# Changes of consent in one transaction.
_PORTION = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery:
    """An event and a webhook that gets it. Times are None until the service has seen it."""

    id: int
    webhook_id: int
    event_id: str
    type: str
    data: EventData
    occurred_at: datetime | None
    due_at: datetime | None
    attempts: int
    state: str
    last_answer: str | None
    finished_at: datetime | None

    def body(self) -> bytes:
        """Return what is sent."""
        assert self.occurred_at is not None  # noqa: S101  # only rows that are due are sent
        return event_body(self.type, self.occurred_at, self.data)


class Event(NamedTuple):
    """Something that happened; `at` is None if the caller has no clock: then it is soon set to now."""

    type: EventType
    data: EventData
    at: datetime | None = None


def queue_events(connection: Connection, *events: Event) -> None:
    """Queue events for the webhooks that want them."""
    if events:
        _insert(connection, load_webhooks(connection, enabled_only=True), events)


def new_event_id() -> str:
    """Return an id by which receivers recognise an event that they have already."""
    return f"evt_{secrets.token_urlsafe(18)}"


def has_new_events(connection: Connection) -> bool:
    """Return whether `take_new_events` has something to do."""
    is_enabled = webhook_table.c.disabled_at.is_(None)
    is_new = subscriber_event.c.id > webhook_table.c.last_subscriber_event
    changed = exists().where(is_enabled, is_new)
    unseen = exists().where(_PENDING, table.c.due_at.is_(None))
    return bool(connection.execute(select(changed | unseen)).scalar_one())


def take_new_events(connection: Connection, now: datetime) -> None:
    """Queue what changes of consent since the last time make, and let what was queued be due.

    The history of consent is written in the transaction of each change, by many writers. So nothing of
    it is lost, and none of them need know of webhooks.
    """
    for one in load_webhooks(connection, enabled_only=True):
        _take_subscriber_events(connection, one)
    unseen = update(table).where(_PENDING, table.c.due_at.is_(None))
    occurred_at = func.coalesce(table.c.occurred_at, literal(now, UTCDateTime))
    connection.execute(unseen.values(occurred_at=occurred_at, due_at=now))


def _take_subscriber_events(connection: Connection, one: Webhook) -> None:
    found = load_events_after(connection, one.last_subscriber_event, _PORTION)
    if not found:
        return
    events = [_subscriber_event(*row) for row in found] if _wants_subscribers(one) else []
    _insert(connection, [one], [event for event in events if event is not None])
    here = webhook_table.c.id == one.id
    last = found[-1][0]
    connection.execute(update(webhook_table).where(here).values(last_subscriber_event=last))


def _wants_subscribers(one: Webhook) -> bool:
    return any(map(one.wants, SUBSCRIBER_EVENTS))


def _subscriber_event(_id: int, subscriber_id: int, change: SubscriberEvent) -> Event | None:
    kind = subscriber_event_type(change)
    if kind is None:
        return None
    by = change.source.value
    data: EventData = {"subscriber": subscriber_id, "newsletter": change.newsletter, "by": by}
    return Event(kind, data, change.at)


def _insert(
    connection: Connection, webhooks: Sequence[Webhook], events: Sequence[Event]
) -> None:
    rows = [
        {
            "webhook_id": one.id,
            "event_id": event_id,
            "type": event.type,
            "data": dict(event.data),
            "occurred_at": event.at,
        }
        for event, event_id in ((event, new_event_id()) for event in events)
        for one in webhooks
        if one.wants(event.type)
    ]
    if rows:
        connection.execute(insert(table).values(attempts=0, state="pending"), rows)


def due_deliveries(
    connection: Connection, webhook_id: int, now: datetime, limit: int
) -> list[WebhookDelivery]:
    """Return what is due for a webhook, what has waited longest first."""
    query = select(table).where(
        _PENDING, table.c.webhook_id == webhook_id, table.c.due_at <= now
    )
    rows = connection.execute(query.order_by(table.c.due_at, table.c.id).limit(limit))
    return [_delivery(row) for row in rows]


def update_delivery(connection: Connection, one: WebhookDelivery, **values: Any) -> bool:
    """Update a delivery if nobody has since it was read; return whether it was."""
    here = (table.c.id == one.id) & _PENDING & (table.c.attempts == one.attempts)
    return connection.execute(update(table).where(here).values(values)).rowcount == 1


def count_by_state(connection: Connection, webhook_id: int) -> dict[str, int]:
    """Return the number of deliveries to a webhook by state, as far as they are kept."""
    query = select(table.c.state, func.count()).where(table.c.webhook_id == webhook_id)
    rows = connection.execute(query.group_by(table.c.state))
    return {"pending": 0, "delivered": 0, "failed": 0} | {state: count for state, count in rows}  # noqa: C416  # a Row is no pair


def load_deliveries(
    connection: Connection, webhook_id: int, state: str | None, limit: int
) -> list[WebhookDelivery]:
    """Return the deliveries to a webhook, the latest first; in one state or in any."""
    query = select(table).where(table.c.webhook_id == webhook_id)
    if state is not None:
        query = query.where(table.c.state == state)
    rows = connection.execute(query.order_by(table.c.id.desc()).limit(limit))
    return [_delivery(row) for row in rows]


def forget_old_deliveries(connection: Connection, now: datetime) -> int:
    """Delete what was delivered or failed a month ago. Return how many."""
    old = table.c.finished_at < now - KEPT_FOR
    return connection.execute(delete(table).where(old)).rowcount


def has_old_deliveries(connection: Connection, now: datetime) -> bool:
    """Return whether there are any."""
    old = exists().where(table.c.finished_at < now - KEPT_FOR)
    return bool(connection.execute(select(old)).scalar_one())


def _delivery(row: Any) -> WebhookDelivery:
    return WebhookDelivery(
        **{name: getattr(row, name) for name in WebhookDelivery.__dataclass_fields__}
    )
