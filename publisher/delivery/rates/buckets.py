"""The rows of rates: read, written and forgotten, in the caller's writing transaction.

That transaction has the write lock from its start, so what is read here stands until it is
written: processes share a bucket as threads would. Decides nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date

from sqlalchemy import Connection, bindparam, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from publisher.delivery.rates.limits import throttle_bucket
from publisher.delivery.rates.tables import rate_bucket, rate_slowing, warmup_day
from publisher.delivery.rates.throttle import Throttle

# One value, JSON, however many names there are.
NAMES = select(func.json_each(bindparam("names")).table_valued("value").c.value)

TATS = select(rate_bucket.c.name, rate_bucket.c.tat).where(rate_bucket.c.name.in_(NAMES))
TOLD = insert(rate_bucket)
KEEP_TATS = TOLD.on_conflict_do_update(
    index_elements=[rate_bucket.c.name], set_={"tat": TOLD.excluded.tat}
)


def read_tats(connection: Connection, names: Iterable[str]) -> dict[str, float]:
    """Read buckets; one that was never used has no row."""
    rows = connection.execute(TATS, {"names": json.dumps([*names])})
    return {row.name: row.tat for row in rows}


def write_tats(connection: Connection, changes: Mapping[str, float]) -> None:
    """Write buckets."""
    rows = [{"name": name, "tat": tat} for name, tat in changes.items()]
    if rows:
        connection.execute(KEEP_TATS, rows)


OURS = (rate_slowing.c.name == bindparam("transport")) | (
    func.substr(rate_slowing.c.name, 1, func.length(bindparam("transport")) + 1)
    == bindparam("transport") + "/"
)
SLOWINGS = select(rate_slowing).where(OURS)
SLOWED = insert(rate_slowing)
KEEP_SLOWING = SLOWED.on_conflict_do_update(
    index_elements=[rate_slowing.c.name],
    set_={key: SLOWED.excluded[key] for key in ("pace", "since", "aim")},
)


def read_throttles(connection: Connection, transport: str) -> dict[str, Throttle]:
    """Read what was slowed of a transport and its domains, by the names of their scopes."""
    rows = connection.execute(SLOWINGS, {"transport": transport})
    return {name: Throttle(pace, since, aim) for name, pace, since, aim in rows}


def read_throttle(connection: Connection, name: str) -> Throttle | None:
    """Read one."""
    row = connection.execute(select(rate_slowing).where(rate_slowing.c.name == name)).first()
    return Throttle(row.pace, row.since, row.aim) if row else None


def write_throttle(connection: Connection, name: str, one: Throttle) -> None:
    """Write one."""
    values = {"name": name, "pace": one.pace, "since": one.since, "aim": one.aim}
    connection.execute(KEEP_SLOWING, values)


def delete_throttles(connection: Connection, names: Iterable[str]) -> None:
    """Strike out what is as fast again as it was, and the buckets that kept it slow."""
    all_names = [*names]
    here = {"names": json.dumps(all_names)}
    connection.execute(delete(rate_slowing).where(rate_slowing.c.name.in_(NAMES)), here)
    here = {"names": json.dumps([throttle_bucket(name) for name in all_names])}
    connection.execute(delete(rate_bucket).where(rate_bucket.c.name.in_(NAMES)), here)


DAY = (warmup_day.c.transport == bindparam("transport")) & (
    warmup_day.c.day == bindparam("day")
)
GONE = select(warmup_day.c.count).where(DAY)
ADDED = insert(warmup_day)
ADD_GONE = ADDED.on_conflict_do_update(
    index_elements=[warmup_day.c.transport, warmup_day.c.day],
    set_={"count": warmup_day.c.count + ADDED.excluded.count},
)


def sent_on(connection: Connection, transport: str, day: date) -> int:
    """Give how many messages were let go on a day."""
    values = {"transport": transport, "day": day}
    return connection.execute(GONE, values).scalar_one_or_none() or 0


def subtract_sent(connection: Connection, transport: str, day: date, count: int) -> None:
    """Count messages less that did not go after all; never below nothing, over midnight."""
    less = func.max(0, warmup_day.c.count - bindparam("less"))
    here = (warmup_day.c.transport == transport) & (warmup_day.c.day == day)
    connection.execute(update(warmup_day).where(here).values(count=less), {"less": count})


def add_sent(connection: Connection, transport: str, day: date, count: int) -> None:
    """Count messages that are let go."""
    connection.execute(ADD_GONE, {"transport": transport, "day": day, "count": count})
