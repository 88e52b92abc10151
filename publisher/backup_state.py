"""The row of the backup that the service makes: when it was last tried and made, and why it failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CheckConstraint, Column, Connection, Integer, Table, select

from publisher.database.dialect.sql import upsert
from publisher.database.metadata import SentenceText, UTCDateTime, metadata

_ONLY_ROW = 1

backup_state = Table(
    "backup_state",
    metadata,
    Column(
        "id", Integer, CheckConstraint(f"id = {_ONLY_ROW}", name="only_row"), primary_key=True
    ),
    Column("tried_at", UTCDateTime, nullable=False),
    Column("made_at", UTCDateTime),
    # Why the last try failed; NULL if it did not.
    Column("problem", SentenceText),
)


@dataclass(frozen=True, slots=True)
class BackupState:
    """When a backup was last tried and made, and why the last try failed."""

    tried_at: datetime | None = None
    made_at: datetime | None = None
    problem: str | None = None


def read_backup_state(connection: Connection) -> BackupState:
    """Return the state; an empty one before the first backup."""
    row = connection.execute(select(backup_state)).first()
    return BackupState(row.tried_at, row.made_at, row.problem) if row else BackupState()


def record_backup(connection: Connection, now: datetime, problem: str | None = None) -> None:
    """Record that a backup was made, or that there was a problem."""
    values = {"tried_at": now, "problem": problem, **({} if problem else {"made_at": now})}
    row = upsert(connection, backup_state).values(id=_ONLY_ROW, **values)
    connection.execute(row.on_conflict_do_update(index_elements=["id"], set_=values))
