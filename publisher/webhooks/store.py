"""Webhooks in the database, and the deliveries of events to them, in the retry queue.

An event is queued in the caller's transaction, which is that of the fact that it is about.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from publisher.database import retry_queue
from publisher.database.dialect.sql import IDS_NEVER_REUSED
from publisher.database.metadata import UTCDateTime, metadata
from publisher.database.retry_queue import QueueItem, QueuePolicy, Settlement, queue_item
from publisher.errors import UsageError, WebhookError
from publisher.i18n.messages import message
from publisher.secrets import seal, unseal
from publisher.webhooks.events import (
    SUBSCRIBER_EVENTS,
    EventData,
    EventType,
    new_webhook_secret,
    subscriber_event_type,
)
from subscribers.consent_records import load_events_after
from subscribers.model import SubscriberEvent
from subscribers.tables import subscriber_event

webhook_table = sa.Table(
    "webhook",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    # May have a secret of the receiver's: it is shown to those who manage webhooks, and not logged.
    sa.Column("url", sa.Text, nullable=False),
    # The secret that signs, sealed with the publication's secret; and the one before it, until when.
    sa.Column("sealed_secret", sa.Text, nullable=False),
    sa.Column("former_sealed_secret", sa.Text),
    sa.Column("former_secret_until", UTCDateTime),
    sa.Column("events", sa.JSON, nullable=False),  # a list of types of events; empty for all
    sa.Column("created_at", UTCDateTime, nullable=False),
    sa.Column("disabled_at", UTCDateTime),
    sa.Column("disabled_reason", sa.Text),
    # Deliveries that were given up since the last one that was accepted.
    sa.Column("failures", sa.Integer, nullable=False),
    # The last change of consent (`subscriber_event`) of which events were made.
    sa.Column("last_subscriber_event", sa.Integer, nullable=False),
    info=IDS_NEVER_REUSED,
)

# How long the secret before a new one signs as well.
ROTATION_PERIOD = timedelta(hours=24)
_PURPOSE = "webhooks"
_LAST_EVENT = sa.select(sa.func.coalesce(sa.func.max(subscriber_event.c.id), 0))


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
        return not self.events or kind in self.events


def insert_webhook(
    connection: sa.Connection,
    secret: str,
    url: str,
    events: Collection[EventType],
    now: datetime,
) -> tuple[int, str]:
    signing_secret = new_webhook_secret()
    row = sa.insert(webhook_table).values(
        url=url,
        sealed_secret=seal(secret, _PURPOSE, signing_secret),
        events=sorted(events),
        created_at=now,
        failures=0,
        last_subscriber_event=_LAST_EVENT.scalar_subquery(),
    )
    number = connection.execute(row.returning(webhook_table.c.id)).scalar_one()
    return int(number), signing_secret


def load_webhooks(connection: sa.Connection, *, enabled_only: bool = False) -> list[Webhook]:
    query = sa.select(webhook_table).order_by(webhook_table.c.id)
    if enabled_only:
        query = query.where(webhook_table.c.disabled_at.is_(None))
    return [_webhook(row) for row in connection.execute(query).mappings()]


def webhook_by_id(connection: sa.Connection, webhook_id: int) -> Webhook:
    query = sa.select(webhook_table).where(webhook_table.c.id == webhook_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise UsageError(
            message(
                "%(number)s: no such webhook; `publisher api listWebhooks` shows them",
                number=str(webhook_id),
            )
        )
    return _webhook(row)


def rotate_secret(
    connection: sa.Connection, secret: str, webhook: Webhook, now: datetime
) -> str:
    """Replace the secret of a webhook and return the new webhook. For a day both sign.

    Raise WebhookError in this day: receivers that still have the former one would refuse what is sent.
    """
    if len(signing_secrets(webhook, secret, now)) > 1:
        raise WebhookError(
            message(
                "webhook %(number)s: the secret before this one signs until %(until)s, so that receivers have a day to take the new one; to end both now, remove the webhook and add it again",
                number=webhook.id,
                until=webhook.former_secret_until,
            )
        )
    signing_secret = new_webhook_secret()
    _change(
        connection,
        webhook.id,
        sealed_secret=seal(secret, _PURPOSE, signing_secret),
        former_sealed_secret=webhook.sealed_secret,
        former_secret_until=now + ROTATION_PERIOD,
    )
    return signing_secret


def signing_secrets(webhook: Webhook, secret: str, now: datetime) -> list[str]:
    """Return the secrets that sign now, the newest first; none if the publication's is another webhook."""
    sealed = [webhook.sealed_secret]
    if (
        webhook.former_sealed_secret
        and webhook.former_secret_until
        and now < webhook.former_secret_until
    ):
        sealed.append(webhook.former_sealed_secret)
    opened = (unseal(secret, _PURPOSE, each) for each in sealed)
    return [each for each in opened if each is not None]


def close_webhook(
    connection: sa.Connection, webhook_id: int, reason: str, now: datetime
) -> None:
    _change(connection, webhook_id, disabled_at=now, disabled_reason=reason)
    end = Settlement(retry_queue.FAILED, reason=f"the webhook is disabled: {reason}")
    retry_queue.end_items(connection, _of_webhook(webhook_id), end, now)


def reopen_webhook(connection: sa.Connection, webhook_id: int, now: datetime) -> int:
    """Send to a webhook again, first what failed; return how many that are. What happened meanwhile is not sent."""
    _change(
        connection,
        webhook_id,
        disabled_at=None,
        disabled_reason=None,
        failures=0,
        last_subscriber_event=_LAST_EVENT.scalar_subquery(),
    )
    failed = sa.update(queue_item).where(
        _of_webhook(webhook_id), _c.state == retry_queue.FAILED
    )
    again = failed.values(
        state=retry_queue.PENDING,
        attempts=0,
        # Of an event that no sender has seen there is none.
        due_at=sa.func.coalesce(_c.due_at, sa.literal(now, UTCDateTime)),
        next_at=now,
        epoch=_c.epoch + 1,
    )
    return connection.execute(again).rowcount


