"""Copies of SQLite files, of one instant, while others write: whole ones, and some of the rows."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from publisher.disk_errors import explain_full_disk
from publisher.errors import DatabaseError, StorageError

# What opening needs on the disk, for the log's index; without it SQLite reports an I/O error.
_WAL_BYTES = 65_536
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_SCHEMA = """
SELECT type = 'table', name, sql FROM source.sqlite_master
WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite!_%' ESCAPE '!'
"""


def copy_file(path: Path, target: Path) -> None:
    """Copy a database; whole or not at all. Raise StorageError if the target's disk is full.

    A plain copy would miss what is still in the write-ahead log.
    """
    unfinished = target.with_name(f".{target.name}")
    try:
        with (
            _full_disk_explained(target.parent),
            closing(sqlite3.connect(path)) as source,
            closing(sqlite3.connect(unfinished)) as copy,
        ):
            source.backup(copy)
        unfinished.replace(target)
    finally:
        if unfinished.is_file():
            unfinished.unlink()


def damage_of(path: Path, *, may_be_empty: bool = False) -> str:
    """Return what is wrong with a file as a database; empty if it is whole.

    `may_be_empty`: one without tables is whole, as after a disk was full when it was made.

    Raise DatabaseError if it can't be read for another reason, as its rights or a full disk.
    """
    try:
        with closing(sqlite3.connect(path)) as connection:
            found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
            has_tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if not (has_tables or may_be_empty):
                return "it has no tables"
    except sqlite3.Error as error:
        if not is_damage(error):
            raise DatabaseError(f"{path}: {error}") from error
        return str(error)
    return "" if found == "ok" else " ".join(found.split())


def is_damage(error: Exception) -> bool:
    """Return whether an error says that a file is no database, or no whole one."""
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF in _DAMAGE


def is_full_disk(error: sqlite3.Error, folder: Path) -> bool:
    """Return whether an error says that the disk of a database's folder is full."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_IOERR:
        return shutil.disk_usage(folder).free < _WAL_BYTES
    return code == sqlite3.SQLITE_FULL


@contextmanager
def _full_disk_explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if not is_full_disk(error, folder):
            raise
        raise StorageError(explain_full_disk(folder)) from error


def copy_some_rows(path: Path, target: Path, conditions: Mapping[str, str]) -> None:
    """Copy a database into a new file: of a table with a condition the rows that meet it, else all.

    A condition may refer to tables without one, and to those that have theirs before it. Raise StorageError
    if the target's disk is full.
    """
    with (
        _full_disk_explained(target.parent),
        closing(sqlite3.connect(target, isolation_level=None)) as copy,
    ):
        copy.execute("ATTACH ? AS source", (str(path),))
        copy.execute("BEGIN")
        schema = copy.execute(_SCHEMA).fetchall()
        tables = {name: sql for is_table, name, sql in schema if is_table}
        for sql in tables.values():
            copy.execute(sql)
        for name in [*(tables.keys() - conditions.keys()), *conditions]:
            rows = f'SELECT * FROM source."{name}" WHERE {conditions.get(name, "1 = 1")}'  # noqa: S608  # of the program's own
            copy.execute(f'INSERT INTO main."{name}" {rows}')
        copy.execute("DELETE FROM main.sqlite_sequence")
        copy.execute("INSERT INTO main.sqlite_sequence SELECT * FROM source.sqlite_sequence")
        # Filled faster at the end; and triggers are for changes.
        for is_table, _name, sql in schema:
            if not is_table:
                copy.execute(sql)
        copy.execute("COMMIT")
