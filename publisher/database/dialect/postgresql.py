"""PostgreSQL: the database is on a server, which is reached by psycopg 3.

A writing transaction takes one lock for the whole publication at its start, so it writes alone,
as it would in a SQLite file. It reads what is committed (READ COMMITTED), which no other writer
changes meanwhile. A reading transaction sees one state (REPEATABLE READ).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import structlog
from psycopg.types.string import StrDumper
from sqlalchemy import (
    URL,
    ClauseElement,
    Connection,
    Engine,
    RootTransaction,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from publisher.errors import DatabaseError

if TYPE_CHECKING:
    from sqlalchemy.pool import ConnectionPoolEntry

    from publisher.database.dialect.backend import PreparedQuery

log = structlog.get_logger()

_SCHEMES = ("postgresql", "postgresql+psycopg", "postgres")
# The lock of all writers: a number that no other program uses in this database.
_WRITE_LOCK = 0x7075_626C  # "publ"
# Seconds: to connect, and to wait for a lock or a connection. As long as for a file.
_CONNECT_SECONDS = 10
_LOCK_SECONDS = 30
# A transaction that does nothing for so long belongs to a process that was stopped.
_IDLE_SECONDS = 300
# Connections of this process. The second pool is for prepared queries of many threads.
_POOL = {
    "pool_size": 3,
    "max_overflow": 2,
    "pool_recycle": 1800,
    "pool_timeout": _LOCK_SECONDS,
}
_OPTIONS = " ".join(
    f"-c {option}"
    for option in (
        f"lock_timeout={_LOCK_SECONDS}s",
        # A killed process frees the lock, also in the middle of a statement.
        "client_connection_check_interval=5s",
        "datestyle=ISO",
        "timezone=UTC",
        "standard_conforming_strings=on",
    )
)
_TAKE_LOCK = (
    f"SELECT pg_advisory_xact_lock({_WRITE_LOCK}), "
    f"set_config('idle_in_transaction_session_timeout', '{_IDLE_SECONDS}s', true)"
)
_LOCALE = text(
    "SELECT pg_encoding_to_char(encoding), datcollate, datlocprovider FROM pg_database"
    " WHERE datname = current_database()"
)
_LOCK_NOT_AVAILABLE = "55P03"
_DISK_FULL = "53100"


class _TextDumper(StrDumper):
    """Text without U+0000, which PostgreSQL can't store and SQLite can."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "") if "\0" in obj else obj)


class PostgresBackend:
    """A database on a server. Raises DatabaseError if the address is malformed."""

    path: Path | None = None

    def __init__(
        self, address: str, busy_seconds: float | None = None, *, read_only: bool = False
    ) -> None:
        url = _parse(address)
        self.name = _printable(url)
        more = "" if busy_seconds is None else f" -c lock_timeout={busy_seconds * 1000:.0f}ms"
        self._read_only = read_only
        self.engine = _engine(url, more, pool_pre_ping=True)
        self._lookups = _engine(
            url, more, isolation_level="AUTOCOMMIT", pool_reset_on_return=None
        )

    def check(self) -> None:
        """Raise DatabaseError unless text is sorted by its bytes, as in SQLite and Python."""
        with self.engine.connect() as connection:
            encoding, collation, provider = connection.execute(_LOCALE).one()
        if encoding == "UTF8" and collation in {"C", "POSIX"} and provider == "c":
            return
        raise DatabaseError(
            f"{self.name}: has encoding {encoding} and collation {collation}; a publication needs "
            "UTF8 and C. Make another one: CREATE DATABASE name TEMPLATE template0 "
            "ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER libc"
        )

    def begin(self, connection: Connection, *, writes: bool) -> RootTransaction:
        """Begin a transaction; one that writes holds the lock of all writers."""
        if writes and self._read_only:
            raise DatabaseError(f"{self.name}: was opened as read-only")
        if writes:
            transaction = connection.begin()
            driver: Any = connection.connection.driver_connection
            driver.execute(_TAKE_LOCK)
            return transaction
        connection.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        return connection.begin()

    @contextmanager
    def upgrading(self, connection: Connection) -> Iterator[None]:
        """Open a transaction that writes: here, tables are changed in their place."""
        with self.begin(connection, writes=True):
            yield

    def explain(self, error: Exception) -> str | None:
        """Return an error of PostgreSQL in one line, or None for other errors."""
        if isinstance(error, PoolTimeoutError):
            return f"{self.name}: no free connection within {_LOCK_SECONDS} seconds"
        cause = error.orig if isinstance(error, DBAPIError) else error
        if not isinstance(cause, psycopg.Error):
            return None
        if cause.sqlstate == _DISK_FULL:
            return (
                f"{self.name}: the disk of the server is full. Nothing was lost; free some space "
                "there, and the next run continues"
            )
        if cause.sqlstate == _LOCK_NOT_AVAILABLE:
            return (
                f"{self.name}: another process has been writing for too long. "
                "Nothing was lost; try again when it is done"
            )
        # The rest of the lines may hold whole rows, and people's addresses.
        if cause.diag.message_primary:
            return f"{self.name}: {cause.diag.message_primary}"
        # Without a diagnosis of the server, there is no connection.
        return (
            f"{self.name}: {' '.join(str(cause).split()).rstrip('.?')}. Check PUBLISHER_DATABASE, and that the "
            "server runs and has this database and user"
        )

    def prepared(self, statement: ClauseElement) -> PreparedQuery:
        """Return a query that shares a few connections with those of other threads."""
        return _ServerQuery(self, self._lookups, statement)

    def keep_copy(self, revision: str | None, target: str) -> None:
        """Log that backups are the task of the server's owner."""
        log.warning(
            "the schema is upgraded; a backup is the task of the server's owner, with pg_dump",
            database=self.name,
            before=revision or "unknown",
            after=target,
        )

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        self._lookups.dispose()


