"""The rows of pings: which topics a hub has still to be told of. Knows no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    and_,
    case,
    delete,
    func,
    literal_column,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from publisher.database import Database
from publisher.syndication.tables import websub_ping as table
from publisher.syndication.websub_client import printable_address

# Written out, not as a parameter: else SQLite would not use the index of what is pending.
_PENDING = table.c.state == literal_column("'pending'")


def enqueue_pings(
    connection: Connection, hubs: Sequence[str], topics: Sequence[str], now: datetime
) -> None:
    """Note that topics (addresses of feeds) have changed, in the transaction that says so.

    A topic that is still waiting gets no second ping: its one ping is due now and starts afresh.
    """
    rows = [
        {"hub": hub, "topic": topic, "state": "pending", "attempts": 0, "due_at": now}
        for hub in dict.fromkeys(hubs)
        for topic in dict.fromkeys(topics)
    ]
    if not rows:
        return
    statement = insert(table)
    new = statement.excluded
    # A ping under way was read with this due_at and must not pass for the newer one. So that is
    # made to differ: by a second in the past, which is due as well.
    earlier = func.strftime("%Y-%m-%dT%H:%M:%SZ", table.c.due_at, "-1 second")
    untried = and_(_PENDING, table.c.attempts == 0, table.c.due_at <= new.due_at)
    renewed = {
        "state": new.state,
        "attempts": new.attempts,
        "due_at": case((untried, type_coerce(earlier, table.c.due_at.type)), else_=new.due_at),
        "answer": None,
    }
    key = [table.c.hub, table.c.topic]
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=renewed), rows)


def count_waiting_pings(connection: Connection) -> int:
    """Count the pings that a hub has still to take."""
    query = select(func.count()).select_from(table).where(_PENDING)
    return connection.execute(query).scalar_one()


def failed_pings(connection: Connection) -> list[tuple[str, str, str]]:
    """List the pings that were given up: hub (fit to be shown), topic, and the last answer."""
    query = (
        select(table.c.hub, table.c.topic, func.coalesce(table.c.answer, ""))
        .where(table.c.state == "failed")
        .order_by(table.c.hub, table.c.topic)
    )
    return [
        (printable_address(hub), topic, answer)
        for hub, topic, answer in connection.execute(query)
    ]


def drop_pings_to_other_hubs(database: Database, hubs: Sequence[str]) -> None:
    """Forget the pings to hubs that are named no more."""
    others = table.c.hub.not_in(hubs)
    with database.reading() as connection:
        found = connection.execute(select(table.c.hub).where(others).limit(1)).first()
    # Most turns find none, and so need not wait for whoever writes.
    if found:
        with database.writing() as connection:
            connection.execute(delete(table).where(others))


@dataclass(frozen=True, slots=True)
class QueuedPing:
    """A ping as it was read; it is written back only if it is still so."""

    hub: str
    topic: str
    attempts: int
    due_at: datetime


def due_pings(connection: Connection, hub: str, now: datetime, limit: int) -> list[QueuedPing]:
    """Fetch the pings to a hub that are due, the oldest first."""
    query = (
        select(table.c.hub, table.c.topic, table.c.attempts, table.c.due_at)
        .where(_PENDING, table.c.hub == hub, table.c.due_at <= now)
        .order_by(table.c.due_at, table.c.topic)
        .limit(limit)
    )
    return [QueuedPing(*row) for row in connection.execute(query)]


def update_ping(connection: Connection, row: QueuedPing, values: Mapping[str, Any]) -> bool:
    """Change a ping if it is still as it was read; says if it was."""
    statement = update(table).where(
        table.c.hub == row.hub,
        table.c.topic == row.topic,
        _PENDING,
        table.c.attempts == row.attempts,
        table.c.due_at == row.due_at,
    )
    return connection.execute(statement.values(**values)).rowcount == 1
