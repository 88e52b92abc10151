"""Opens the SQLite file and runs transactions on it.

Write-ahead logging lets others read while a cycle writes; `synchronous=FULL` makes a commit
survive a power cut, not only a kill. Every writing transaction takes the write lock at its
start, so it never fails in the middle because another one was first.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from publisher.database import schema
from publisher.disk_errors import explain_full_disk, storage_errors
from publisher.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.pool import ConnectionPoolEntry

# How much a commit survives: `PRAGMA synchronous`.
Durability = Literal["full", "normal"]

# A cycle's transactions last milliseconds; half a minute covers a slow disk and a backup.
_BUSY_MILLISECONDS = 30_000
# What opening needs on the disk, for the log's index; without it SQLite reports an I/O error.
_WAL_BYTES = 65_536
_WAL_ATTEMPTS = 1000


class Database:
    """One publication's database."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self._engine = engine
        self.path = path

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that may write; it is committed whole, or rolled back."""
        with self._connect("IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that reads one consistent state."""
        with self._connect("DEFERRED") as connection:
            yield connection

    @contextmanager
    def _connect(self, mode: str) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                connection.info["begin"] = mode
                with connection.begin():
                    yield connection
        except DBAPIError as error:
            raise _database_error(self.path, error) from error

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()


def open_database(path: Path, durability: Durability = "full") -> Database:
    """Open a publication's database; create it, or upgrade it after a backup, if necessary.

    With `normal` durability a commit survives a kill, but a power cut may lose it. Raise
    DatabaseError when the file can't be opened, or was created by a newer version.
    """
    try:
        with storage_errors(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(f"{path.parent}: can't be made: {error.strerror}") from error
    engine = _engine(path, durability)
    try:
        schema.upgrade_schema(engine, path)
    except (DBAPIError, sqlite3.Error) as error:
        engine.dispose()
        raise _database_error(path, error) from error
    except DatabaseError:
        engine.dispose()
        raise
    return Database(engine, path)


def _database_error(path: Path, error: DBAPIError | sqlite3.Error) -> DatabaseError:
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    is_full = code == sqlite3.SQLITE_IOERR and shutil.disk_usage(path.parent).free < _WAL_BYTES
    if code == sqlite3.SQLITE_FULL or is_full:
        return DatabaseError(explain_full_disk(path.parent))
    return DatabaseError(f"{path}: {cause}")


def _engine(path: Path, durability: Durability) -> Engine:
    # Not parsed from text: a folder's name may contain characters with a meaning in URLs.
    url = URL.create("sqlite", database=str(path))
    engine = create_engine(url, connect_args={"timeout": _BUSY_MILLISECONDS / 1000})
    event.listen(engine, "connect", partial(_prepare, durability))
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(durability: Durability, connection: Any, _record: ConnectionPoolEntry) -> None:
    # Without this, sqlite3 opens transactions of its own.
    connection.isolation_level = None
    _write_ahead(connection)
    for pragma in (f"synchronous={durability}", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _write_ahead(connection: Any) -> None:
    # SQLite does not wait by itself when two processes open a new file at once.
    for left in reversed(range(_WAL_ATTEMPTS)):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if not left or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(_BUSY_MILLISECONDS / 1000 / _WAL_ATTEMPTS)
        else:
            return


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(f"BEGIN {connection.info.get('begin', 'DEFERRED')}")


# SQLite takes 32,766 values in one statement, older builds 999.
MAX_SQL_PARAMETERS = 900


def chunks(values: Sequence[int], size: int = MAX_SQL_PARAMETERS) -> Iterator[Sequence[int]]:
    """Yield the values in lists of `size`, by default as many as an IN clause takes."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
