"""Copies all rows of a publication's database into another one, and counts and hashes each table's on both sides.

Tables are found in the databases themselves, so that none is forgotten.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from publisher.database.dialect import copy_file, copy_some_rows
from publisher.database.dialect.job_tables import own_tables
from publisher.database.dialect.sql import last_ids, set_last_ids
from publisher.database.engine import Database, open_database
from publisher.errors import DatabaseError

_PAGE = 1_000
_HASH_BYTES = 16
_VERSION_TABLE = "alembic_version"


@dataclass(frozen=True, slots=True)
class TableContent:
    """How many rows a table has, and a hash of them in any order."""

    rows: int
    checksum: str


def back_up(address: Path | str, target: Path) -> None:
    """Copy a database, as of one instant, into a new file; do nothing if its own file is missing. Raise DatabaseError."""
    if not isinstance(address, str):
        if address.exists():
            copy_file(address, target)
        return
    with closing(open_database(address)) as source:
        copy_database(source, target)


def copy_database(
    source: Database, target: Path, conditions: Mapping[str, str] | None = None
) -> None:
    """Copy a database as of one instant into a new file: of tables in `conditions`, which are in order, the rows that meet it."""
    if source.path is not None:
        copy_some_rows(source.path, target, conditions or {})
        return
    with closing(open_database(target)) as copy, source.reading() as old, copy.writing() as new:
        copy_rows(old, new, conditions)


def copy_rows(
    old: Connection, new: Connection, conditions: Mapping[str, str] | None = None
) -> dict[str, TableContent]:
    """Put rows (of tables in `conditions`, those that meet it) into tables of the same schema; return what was read, by table."""
    columns, rows = _tables(new), _tables(old)
    if unlike := columns.tables.keys() ^ rows.tables.keys():
        raise DatabaseError(f"only one of the databases has {', '.join(sorted(unlike))}")
    found = {
        table.name: _copy_table(
            old, rows.tables[table.name], new, table, (conditions or {}).get(table.name)
        )
        for table in columns.sorted_tables
    }
    set_last_ids(new, last_ids(old))
    return found


def read_all_tables(connection: Connection) -> dict[str, TableContent]:
    return {
        table.name: _content(_pages(connection, table, table.columns.keys()))
        for table in _tables(connection).sorted_tables
    }


def filled_tables(connection: Connection) -> set[str]:
    found = _tables(connection).tables.values()
    return {one.name for one in found if connection.execute(sa.select(one).limit(1)).first()}


def engine_tables(connection: Connection) -> list[str]:
    names = sa.inspect(connection).get_table_names()
    return sorted({*names} - {*own_tables(names)})


def _tables(connection: Connection) -> sa.MetaData:
    found = sa.MetaData()
    # Turns that wait in the task engine's tables are made anew wherever the publication goes on.
    names = own_tables(sa.inspect(connection).get_table_names())
    found.reflect(connection, only=[name for name in names if name != _VERSION_TABLE])
    for table in found.tables.values():
        for column in table.columns:
            if isinstance(column.type, sa.JSON):
                # No column holds the JSON value null, but some have no value.
                column.type.none_as_null = True
    return found


def _copy_table(
    old: Connection, source: sa.Table, new: Connection, target: sa.Table, condition: str | None
) -> TableContent:
    names = target.columns.keys()
    # The migrations have put a row into some.
    new.execute(sa.delete(target))

    def pass_on() -> Iterator[Iterable[sa.Row[Any]]]:
        for page in _pages(old, source, names, condition):
            new.execute(sa.insert(target), [dict(row._mapping) for row in page])  # noqa: SLF001  # public
            yield page

    return _content(pass_on())


def _pages(
    connection: Connection, table: sa.Table, names: Iterable[str], condition: str | None = None
) -> Iterator[Iterable[sa.Row[Any]]]:
    # In the order of their keys: a row may refer to an earlier one of its table.
    query = sa.select(*(table.c[name] for name in names)).order_by(*table.primary_key)
    if condition is not None:
        query = query.where(sa.text(condition))
    return connection.execute(query, execution_options={"yield_per": _PAGE}).partitions()


def _content(pages: Iterable[Iterable[sa.Row[Any]]]) -> TableContent:
    rows = total = 0
    for page in pages:
        for row in page:
            rows += 1
            total += _hash(row)
    return TableContent(rows, f"{total % (1 << 8 * _HASH_BYTES):0{2 * _HASH_BYTES}x}")


def _hash(row: sa.Row[Any]) -> int:
    values = repr([_comparable(value) for value in row]).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(values, digest_size=_HASH_BYTES).digest())


def _comparable(value: Any) -> Any:
    if isinstance(value, str):
        # Not every database stores this character; `publisher.database.dialect` drops it.
        return value.replace("\0", "")
    if isinstance(value, dict | list):
        return json.dumps(value, sort_keys=True)
    return value
