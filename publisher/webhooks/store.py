"""Webhooks in the database, and the deliveries of events to them.

Webhooks are added, read, disabled and removed, and their secrets replaced. Events are queued, read
when they are due, and what was answered is stored. The transaction belongs to the caller: an event
is queued in that of the fact that it is about.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

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
from publisher.errors import UsageError, WebhookError
from publisher.i18n.messages import message
from publisher.secrets import seal, unseal
from publisher.webhooks.events import (
    SUBSCRIBER_EVENTS,
    EventData,
    EventType,
    event_body,
    new_webhook_secret,
    subscriber_event_type,
)
from publisher.webhooks.tables import webhook_delivery_table, webhook_table
from publisher.webhooks.tables import webhook_delivery_table as table
from subscribers import SubscriberEvent
from subscribers.consent_records import load_events_after
from subscribers.tables import subscriber_event

# How long the secret before a new one signs as well.
ROTATION_PERIOD = timedelta(hours=24)
_PURPOSE = "webhooks"
_LAST_EVENT = select(func.coalesce(func.max(subscriber_event.c.id), 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A webhook. `events` is empty for all; `failures` is how many were given up in a row."""

    id: int
    url: str
    events: tuple[str, ...]
    created_at: datetime
    disabled_at: datetime | None
    disabled_reason: str | None
    failures: int
    last_subscriber_event: int
    sealed_secret: str = field(repr=False)
    former_sealed_secret: str | None = field(repr=False)
    former_secret_until: datetime | None

    def wants(self, kind: str) -> bool:
        """Return whether it gets events of a type."""
        return not self.events or kind in self.events


def insert_webhook(
    connection: Connection, secret: str, url: str, events: Collection[EventType], now: datetime
) -> tuple[int, str]:
    """Add a webhook. Return its id, and the secret that signs, which nobody can read again."""
    signing_secret = new_webhook_secret()
    done = connection.execute(
        insert(webhook_table).values(
            url=url,
            sealed_secret=seal(secret, _PURPOSE, signing_secret),
            events=sorted(events),
            created_at=now,
            failures=0,
            last_subscriber_event=_LAST_EVENT.scalar_subquery(),
        )
    )
    assert done.inserted_primary_key is not None  # noqa: S101  # every database returns it
    return int(done.inserted_primary_key[0]), signing_secret


def load_webhooks(connection: Connection, *, enabled_only: bool = False) -> list[Webhook]:
    """Return the webhooks by id."""
    query = select(webhook_table).order_by(webhook_table.c.id)
    if enabled_only:
        query = query.where(webhook_table.c.disabled_at.is_(None))
    return [_webhook(row) for row in connection.execute(query)]


def find_webhook(connection: Connection, webhook_id: int) -> Webhook | None:
    """Return a webhook, or None if there is none of this id."""
    query = select(webhook_table).where(webhook_table.c.id == webhook_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else _webhook(row)


def webhook_by_id(connection: Connection, webhook_id: int) -> Webhook:
    """Return a webhook; raise UsageError if there is none of this id."""
    found = find_webhook(connection, webhook_id)
    if found is None:
        raise UsageError(
            message(
                "%(number)s: no such webhook; `publisher webhooks list` shows them",
                number=str(webhook_id),
            )
        )
    return found


def rotate_secret(connection: Connection, secret: str, one: Webhook, now: datetime) -> str:
    """Replace the secret of a webhook and return the new one. For a day both sign.

    Raise WebhookError in this day: receivers that still have the former one would refuse what is sent.
    """
    if len(signing_secrets(one, secret, now)) > 1:
        raise WebhookError(
            message(
                "webhook %(number)s: the secret before this one signs until %(until)s, so that receivers have a day to take the new one; to end both now, remove the webhook and add it again",
                number=one.id,
                until=one.former_secret_until,
            )
        )
    signing_secret = new_webhook_secret()
    _change(
        connection,
        one.id,
        sealed_secret=seal(secret, _PURPOSE, signing_secret),
        former_sealed_secret=one.sealed_secret,
        former_secret_until=now + ROTATION_PERIOD,
    )
    return signing_secret


def signing_secrets(one: Webhook, secret: str, now: datetime) -> list[str]:
    """Return the secrets that sign now, the newest first; none if the publication's is another one."""
    sealed = [one.sealed_secret]
    if one.former_sealed_secret and one.former_secret_until and now < one.former_secret_until:
        sealed.append(one.former_sealed_secret)
    opened = (unseal(secret, _PURPOSE, each) for each in sealed)
    return [each for each in opened if each is not None]


def close_webhook(connection: Connection, webhook_id: int, reason: str, now: datetime) -> None:
    """Send nothing more to a webhook; what waits for it fails."""
    _change(connection, webhook_id, disabled_at=now, disabled_reason=reason)
    waiting = update(webhook_delivery_table).where(
        webhook_delivery_table.c.webhook_id == webhook_id,
        webhook_delivery_table.c.state == "pending",
    )
    failed = {"state": "failed", "finished_at": now}
    connection.execute(
        waiting.values(**failed, last_answer=f"the webhook is disabled: {reason}")
    )


def reopen_webhook(connection: Connection, webhook_id: int, now: datetime) -> int:
    """Send to a webhook again, first what failed. Return how many deliveries that are.

    Events of the time between were not queued.
    """
    _change(
        connection,
        webhook_id,
        disabled_at=None,
        disabled_reason=None,
        failures=0,
        last_subscriber_event=_LAST_EVENT.scalar_subquery(),
    )
    failed = update(webhook_delivery_table).where(
        webhook_delivery_table.c.webhook_id == webhook_id,
        webhook_delivery_table.c.state == "failed",
    )
    again = {"state": "pending", "attempts": 0, "due_at": now, "finished_at": None}
    return connection.execute(failed.values(again)).rowcount


def delete_webhook(connection: Connection, webhook_id: int) -> None:
    """Delete a webhook with what waits for it."""
    connection.execute(delete(webhook_table).where(webhook_table.c.id == webhook_id))


def count_failure(connection: Connection, webhook_id: int, *, is_failure: bool) -> int:
    """Count a delivery that was given up, or begin anew. Return how many there were in a row."""
    counted = webhook_table.c.failures + 1 if is_failure else 0
    here = webhook_table.c.id == webhook_id
    new = update(webhook_table).where(here).values(failures=counted)
    return int(connection.execute(new.returning(webhook_table.c.failures)).scalar_one())


def _change(connection: Connection, webhook_id: int, **values: Any) -> None:
    here = webhook_table.c.id == webhook_id
    connection.execute(update(webhook_table).where(here).values(values))


def _webhook(row: Any) -> Webhook:
    values = {name: getattr(row, name) for name in Webhook.__dataclass_fields__}
    return Webhook(**values | {"events": tuple(row.events)})


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
