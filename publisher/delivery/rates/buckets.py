"""Read, write and delete the rows of the rates, in the caller's writing transaction.

That transaction holds the write lock from its start, so what is read here stays true until it is
written, and processes share a bucket as threads would.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date

from sqlalchemy import Connection, bindparam, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from publisher.delivery.rates.limits import throttle_bucket
from publisher.delivery.rates.tables import rate_bucket, rate_throttle, warmup_day
from publisher.delivery.rates.throttle import Throttle

# One JSON value, however many names there are.
_NAMES = select(func.json_each(bindparam("names")).table_valued("value").c.value)

_TATS = select(rate_bucket.c.name, rate_bucket.c.tat).where(rate_bucket.c.name.in_(_NAMES))
_INSERT_TAT = insert(rate_bucket)
_WRITE_TATS = _INSERT_TAT.on_conflict_do_update(
    index_elements=[rate_bucket.c.name], set_={"tat": _INSERT_TAT.excluded.tat}
)


def read_tats(connection: Connection, names: Iterable[str]) -> dict[str, float]:
    """Return the tats of buckets. A bucket that was never used has no row."""
    rows = connection.execute(_TATS, {"names": json.dumps([*names])})
    return {row.name: row.tat for row in rows}


def write_tats(connection: Connection, changes: Mapping[str, float]) -> None:
    """Write the tats of buckets."""
    rows = [{"name": name, "tat": tat} for name, tat in changes.items()]
    if rows:
        connection.execute(_WRITE_TATS, rows)


_THROTTLES = select(rate_throttle).where(
    (rate_throttle.c.name == bindparam("transport"))
    | (
        func.substr(rate_throttle.c.name, 1, func.length(bindparam("transport")) + 1)
        == bindparam("transport") + "/"
    )
)
_INSERT_THROTTLE = insert(rate_throttle)
_WRITE_THROTTLE = _INSERT_THROTTLE.on_conflict_do_update(
    index_elements=[rate_throttle.c.name],
    set_={key: _INSERT_THROTTLE.excluded[key] for key in ("per_second", "since", "target")},
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
    values = {
        "name": name,
        "per_second": one.per_second,
        "since": one.since,
        "target": one.target,
    }
    connection.execute(_WRITE_THROTTLE, values)


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
_INSERT_DAY = insert(warmup_day)
_ADD_SENT = _INSERT_DAY.on_conflict_do_update(
    index_elements=[warmup_day.c.transport, warmup_day.c.day],
    set_={"count": warmup_day.c.count + _INSERT_DAY.excluded.count},
)


def sent_on(connection: Connection, transport: str, day: date) -> int:
    """Return the number of messages that were sent on a day."""
    values = {"transport": transport, "day": day}
    return connection.execute(_SENT_ON, values).scalar_one_or_none() or 0


def add_sent(connection: Connection, transport: str, day: date, count: int) -> None:
    """Add messages to a day."""
    connection.execute(_ADD_SENT, {"transport": transport, "day": day, "count": count})


def subtract_sent(connection: Connection, transport: str, day: date, count: int) -> None:
    """Subtract messages that were not sent after all. Never below 0: midnight may lie between."""
    less = func.max(0, warmup_day.c.count - bindparam("less"))
    of_day = (warmup_day.c.transport == transport) & (warmup_day.c.day == day)
    connection.execute(update(warmup_day).where(of_day).values(count=less), {"less": count})
