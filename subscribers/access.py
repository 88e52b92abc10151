"""Prove a mailbox, and remember the browser that did: requests with a link and a code, sessions.

What may only be done by whoever reads the subscriber's mail today needs a session: a link of an
old or forwarded mail is not enough. A request is used once, by its link or its code. The
transaction belongs to the caller, who hashes codes and cookies: neither is stored.
"""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from subscribers.tables import access_request, subscriber_session

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

REQUEST_LIFETIME = timedelta(minutes=30)
SESSION_LIFETIME = timedelta(minutes=30)
# Five of a million codes for each request.
_MAX_WRONG_CODES = 5


def request_access(
    connection: Connection, subscriber_id: int, code_digest: str, now: datetime
) -> int:
    """Store a request of a subscriber on record, in place of earlier ones. Return its id."""
    own = access_request.c.subscriber_id == subscriber_id
    connection.execute(delete(access_request).where(own))
    done = connection.execute(
        insert(access_request).values(
            subscriber_id=subscriber_id,
            code_digest=code_digest,
            expires_at=now + REQUEST_LIFETIME,
        )
    )
    assert done.inserted_primary_key is not None  # noqa: S101  # every database returns it
    return int(done.inserted_primary_key[0])


def is_access_open(
    connection: Connection, number: int, subscriber_id: int, now: datetime
) -> bool:
    """Return whether a request can still be used."""
    found = select(access_request.c.id).where(
        access_request.c.id == number,
        access_request.c.subscriber_id == subscriber_id,
        access_request.c.used_at.is_(None),
        access_request.c.expires_at > now,
    )
    return connection.execute(found).first() is not None


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
    found = select(subscriber_session.c.subscriber_id).where(
        subscriber_session.c.digest == digest, subscriber_session.c.expires_at > now
    )
    return connection.execute(found).scalar_one_or_none()


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
