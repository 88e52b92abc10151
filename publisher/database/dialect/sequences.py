"""The last ids that tables gave to rows, so that a copy never gives the id of a deleted row again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

_IN_FILE = text("SELECT name, seq FROM sqlite_sequence")
_SET_IN_FILE = (
    text("DELETE FROM sqlite_sequence WHERE name = :name"),
    text(
        "INSERT INTO sqlite_sequence (name, seq) SELECT name, :last FROM sqlite_master"
        " WHERE type = 'table' AND name = :name AND sql LIKE '%AUTOINCREMENT%'"
    ),
)
# Sequences, with the tables and columns that they number.
_ON_SERVER = text(
    "SELECT numbered.relname, attname, numbers.relname,"
    " (SELECT last_value FROM pg_sequences WHERE schemaname = current_schema()"
    " AND sequencename = numbers.relname)"
    " FROM pg_class AS numbers JOIN pg_depend ON objid = numbers.oid AND deptype IN ('a', 'i')"
    " JOIN pg_class AS numbered ON numbered.oid = refobjid"
    " JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid"
    " WHERE numbers.relkind = 'S' AND numbers.relnamespace = current_schema()::regnamespace"
)


def last_ids(connection: Connection) -> dict[str, int]:
    """Return the last id of each table that has given one and remembers it."""
    if connection.dialect.name == "sqlite":
        return {name: int(last) for name, last in connection.execute(_IN_FILE)}
    rows = connection.execute(_ON_SERVER)
    return {table: last for table, _column, _sequence, last in rows if last is not None}


def set_last_ids(connection: Connection, wanted: Mapping[str, int]) -> None:
    """Let each table give ids above `wanted`, and above those of its rows."""
    if connection.dialect.name == "sqlite":
        known = last_ids(connection)
        for name, last in wanted.items():
            for statement in _SET_IN_FILE:
                values = {"name": name, "last": max(last, known.get(name, 0))}
                connection.execute(statement, values)
        return
    for table, column, sequence, _last in connection.execute(_ON_SERVER).all():
        greatest = connection.scalar(text(f'SELECT max("{column}") FROM "{table}"'))  # noqa: S608  # names of the catalogue
        if last := max(greatest or 0, wanted.get(table, 0)):
            connection.execute(
                text("SELECT setval(:name, :last)"), {"name": sequence, "last": last}
            )
