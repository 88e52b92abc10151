"""Read, write and delete the rows of the rates, in the caller's writing transaction.

That transaction holds the write lock from its start, so what is read here stays true until it is
written, and processes share a bucket as threads would.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date

from sqlalchemy import Connection, Text, bindparam, delete, func, select, update

from publisher.database.dialect.sql import greatest, json_list, upsert
from publisher.delivery.rates.limits import throttle_bucket
from publisher.delivery.rates.tables import rate_bucket, rate_throttle, warmup_day
from publisher.delivery.rates.throttle import Throttle

# One JSON value, however many names there are.
_NAMES = json_list("names", Text())

_TATS = select(rate_bucket.c.name, rate_bucket.c.tat).where(rate_bucket.c.name.in_(_NAMES))


def read_tats(connection: Connection, names: Iterable[str]) -> dict[str, float]:
    """Return the tats of buckets. A bucket that was never used has no row."""
    rows = connection.execute(_TATS, {"names": json.dumps([*names])})
    return {row.name: row.tat for row in rows}


def write_tats(connection: Connection, changes: Mapping[str, float]) -> None:
    """Write the tats of buckets."""
    rows = [{"name": name, "tat": tat} for name, tat in changes.items()]
    if rows:
        statement = upsert(connection, rate_bucket)
        new = {"tat": statement.excluded.tat}
        connection.execute(
            statement.on_conflict_do_update(index_elements=["name"], set_=new), rows
        )


_TRANSPORT = bindparam("transport", type_=Text())
_THROTTLES = select(rate_throttle).where(
    (rate_throttle.c.name == _TRANSPORT)
    | (func.substr(rate_throttle.c.name, 1, func.length(_TRANSPORT) + 1) == _TRANSPORT + "/")
)


def read_throttles(connection: Connection, transport: str) -> dict[str, Throttle]:
    """Return the throttles of a transport and its domains, by the names of their scopes."""
    rows = connection.execute(_THROTTLES, {"transport": transport})
    return {name: Throttle(rate, since, target) for name, rate, since, target in rows}


def read_throttle(connection: Connection, name: str) -> Throttle | None:
    """Return the throttle of one scope."""
    query = select(rate_throttle).where(rate_throttle.c.name == name)
    row = connection.execute(query).first()
    return Throttle(row.per_second, row.since, row.target) if row else None


def write_throttle(connection: Connection, name: str, one: Throttle) -> None:
    """Write the throttle of one scope."""
    values = {"per_second": one.per_second, "since": one.since, "target": one.target}
    statement = upsert(connection, rate_throttle).values(name=name, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


def delete_throttles(connection: Connection, names: Iterable[str]) -> None:
    """Delete the throttles of scopes, with their buckets."""
    scopes = [*names]
    values = {"names": json.dumps(scopes)}
    connection.execute(delete(rate_throttle).where(rate_throttle.c.name.in_(_NAMES)), values)
    values = {"names": json.dumps([throttle_bucket(name) for name in scopes])}
    connection.execute(delete(rate_bucket).where(rate_bucket.c.name.in_(_NAMES)), values)


_SENT_ON = select(warmup_day.c.count).where(
    warmup_day.c.transport == bindparam("transport"), warmup_day.c.day == bindparam("day")
)


def sent_on(connection: Connection, transport: str, day: date) -> int:
    """Return the number of messages that were sent on a day."""
    values = {"transport": transport, "day": day}
    return connection.execute(_SENT_ON, values).scalar_one_or_none() or 0


def add_sent(connection: Connection, transport: str, day: date, count: int) -> None:
    """Add messages to a day."""
    statement = upsert(connection, warmup_day).values(transport=transport, day=day, count=count)
    more = {"count": warmup_day.c.count + statement.excluded.count}
    connection.execute(
        statement.on_conflict_do_update(index_elements=["transport", "day"], set_=more)
    )


def subtract_sent(connection: Connection, transport: str, day: date, count: int) -> None:
    """Subtract messages that were not sent after all. Never below 0: midnight may lie between."""
    less = greatest(warmup_day.c.count - count, 0)
    of_day = (warmup_day.c.transport == transport) & (warmup_day.c.day == day)
    connection.execute(update(warmup_day).where(of_day).values(count=less))
