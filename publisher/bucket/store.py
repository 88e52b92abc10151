"""The row of the bucket's state, in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from publisher.bucket.tables import bucket_state
from publisher.database.dialect.sql import upsert

_NAME = "public"


@dataclass(frozen=True, slots=True)
class BucketState:
    """Why the bucket lacks files, if it does, and the last turn whose files it has all."""

    problem: str | None = None
    complete_at: datetime | None = None


def read_state(connection: Connection) -> BucketState:
    """Return the state; an empty one before the first turn."""
    row = connection.execute(select(bucket_state)).first()
    return BucketState(row.problem, row.complete_at) if row else BucketState()


def record_complete(connection: Connection, now: datetime) -> None:
    """Record that the bucket has all files of the turn of an instant."""
    _store(connection, problem=None, complete_at=now)


def record_problem(connection: Connection, problem: str) -> None:
    """Record why it has not."""
    _store(connection, problem=problem)


def _store(connection: Connection, **values: Any) -> None:
    row = upsert(connection, bucket_state).values(name=_NAME, **values)
    connection.execute(row.on_conflict_do_update(index_elements=["name"], set_=values))
