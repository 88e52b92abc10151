"""SQLite: the database is a file, and copies of it are made while others write."""

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import registry, sqlite
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from publisher import files
from publisher.clock import SystemTimer, Timer
from publisher.database.dialect.backend import Backend, Durability, PreparedQuery
from publisher.errors import DatabaseError, StorageError

# What opening needs on the disk, for the log's index; without it SQLite reports an I/O error.
_WAL_BYTES = 65_536
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_SCHEMA = """
SELECT type = 'table', name, sql FROM source.sqlite_master
WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite!_%' ESCAPE '!'
"""


def copy_file(path: Path, target: Path) -> None:
    """Copy a database, with its write-ahead log; whole or not at all. Raise StorageError if the target's disk is full."""
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
    """Return what is wrong with a file as a database, "" if nothing; `may_be_empty`: one without tables is whole."""
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
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF in _DAMAGE


def is_full_disk(error: sqlite3.Error, folder: Path) -> bool:
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
        raise StorageError(files.explain_full_disk(folder)) from error


def copy_some_rows(path: Path, target: Path, conditions: Mapping[str, str]) -> None:
    """Copy a database into a new file: of a table with a condition the rows that meet it, else all."""
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


# A cycle's transactions last milliseconds; half a minute covers a slow disk and a backup.
_BUSY_MILLISECONDS = 30_000
_ALONE_SECONDS = 2.0  # long enough for a command that ends
_LOCK_PAUSE = 0.002  # seconds between two looks whether the lock of those who write is free
# Errors whose cause may be a missing right, or a disk that is mounted for reading only.
_RIGHTS = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)
# Locks of all processes, and the byte of the file -shm that who writes has locked (https://sqlite.org/walformat.html#locks).
_LOCKS = Path("/proc/locks")
_WRITE_LOCK = 120


class _Dialect(SQLiteDialect_pysqlite):
    """SQLAlchemy's dialect. Those of two files are equal, since they write the same SQL."""

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))


registry.register("sqlite.publisher", __name__, _Dialect.__name__)


class _Statements(dict[Any, Any]):
    """Compiled statements, for all files that this process opens. Emptied when it is full."""

    def __setitem__(self, key: Any, value: Any) -> None:
        if len(self) >= _MAX_STATEMENTS:
            self.clear()
        super().__setitem__(key, value)


_MAX_STATEMENTS = 1_000  # the program has some hundred; one takes about 20 kB
_STATEMENTS = _Statements()


class SqliteFile(Backend):
    """A database file. Raises DatabaseError if its folder can't be made."""

    path: Path

    def __init__(
        self,
        path: Path,
        durability: Durability,
        busy_seconds: float | None = None,
        *,
        read_only: bool = False,
    ) -> None:
        self.path = path
        self.name = str(path)
        self.timer: Timer = SystemTimer()
        try:
            with files.storage_errors(path.parent):
                files.make_private_folder(path.parent)
        except OSError as error:
            raise DatabaseError(f"{path.parent}: can't be made: {error.strerror}") from error
        self.engine = self.beside = _engine(path, durability, busy_seconds, read_only)

    def begin(
        self,
        connection: sa.Connection,
        *,
        writes: bool,
        is_alone: bool = True,  # noqa: ARG002  # every writer is
    ) -> sa.RootTransaction:
        connection.info["begin"] = "IMMEDIATE" if writes else "DEFERRED"
        return connection.begin()

    def allow_pause(self, connection: sa.Connection, seconds: int | None) -> None:
        """Do nothing: a file ends no transaction."""

    @contextmanager
    def upgrading(self, connection: sa.Connection) -> Iterator[None]:
        """Open a transaction in which a table may be made anew: rows that refer to it are checked at the end only."""
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA foreign_keys=OFF")
        try:
            with self.begin(connection, writes=True):
                yield
                if broken := driver.execute("PRAGMA foreign_key_check").fetchone():
                    problem = f"a row of {broken[0]} refers to none of {broken[2]}"
                    raise DatabaseError(f"{self.name}: can't be upgraded: {problem}")
        finally:
            driver.execute("PRAGMA foreign_keys=ON")

    def explain(self, error: Exception) -> str | None:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if not isinstance(cause, sqlite3.Error):
            return None
        if is_full_disk(cause, self.path.parent):
            return files.explain_full_disk(self.path.parent)
        right = files.explain_missing_right(self.path) if _code(cause) in _RIGHTS else ""
        if is_damage(cause):
            right = "put a backup back with `publisher restore`, which keeps this file"
        if _code(cause) == sqlite3.SQLITE_BUSY:
            who = self._writing_process() or "another process"
            right = f"{who} keeps it from others; let it go on or end it, then try again"
        return f"{self.name}: {cause}" + (f": {right}" if right else "")

    def prepared(self, statement: sa.ClauseElement) -> PreparedQuery:
        return _SqliteQuery(self, statement)

    def _writing_process(self) -> str:
        """Return the process that has the lock of those who write; empty where the kernel does not tell."""
        try:
            inode = self.path.with_name(f"{self.path.name}-shm").stat().st_ino
            held = [line.split() for line in _LOCKS.read_text("ascii").splitlines()]
        except OSError:  # not Linux, or nobody has it open
            return ""
        for line in held:
            # Number, POSIX, ADVISORY, WRITE, process, device:inode, first and last byte.
            if line[1:4:2] == ["POSIX", "WRITE"] and line[5].endswith(f":{inode}"):
                first, last = int(line[6]), float(line[7].replace("EOF", "inf"))
                if first <= _WRITE_LOCK <= last and int(line[4]) != os.getpid():
                    return f"process {line[4]}"
        return ""

    def require_alone(self) -> None:
        self.engine.dispose()
        require_alone(self.path)

    def keep_copy(self, revision: str | None, target: str) -> None:
        name = (
            f"{self.path.stem}-before-{target}-from-{revision or 'unknown'}{self.path.suffix}"
        )
        copy_file(self.path, self.path.with_name(name))

    def close(self) -> None:
        self.engine.dispose()


