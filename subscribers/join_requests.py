"""Requests to join, as rows: add, find, count and cancel them.

`subscribers.joining` decides what they do. The transaction belongs to the caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, insert, select, update

from subscribers.model import JoinWish, SubscriberStatus
from subscribers.tables import join_request, subscriber

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Connection, Row

CONFIRMATION_LIFETIME: Final = timedelta(hours=72)
"""How long the link and the code of a request are valid."""

CODE_ATTEMPTS: Final = 5
"""How many codes may be tried for one request. A code has 6 digits."""


class RequestState(StrEnum):
    """What can be done with a request: only an open one can be confirmed."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRequest:
    """Somebody asked for newsletters; see `tables.join_request`."""

    id: int
    subscriber_id: int
    wish: JoinWish
    requested_at: datetime
    expires_at: datetime
    code_digest: str
    code_attempts: int = 0
    reminded_at: datetime | None = None
    confirmed_at: datetime | None = None
    cancelled_at: datetime | None = None

    def state(self, now: datetime) -> RequestState:
        """Return what can be done with it at an instant."""
        if self.confirmed_at:
            return RequestState.CONFIRMED
        if self.cancelled_at:
            return RequestState.CANCELLED
        return RequestState.OPEN if now < self.expires_at else RequestState.EXPIRED


def insert_request(
    connection: Connection, subscriber_id: int, wish: JoinWish, code_digest: str, now: datetime
) -> int:
    """Store a request of a subscriber on record. Return its id."""
    done = connection.execute(
        insert(join_request).values(
            subscriber_id=subscriber_id,
            newsletters=list(wish.newsletters),
            language=wish.language,
            requested_at=now,
            expires_at=now + CONFIRMATION_LIFETIME,
            code_digest=code_digest,
        )
    )
    (number,) = done.inserted_primary_key or (0,)
    return int(number)


_OF_SUBSCRIBER = (
    select(join_request)
    .where(join_request.c.subscriber_id == bindparam("number"))
    .order_by(join_request.c.id)
)


def find_request(connection: Connection, number: int) -> JoinRequest | None:
    """Return the request with this id, or None."""
    return next(_read(connection, join_request.c.id == number), None)


def list_requests(connection: Connection, subscriber_id: int) -> list[JoinRequest]:
    """Return all requests of a subscriber, the oldest first."""
    return [*map(_request, connection.execute(_OF_SUBSCRIBER, {"number": subscriber_id}))]


def requests_to_remind(
    connection: Connection, after: timedelta, now: datetime
) -> list[JoinRequest]:
    """Return the open requests that are older than `after`, the latest of each subscriber.

    Those of subscribers who were reminded already are left out, and those whose mail came back.
    """
    reachable = select(subscriber.c.id).where(
        subscriber.c.id == join_request.c.subscriber_id,
        subscriber.c.status.not_in([SubscriberStatus.BOUNCED, SubscriberStatus.COMPLAINED]),
    )
    other = join_request.alias()
    again = select(other.c.id).where(
        other.c.subscriber_id == join_request.c.subscriber_id,
        (other.c.id > join_request.c.id) | other.c.reminded_at.is_not(None),
    )
    open_now = (
        join_request.c.confirmed_at.is_(None)
        & join_request.c.cancelled_at.is_(None)
        & (join_request.c.expires_at > now)
        & (join_request.c.requested_at <= now - after)
        # For the index.
        & (join_request.c.requested_at > now - CONFIRMATION_LIFETIME)
    )
    return list(_read(connection, open_now & ~again.exists() & reachable.exists()))


def set_on_request(connection: Connection, number: int, **values: Any) -> None:
    """Change columns of one request."""
    connection.execute(update(join_request).where(join_request.c.id == number).values(**values))


def cancel_requests(
    connection: Connection, subscriber_id: int, newsletter: str | None, now: datetime
) -> None:
    """End the open requests of a subscriber that ask for a newsletter, or all of them (None)."""
    for one in list_requests(connection, subscriber_id):
        asked = newsletter is None or newsletter in one.wish.newsletters
        if asked and one.state(now) is RequestState.OPEN:
            set_on_request(connection, one.id, cancelled_at=now, code_digest="")


def _read(connection: Connection, chosen: ColumnElement[bool]) -> Iterator[JoinRequest]:
    rows = connection.execute(select(join_request).where(chosen).order_by(join_request.c.id))
    return map(_request, rows)


def _request(row: Row[Any]) -> JoinRequest:
    values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
    wish = JoinWish(tuple(values.pop("newsletters")), values.pop("language"))
    return JoinRequest(wish=wish, **values)
