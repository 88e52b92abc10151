"""Limits on how often something may be asked for, which all processes share.

Each limit and each who has a bucket in the database (`publisher.gcra`). Its key is a keyed hash, so
that no address and no network is stored in clear.
"""

from __future__ import annotations

import hmac
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import (
    Column,
    Float,
    Index,
    Integer,
    Table,
    Text,
    bindparam,
    delete,
    select,
    update,
)

from publisher.database.dialect.sql import KEYED, upsert
from publisher.database.metadata import metadata
from publisher.gcra import FULL, Pace

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy import Connection

# Keeps these hashes apart from what else the secret signs.
_KEY_PREFIX = b"rate limit:"

rate_limit = Table(
    "rate_limit",
    metadata,
    # A keyed hash of the limit's name and of whom it limits.
    Column("key", Text, primary_key=True),
    # When the bucket will be full again, in seconds since the epoch; then the row means nothing.
    Column("tat", Float, nullable=False),
    Index("ix_rate_limit_tat", "tat"),
    info=KEYED,
)


@dataclass(frozen=True, slots=True)
class Limit:
    """So many in a period in the long run, and at most `burst` at once after a pause."""

    per: int
    burst: int
    period: timedelta

    @property
    def pace(self) -> Pace:
        """The limit as a rate in seconds."""
        return Pace(self.per / self.period.total_seconds(), self.burst)


@dataclass(frozen=True, slots=True)
class LimitKeys:
    """Makes the keys of buckets with the publication's secret."""

    secret: str

    def key(self, limit: str, who: str) -> str:
        """Return the key of a limit, such as "subscribe by address", for an address or network."""
        text = _KEY_PREFIX + f"{limit}\n{who}".encode("utf-8", "surrogatepass")
        return hmac.digest(self.secret.encode(), text, "sha256").hex()[:32]


_REWRITE = (
    update(rate_limit)
    .where(rate_limit.c.key == bindparam("bucket"), bindparam("writes", type_=Integer()) == 1)
    .values(tat=rate_limit.c.tat)
)


def check_limit(connection: Connection, key: str, limit: Limit, now: datetime) -> int | None:
    """Count one request. Return None if it is allowed, else the seconds until one will be.

    A refused request does not count. Each new bucket deletes those that mean nothing any more. Call
    this in a transaction that writes.
    """
    at, pace = now.timestamp(), limit.pace
    stored = connection.execute(
        select(rate_limit.c.tat).where(rate_limit.c.key == key)
    ).scalar()
    tat = pace.corrected(FULL if stored is None else stored, at)
    if not pace.room(tat, at):
        return max(1, math.ceil(pace.opens_at(tat) - at))
    if stored is None:
        _sweep(connection, at)
    statement = upsert(connection, rate_limit).values(key=key, tat=pace.after(tat, at, 1))
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["key"], set_={"tat": statement.excluded.tat}
        )
    )
    return None


def rewrite_bucket(connection: Connection, key: str, *, writes: bool) -> None:
    """Write a bucket as it is, or nothing: one statement in both cases, for what must take the same time."""
    connection.execute(_REWRITE, {"bucket": key, "writes": int(writes)})


def _sweep(connection: Connection, at: float) -> None:
    """Delete buckets that are full again: they mean the same as none."""
    connection.execute(delete(rate_limit).where(rate_limit.c.tat < at))
