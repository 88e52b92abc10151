"""Ids of rows that must never be given twice."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sqlalchemy import func, select, text

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table


def id_of_its_own(connection: Connection) -> dict[str, int]:
    """Return an id that was never given, for a new row of a table with IDS_NEVER_REUSED.

    A server that failed over may have lost the last numbers of its sequences, while rows, files and
    processes still have them. So the id is random there. A file counts them: nothing is returned.
    """
    return {} if connection.dialect.name == "sqlite" else {"id": secrets.randbits(63)}


# More than a database gives out between a backup and its loss.
_LOST_IDS = 10_000_000


def skip_lost_ids(connection: Connection, table: Table) -> None:
    """Give no new row of a table an id that a database may have given after this copy of it was made."""
    highest = connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()
    values = {"table": table.name, "last": highest + _LOST_IDS}
    if connection.dialect.name != "sqlite":
        sequence = text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :last)")
        connection.execute(sequence, values)
        return
    # A table of which no row was ever inserted has no line.
    connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :table"), values)
    connection.execute(text("INSERT INTO sqlite_sequence VALUES (:table, :last)"), values)
