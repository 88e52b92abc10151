"""Somebody leaves, by address."""

from datetime import datetime

from sqlalchemy import Connection

from subscribers.changes import unsubscribe_subscriber
from subscribers.model import ConsentSource
from subscribers.store import known_subscriber


def unsubscribe(
    connection: Connection,
    email: str,
    newsletter: str | None,
    now: datetime,
    *,
    source: ConsentSource = ConsentSource.SUBSCRIBER,
    note: str = "",
) -> bool:
    person = known_subscriber(connection, email)
    return unsubscribe_subscriber(connection, person, newsletter, now, source=source, note=note)