class _ServerQuery:
    """One prepared statement, run without SQLAlchemy's overhead."""

    def __init__(
        self, server: PostgresBackend, engine: Engine, statement: ClauseElement
    ) -> None:
        self._server = server
        self._engine = engine
        compiled = statement.compile(
            dialect=engine.dialect, compile_kwargs={"render_postcompile": True}
        )
        self._sql = str(compiled)
        self._constants = compiled.params

    def __call__(self, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        parameters = self._constants | {**values}
        try:
            try:
                return self._first_row(parameters)
            except psycopg.OperationalError:
                # After a restart of the server all connections are broken; a query can be repeated.
                self._engine.dispose()
                return self._first_row(parameters)
        except (psycopg.Error, DBAPIError, PoolTimeoutError) as error:
            raise DatabaseError(str(self._server.explain(error))) from error

    def _first_row(self, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
        connection = self._engine.raw_connection()
        try:
            cursor = connection.driver_connection.execute(  # type: ignore[union-attr]
                self._sql, parameters, prepare=True
            )
            row: tuple[Any, ...] | None = cursor.fetchone()
        except psycopg.OperationalError:
            connection.invalidate()
            raise
        finally:
            connection.close()
        return row

    def close(self) -> None:
        """Do nothing: the connections are the database's."""


def _parse(address: str) -> URL:
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        # Not repeated: it may hold a password.
        raise DatabaseError(
            "PUBLISHER_DATABASE is no address; write postgresql://user:password@host/name"
        ) from None
    if "@" in f"{url.host}{url.database}":
        # The rest of a password: not repeated either.
        raise DatabaseError(
            "PUBLISHER_DATABASE has more than one @, or a / before it; in user and password, write "
            "%40 for @ and %2F for /"
        )
    if url.drivername not in _SCHEMES or not url.database:
        raise DatabaseError(
            f"PUBLISHER_DATABASE is no address of a database: {_printable(url)}; "
            "write postgresql://user:password@host/name, or unset it to use the file in var/"
        )
    return url.set(drivername="postgresql+psycopg")


def _printable(url: URL) -> str:
    """Return an address without user, password and options."""
    return URL.create(
        url.drivername.partition("+")[0], host=url.host, port=url.port, database=url.database
    ).render_as_string()


def _engine(url: URL, more: str, **options: Any) -> Engine:
    arguments = {
        "connect_timeout": _CONNECT_SECONDS,
        "application_name": f"publisher/{socket.gethostname()}/{os.getpid()}",
        "options": _OPTIONS + more,
    }
    engine = create_engine(url, connect_args=arguments, **_POOL, **options)
    event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: Any, _record: ConnectionPoolEntry) -> None:
    connection.adapters.register_dumper(str, _TextDumper)
