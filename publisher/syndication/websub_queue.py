"""The queue of WebSub pings in the database: which hub has to be notified of which topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    delete,
    func,
    literal_column,
    select,
    update,
)

from publisher.database import Database
from publisher.database.dialect.sql import upsert
from publisher.syndication.tables import websub_ping as table
from publisher.syndication.websub_client import printable_address

# A literal, not a parameter: only then is the partial index used.
_PENDING = table.c.state == literal_column("'pending'")
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class QueuedPing:
    """A pending ping as it was read; `update_ping` compares with it."""

    hub: str
    topic: str
    attempts: int
    due_at: datetime


def enqueue_pings(
    connection: Connection, hubs: Sequence[str], topics: Sequence[str], now: datetime
) -> None:
    """Queue a ping of each hub for each topic (the address of a feed).

    Call it in the transaction that records the feed as written. A topic that is pending already
    gets no second ping; its ping starts again and is due now.
    """
    untried = _untried_pings(connection, hubs, now)
    # A ping that is being sent was read with its due_at, and its result must not be recorded for
    # the new one. So make due_at different: one second earlier is also due.
    rows = [
        {
            "hub": hub,
            "topic": topic,
            "state": "pending",
            "attempts": 0,
            "due_at": untried.get((hub, topic), now + _SECOND) - _SECOND,
        }
        for hub in dict.fromkeys(hubs)
        for topic in dict.fromkeys(topics)
    ]
    if not rows:
        return
    statement = upsert(connection, table)
    new = statement.excluded
    renewed = {
        "state": new.state,
        "attempts": new.attempts,
        "due_at": new.due_at,
        "last_response": None,
    }
    statement = statement.on_conflict_do_update(index_elements=["hub", "topic"], set_=renewed)
    connection.execute(statement, rows)


def _untried_pings(
    connection: Connection, hubs: Sequence[str], now: datetime
) -> dict[tuple[str, str], datetime]:
    """Return when the pings were due that are due and were not tried, by hub and topic."""
    query = select(table.c.hub, table.c.topic, table.c.due_at).where(
        _PENDING, table.c.attempts == 0, table.c.due_at <= now, table.c.hub.in_(hubs)
    )
    return {(hub, topic): due_at for hub, topic, due_at in connection.execute(query)}


def count_waiting_pings(connection: Connection) -> int:
    """Return the number of pending pings."""
    query = select(func.count()).select_from(table).where(_PENDING)
    return connection.execute(query).scalar_one()


def failed_pings(connection: Connection) -> list[tuple[str, str, str]]:
    """Return the pings that were given up: printable hub, topic, last response."""
    query = (
        select(table.c.hub, table.c.topic, func.coalesce(table.c.last_response, ""))
        .where(table.c.state == "failed")
        .order_by(table.c.hub, table.c.topic)
    )
    rows = connection.execute(query)
    return [(printable_address(hub), topic, response) for hub, topic, response in rows]


def drop_pings_to_other_hubs(database: Database, hubs: Sequence[str]) -> None:
    """Delete the pings to hubs that are no longer in the settings."""
    others = table.c.hub.not_in(hubs)
    with database.reading() as connection:
        found = connection.execute(select(table.c.hub).where(others).limit(1)).first()
    # Usually there are none, and no write transaction is needed.
    if found:
        with database.writing() as connection:
            connection.execute(delete(table).where(others))


def due_pings(connection: Connection, hub: str, now: datetime, limit: int) -> list[QueuedPing]:
    """Return the pings of a hub that are due, the oldest first."""
    query = (
        select(table.c.hub, table.c.topic, table.c.attempts, table.c.due_at)
        .where(_PENDING, table.c.hub == hub, table.c.due_at <= now)
        .order_by(table.c.due_at, table.c.topic)
        .limit(limit)
    )
    return [QueuedPing(*row) for row in connection.execute(query)]


def update_ping(connection: Connection, ping: QueuedPing, values: Mapping[str, Any]) -> bool:
    """Update a ping if it is unchanged since it was read; return whether it was."""
    statement = update(table).where(
        table.c.hub == ping.hub,
        table.c.topic == ping.topic,
        _PENDING,
        table.c.attempts == ping.attempts,
        table.c.due_at == ping.due_at,
    )
    return connection.execute(statement.values(**values)).rowcount == 1