def _code(cause: sqlite3.Error) -> int:
    return getattr(cause, "sqlite_errorcode", 0) & 0xFF


class _SqliteQuery:
    """One prepared statement on a connection of its own, run without SQLAlchemy's overhead."""

    def __init__(self, file: SqliteFile, statement: sa.ClauseElement) -> None:
        self._file = file
        dialect = sqlite.dialect(paramstyle="named")
        compiled = statement.compile(
            dialect=dialect, compile_kwargs={"render_postcompile": True}
        )
        self._sql = str(compiled)
        # Members of an enumeration take SQLite longer than plain text.
        self._constants = {
            name: str(value) if isinstance(value, str) else value
            for name, value in compiled.params.items()
        }
        self._connection: sqlite3.Connection | None = None

    def __call__(self, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        try:
            if self._connection is None:
                # Opened and used by one thread, and closed by the thread that started it.
                self._connection = sqlite3.connect(
                    f"{self._file.path.as_uri()}?mode=ro",
                    uri=True,
                    isolation_level=None,
                    check_same_thread=False,
                )
            row: tuple[Any, ...] | None = self._connection.execute(
                self._sql, self._constants | {**values}
            ).fetchone()
        except sqlite3.Error as error:
            raise DatabaseError(f"{self._file.name}: {error}") from error
        return row

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


def require_alone(path: Path) -> None:
    """Raise DatabaseError while anybody has a database open, even if he does nothing.

    Only who is alone may leave write-ahead logging: https://www.sqlite.org/pragma.html#pragma_journal_mode
    """
    connection = sqlite3.connect(path, timeout=_ALONE_SECONDS)
    try:
        connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        raise DatabaseError(
            f"{path}: another process has it open; stop `publisher run`, `web` and `console` first"
        ) from None
    finally:
        connection.close()


def _engine(
    path: Path, durability: Durability, busy_seconds: float | None, read_only: bool
) -> sa.Engine:
    # Not parsed from text: a folder's name may contain characters with a meaning in URLs.
    url = sa.URL.create("sqlite+publisher", database=str(path))
    timeout = _BUSY_MILLISECONDS / 1000 if busy_seconds is None else busy_seconds
    engine = sa.create_engine(
        url,
        connect_args={"timeout": timeout},
        execution_options={"compiled_cache": _STATEMENTS},
        # Of a statement that fails: they may be addresses, and errors are logged.
        hide_parameters=True,
    )
    sa.event.listen(engine, "connect", partial(_prepare, durability, read_only))
    sa.event.listen(engine, "connect", partial(_protect, path))
    sa.event.listen(engine, "begin", partial(_begin, timeout))
    return engine


def _prepare(
    durability: Durability, read_only: bool, connection: Any, _record: ConnectionPoolEntry
) -> None:
    # Without this, sqlite3 opens transactions of its own.
    connection.isolation_level = None
    # SQLite does not wait by itself when two processes open a new file at once.
    _execute_once_free(connection, "PRAGMA journal_mode=WAL", _BUSY_MILLISECONDS / 1000)
    # What is erased is overwritten: some builds of SQLite leave it in the file's free pages.
    for pragma in (f"synchronous={durability}", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")
    if read_only:
        connection.execute("PRAGMA query_only=ON")


def _protect(path: Path, _connection: Any, _record: ConnectionPoolEntry) -> None:
    # All addresses are in it. SQLite gives the rights of the file to those that it makes beside it.
    for suffix in ("", "-wal", "-shm"):
        files.withdraw_rights(path.with_name(path.name + suffix))


def _begin(timeout: float, connection: sa.Connection) -> None:
    driver: Any = connection.connection.driver_connection
    writes = connection.info.get("begin") == "IMMEDIATE"
    # Who has the write lock waits for nobody. A sender's transactions are all of this kind: set it once.
    milliseconds = 0 if writes else round(timeout * 1000)
    if connection.info.get("busy") != milliseconds:
        driver.execute(f"PRAGMA busy_timeout={milliseconds}")
        connection.info["busy"] = milliseconds
    if writes:
        _execute_once_free(driver, "BEGIN IMMEDIATE", timeout)
    else:
        driver.execute("BEGIN DEFERRED")


def _execute_once_free(driver: Any, statement: str, timeout: float) -> None:
    """Run a statement that needs a lock, as soon as it is free: SQLite looks ten times a second only, and would starve."""
    end = time.monotonic() + timeout
    while True:
        try:
            driver.execute(statement)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= end:
                raise
            time.sleep(_LOCK_PAUSE)
        else:
            return
