"""Copies a publication's database into a new file, whichever database it is in."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from sqlalchemy import JSON, Connection, MetaData, Table, delete, insert, select

from publisher.database.dialect import copy_file
from publisher.database.engine import Database, open_database

if TYPE_CHECKING:
    from pathlib import Path

# Rows that are held at a time.
_PAGE = 1_000


def back_up(address: Path | str, target: Path) -> None:
    """Copy the database at an address into a new file; do nothing if it is a missing file.

    The copy is of one instant, even while others write. Raise DatabaseError.
    """
    if not isinstance(address, str):
        if address.exists():
            copy_file(address, target)
        return
    with closing(open_database(address)) as source:
        copy_database(source, target)


def copy_database(source: Database, target: Path) -> None:
    """Copy all rows into a new file, table by table, in one reading transaction."""
    with (
        closing(open_database(target)) as copy,
        source.reading() as old,
        copy.writing() as new,
    ):
        columns, rows = _tables(new), _tables(old)
        for table in columns.sorted_tables:
            _copy_table(old, rows.tables[table.name], new, table)


def _tables(connection: Connection) -> MetaData:
    """Return the tables as they are: the modules that declare them may not be imported."""
    found = MetaData()
    found.reflect(connection, only=lambda name, _tables: name != "alembic_version")
    for table in found.tables.values():
        for column in table.columns:
            if isinstance(column.type, JSON):
                # No column holds the JSON value null, but some have no value.
                column.type.none_as_null = True
    return found


def _copy_table(old: Connection, source: Table, new: Connection, target: Table) -> None:
    names = target.columns.keys()
    # The migrations have put a row into some.
    new.execute(delete(target))
    query = select(*(source.c[name] for name in names))
    rows = old.execute(query, execution_options={"yield_per": _PAGE})
    for page in rows.mappings().partitions():
        new.execute(insert(target), [dict(row) for row in page])