def delete_webhook(connection: sa.Connection, webhook_id: int) -> None:
    connection.execute(sa.delete(queue_item).where(_of_webhook(webhook_id)))
    connection.execute(sa.delete(webhook_table).where(webhook_table.c.id == webhook_id))


def count_failure(connection: sa.Connection, webhook_id: int, *, is_failure: bool) -> int:
    counted = webhook_table.c.failures + 1 if is_failure else 0
    of_id = webhook_table.c.id == webhook_id
    new = sa.update(webhook_table).where(of_id).values(failures=counted)
    return int(connection.execute(new.returning(webhook_table.c.failures)).scalar_one())


def _change(connection: sa.Connection, webhook_id: int, **values: Any) -> None:
    of_id = webhook_table.c.id == webhook_id
    connection.execute(sa.update(webhook_table).where(of_id).values(values))


def _webhook(row: sa.RowMapping) -> Webhook:
    return Webhook(**dict(row) | {"events": tuple(row["events"])})


# Before the second attempt, the third, and so on: those that Standard Webhooks 1.0 recommends.
RETRY_DELAYS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)
_KIND = "webhook"
WEBHOOK_POLICY = QueuePolicy(
    kinds=(_KIND,),
    delays=RETRY_DELAYS,
    jitter=0.1,
    most_attempts=len(RETRY_DELAYS) + 1,
    lease=timedelta(minutes=1),  # longer than a run, which ends after 35 seconds
    keep=timedelta(days=30),  # how long what was delivered, or failed, can be looked up
)
_c = queue_item.c
_PORTION = 500  # changes of consent in one transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery:
    """An event for a webhook: pending, delivered or failed. Times are None until the service has seen it."""

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


class Event(NamedTuple):
    """Something that happened; `at` is None if the caller has no clock: then it is soon set to now."""

    type: EventType
    data: EventData
    at: datetime | None = None


def queue_events(connection: sa.Connection, *events: Event) -> None:
    if events:
        _enqueue(connection, load_webhooks(connection, enabled_only=True), events)


def new_event_id() -> str:
    return f"evt_{secrets.token_urlsafe(18)}"


def has_new_events(connection: sa.Connection) -> bool:
    is_enabled = webhook_table.c.disabled_at.is_(None)
    is_new = subscriber_event.c.id > webhook_table.c.last_subscriber_event
    return bool(
        connection.execute(sa.select(sa.exists().where(is_enabled, is_new))).scalar_one()
    )


def take_new_events(connection: sa.Connection) -> None:
    """Queue what changes of consent since the last time make.

    The history of consent is written in the transaction of each change, by many writers. So nothing of
    it is lost, and none of them need know of webhooks.
    """
    for webhook in load_webhooks(connection, enabled_only=True):
        changes = load_events_after(connection, webhook.last_subscriber_event, _PORTION)
        if not changes:
            continue
        if any(map(webhook.wants, SUBSCRIBER_EVENTS)):
            events = map(_subscriber_event, changes)
            _enqueue(connection, [webhook], [event for event in events if event is not None])
        _change(connection, webhook.id, last_subscriber_event=changes[-1].id)


def _subscriber_event(change: SubscriberEvent) -> Event | None:
    kind = subscriber_event_type(change)
    if kind is None:
        return None
    by = change.source.value
    number = change.subscriber_id
    data: EventData = {"subscriber": number, "newsletter": change.newsletter, "by": by}
    return Event(kind, data, change.at)


def _enqueue(
    connection: sa.Connection, webhooks: Sequence[Webhook], events: Sequence[Event]
) -> None:
    for event in events:
        # The same for all webhooks that get the event, and at each attempt.
        event_id = new_event_id()
        payload = {"event": event_id, "type": event.type, "data": dict(event.data)}
        for webhook in webhooks:
            if webhook.wants(event.type):
                key, target = f"{webhook.id} {event_id}", str(webhook.id)
                retry_queue.enqueue(
                    connection, _KIND, payload, event.at, key=key, target=target
                )


def _of_webhook(webhook_id: int) -> sa.ColumnElement[bool]:
    return (_c.kind == _KIND) & (_c.target == str(webhook_id))


def count_by_state(connection: sa.Connection, webhook_id: int) -> dict[str, int]:
    counts = retry_queue.count_item_states(connection, WEBHOOK_POLICY, str(webhook_id))
    ended = {state: counts.pop(state, 0) for state in ("delivered", "failed")}
    return {"pending": sum(counts.values())} | ended


def load_deliveries(
    connection: sa.Connection, webhook_id: int, state: str | None, limit: int
) -> list[WebhookDelivery]:
    query = sa.select(queue_item).where(_of_webhook(webhook_id))
    if state is not None:
        is_open = _c.next_at.is_not(None)
        query = query.where(is_open if state == "pending" else _c.state == state)
    items = retry_queue.load_items(connection, query.order_by(_c.id.desc()).limit(limit))
    return [webhook_delivery(item) for item in items]


def webhook_delivery(item: QueueItem) -> WebhookDelivery:
    return WebhookDelivery(
        id=item.id,
        webhook_id=int(item.target),
        event_id=item.payload["event"],
        type=item.payload["type"],
        data=item.payload["data"],
        occurred_at=item.due_at,
        due_at=item.due_at and item.next_at,
        attempts=item.attempts,
        state="pending" if item.is_open else item.state,
        last_answer=item.reason,
        finished_at=None if item.is_open else item.changed_at,
    )
