"""What was answered to requests of the API that had an Idempotency-Key, for a day.

A key of the API and the client's own key name a request. The row is inserted before the request is carried
out, marked in the transaction of its change, and gets the answer at the end. So a request that is
repeated is never carried out twice, also after a kill.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from publisher.accounts.tables import api_answer_table as table

KEPT_ANSWERS = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class RequestKey:
    """Names a request: the id of the API key, and the client's Idempotency-Key."""

    api_key_id: int
    client_key: str


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """A request on record. `status` is None until it is answered; `changed_at` when it changed something."""

    request_hash: str
    begun_at: datetime
    changed_at: datetime | None
    status: int | None
    body: str | None
    etag: str | None


def load_answer(connection: Connection, key: RequestKey) -> StoredAnswer | None:
    """Return what is on record of a request."""
    columns = [table.c[name] for name in StoredAnswer.__dataclass_fields__]
    row = connection.execute(select(*columns).where(_is(key))).one_or_none()
    return None if row is None else StoredAnswer(*row)


def insert_api_request(
    connection: Connection, key: RequestKey, request_hash: str, now: datetime
) -> None:
    """Record that a request is carried out from now on; an earlier row of the key is replaced."""
    forget_api_request(connection, key)
    connection.execute(
        insert(table).values(
            api_key_id=key.api_key_id,
            client_key=key.client_key,
            request_hash=request_hash,
            begun_at=now,
        )
    )


def mark_changed(connection: Connection, key: RequestKey, now: datetime) -> None:
    """Record, in the transaction of a change, that a request has made it."""
    connection.execute(update(table).where(_is(key)).values(changed_at=now))


def store_answer(
    connection: Connection, key: RequestKey, status: int, body: str, etag: str | None
) -> None:
    """Record what was answered."""
    values = {"status": status, "body": body, "etag": etag}
    connection.execute(update(table).where(_is(key)).values(values))


def forget_api_request(connection: Connection, key: RequestKey) -> None:
    """Delete what is on record of a request, so that it may be carried out anew."""
    connection.execute(delete(table).where(_is(key)))


def forget_old_answers(connection: Connection, now: datetime) -> None:
    """Delete what is older than a day."""
    connection.execute(delete(table).where(table.c.begun_at < now - KEPT_ANSWERS))


def _is(key: RequestKey) -> ColumnElement[bool]:
    return (table.c.api_key_id == key.api_key_id) & (table.c.client_key == key.client_key)
