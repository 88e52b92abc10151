"""Webhooks in the database: add, read, replace the secret, disable, remove.

The transaction belongs to the caller.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from publisher.errors import UsageError, WebhookError
from publisher.messages import message
from publisher.sealing import seal, unseal
from publisher.webhooks.events import EventType
from publisher.webhooks.signing import new_webhook_secret
from publisher.webhooks.tables import webhook_delivery_table, webhook_table
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
