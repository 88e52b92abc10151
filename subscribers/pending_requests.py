"""Requests that wait for a confirmation from a mailbox: to join, or for access to one's own settings.

A request to join is a row: added, found, counted, cancelled. Access is proved with a link and a
code that were sent to the mailbox; the browser that did it is remembered in a session.
"""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, bindparam, delete, insert, select, update

from subscribers.model import JoinWish, SubscriberStatus
from subscribers.tables import (
    access_request,
    insert_row,
    join_request,
    subscriber,
    subscriber_session,
)

CONFIRMATION_LIFETIME: Final = timedelta(hours=72)
"""How long the link and the code of a request are valid."""

_REMIND_AFTER: Final = timedelta(hours=24)

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
        if self.confirmed_at:
            return RequestState.CONFIRMED
        if self.cancelled_at:
            return RequestState.CANCELLED
        return RequestState.OPEN if now < self.expires_at else RequestState.EXPIRED


def insert_request(
    connection: Connection, subscriber_id: int, wish: JoinWish, code_digest: str, now: datetime
) -> int:
    return insert_row(
        connection,
        join_request,
        subscriber_id=subscriber_id,
        newsletters=list(wish.newsletters),
        language=wish.language,
        requested_at=now,
        expires_at=now + CONFIRMATION_LIFETIME,
        code_digest=code_digest,
    )


_OF_SUBSCRIBER = (
    select(join_request)
    .where(join_request.c.subscriber_id == bindparam("number"))
    .order_by(join_request.c.id)
)


def find_request(connection: Connection, number: int) -> JoinRequest | None:
    return next(_read(connection, join_request.c.id == number), None)


def list_requests(connection: Connection, subscriber_id: int) -> list[JoinRequest]:
    """Return all requests of a subscriber, the oldest first."""
    return [*map(_request, connection.execute(_OF_SUBSCRIBER, {"number": subscriber_id}))]


def requests_due_for_reminder(connection: Connection, now: datetime) -> list[JoinRequest]:
    """Return the open requests of a day ago or more, the latest of each subscriber.

    Those of subscribers who were reminded already are left out, and those whose mail came back. The others
    count as reminded from now on.
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
        & (join_request.c.requested_at <= now - _REMIND_AFTER)
        # For the index.
        & (join_request.c.requested_at > now - CONFIRMATION_LIFETIME)
    )
    due = list(_read(connection, open_now & ~again.exists() & reachable.exists()))
    for request in due:
        set_on_request(connection, request.id, reminded_at=now)
    return due


def set_on_request(connection: Connection, number: int, **values: Any) -> None:
    connection.execute(update(join_request).where(join_request.c.id == number).values(**values))


def cancel_requests(
    connection: Connection, subscriber_id: int, newsletter: str | None, now: datetime
) -> None:
    """End the open requests of a subscriber that ask for a newsletter, or all of them (None)."""
    for request in list_requests(connection, subscriber_id):
        asked = newsletter is None or newsletter in request.wish.newsletters
        if asked and request.state(now) is RequestState.OPEN:
            set_on_request(connection, request.id, cancelled_at=now, code_digest="")


def _read(connection: Connection, chosen: ColumnElement[bool]) -> Iterator[JoinRequest]:
    rows = connection.execute(select(join_request).where(chosen).order_by(join_request.c.id))
    return map(_request, rows)


def _request(row: Row[Any]) -> JoinRequest:
    values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
    wish = JoinWish(tuple(values.pop("newsletters")), values.pop("language"))
    return JoinRequest(wish=wish, **values)


REQUEST_LIFETIME = timedelta(minutes=30)
SESSION_LIFETIME = timedelta(minutes=30)
_MAX_WRONG_CODES = 5  # five of a million codes for each request


def request_access(
    connection: Connection, subscriber_id: int, code_digest: str, now: datetime
) -> int:
    """Store a request of a subscriber on record, in place of earlier ones. Return its id."""
    own = access_request.c.subscriber_id == subscriber_id
    connection.execute(delete(access_request).where(own))
    values = {"code_digest": code_digest, "expires_at": now + REQUEST_LIFETIME}
    return insert_row(connection, access_request, subscriber_id=subscriber_id, **values)


def is_access_open(
    connection: Connection, number: int, subscriber_id: int, now: datetime
) -> bool:
    usable = select(access_request.c.id).where(
        access_request.c.id == number,
        access_request.c.subscriber_id == subscriber_id,
        access_request.c.used_at.is_(None),
        access_request.c.expires_at > now,
    )
    return connection.execute(usable).first() is not None


def use_access_link(
    connection: Connection, number: int, subscriber_id: int, now: datetime
) -> bool:
    """Use a request by its link. Return whether it could be used; of several at a time, one can."""
    is_open = is_access_open(connection, number, subscriber_id, now)
    return is_open and _use(connection, number, now)


def use_access_code(
    connection: Connection, subscriber_id: int, code_digest: str, now: datetime
) -> bool:
    """Use a subscriber's open request by its code. Return whether the code is right; wrong ones count."""
    row = connection.execute(
        select(access_request).where(
            access_request.c.subscriber_id == subscriber_id,
            access_request.c.used_at.is_(None),
            access_request.c.expires_at > now,
            access_request.c.attempts < _MAX_WRONG_CODES,
        )
    ).one_or_none()
    if row is None:
        return False
    if hmac.compare_digest(row.code_digest, code_digest):
        return _use(connection, row.id, now)
    connection.execute(
        update(access_request)
        .where(access_request.c.id == row.id)
        .values(attempts=access_request.c.attempts + 1)
    )
    return False


def start_session(
    connection: Connection, subscriber_id: int, digest: str, now: datetime
) -> None:
    """Store a session by the hash of its cookie. Sessions and requests that are over are deleted."""
    for table in (subscriber_session, access_request):
        connection.execute(delete(table).where(table.c.expires_at <= now))
    connection.execute(
        insert(subscriber_session).values(
            digest=digest, subscriber_id=subscriber_id, expires_at=now + SESSION_LIFETIME
        )
    )


def session_subscriber_id(connection: Connection, digest: str, now: datetime) -> int | None:
    """Return whose session it is, or None if there is none or it is over."""
    owner = select(subscriber_session.c.subscriber_id).where(
        subscriber_session.c.digest == digest, subscriber_session.c.expires_at > now
    )
    return connection.execute(owner).scalar_one_or_none()


def end_session(connection: Connection, digest: str) -> None:
    """Delete a session. Without one, change nothing."""
    connection.execute(delete(subscriber_session).where(subscriber_session.c.digest == digest))


def end_access(connection: Connection, subscriber_id: int) -> None:
    """End all sessions of a subscriber, and the links and codes that could start one."""
    for table in (subscriber_session, access_request):
        connection.execute(delete(table).where(table.c.subscriber_id == subscriber_id))


def _use(connection: Connection, number: int, now: datetime) -> bool:
    used = (
        update(access_request)
        .where(access_request.c.id == number, access_request.c.used_at.is_(None))
        .values(used_at=now)
    )
    return connection.execute(used).rowcount == 1
