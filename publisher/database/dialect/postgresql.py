"""PostgreSQL: the database is on a server, which is reached by psycopg 3.

A writing transaction takes one lock for the whole publication at its start, so it writes alone, as in a SQLite file,
and reads what is committed (READ COMMITTED). A reading transaction sees one state (REPEATABLE READ).
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from publisher.clock import ServerTimer
from publisher.database.dialect import server_session
from publisher.database.dialect.backend import Backend, PreparedQuery, parse_address, printable
from publisher.database.dialect.server_session import unsafe_settings
from publisher.errors import DatabaseError
from publisher.log import log

# The lock of all writers: a number that no other program uses in this database.
_WRITE_LOCK = 0x7075_626C  # "publ"
# Sessions of other processes; the name has process and host (`server_session`).
_OTHERS = """
SELECT DISTINCT application_name FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'publisher/%%'
AND application_name <> current_setting('application_name')
ORDER BY application_name
"""
_NOW = "extract(epoch FROM clock_timestamp())::float8"  # the clock of leases and rates
# What is reserved must not be lost with a crash of the server, or it is sent twice: whatever server,
# user or database are set to, a commit waits for the disk. A stricter setting stays.
_COMMITS_WAIT = (
    "CASE current_setting('synchronous_commit') WHEN 'off' "
    "THEN set_config('synchronous_commit', 'on', true) END"
)
# For one transaction.
_IDLE = "set_config('idle_in_transaction_session_timeout', '{seconds}s', true)"
_PAUSE_SECONDS = 1200  # seconds that a transaction with long work of its own may do nothing
# A writer sees what was committed before it had its lock, whatever server, database or user are set to.
_SEES_COMMITS = "READ COMMITTED"
# Connections of a process: 5 for transactions, 1 for its lead, and 4 for prepared queries of many
# threads. A process that answers requests has two databases, and no prepared queries.
_POOL = {
    "pool_size": 5,
    # A connection beyond the pool is opened and closed for each transaction, which costs a server more than the
    # transaction.
    "max_overflow": 0,
    "pool_recycle": 1800,
    "pool_timeout": server_session.LOCK_SECONDS,
}
# The timeline is that of the log: right after a promotion, the control file still has the former.
_SERVER_ID = sa.text(
    "SELECT (SELECT system_identifier FROM pg_control_system()),"
    " substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),"
    " (SELECT oid FROM pg_database WHERE datname = current_database())"
)
# SQLSTATEs with words of ours: a lock that is not free, a full disk.
_WORDS = {
    "55P03": "another process has been writing for too long. Nothing was lost; try again when it is done",
    "53100": "the disk of the server is full. Nothing was lost; free some space there, and the next run continues",
}
_NO_RIGHT = "42501"
_RIGHTS = (
    ". The publication's user must own the database and its tables: ALTER DATABASE name OWNER TO user; "
    "REASSIGN OWNED BY former TO user"
)
_NO_SERVER = "Check its address, and that the server runs and has this database and user"
_NO_LOGIN = (
    "Put the user's password into PGPASSWORD, into the file that PGPASSFILE names, or into the address in "
    "PUBLISHER_DATABASE"
)
# Of the server; what libpq itself lacks, it says in `needs_password`.
_IS_WRONG_PASSWORD = re.compile(r"password authentication failed")
# Of the server, of a limit of a role or a database, and of PgBouncer.
_IS_FULL = re.compile(
    r"too many (?:clients|connections)|connection slots are reserved|no more connections"
)
_NO_ROOM = (
    "End other programs that use it, raise this limit on the server, or put PgBouncer before it"
)


class PostgresBackend(Backend):
    """A database on a server. Raises DatabaseError if the address is malformed."""

    def __init__(
        self, address: str, busy_seconds: float | None = None, *, read_only: bool = False
    ) -> None:
        try:
            url = parse_address(address)
        except ValueError as error:
            raise DatabaseError(f"the database's address {error}") from None
        self.name = printable(url)
        self.timer = self._clock = ServerTimer()
        self._read_only = read_only
        self.settings = server_session.session_settings(busy_seconds)
        self.engine = _engine(
            url, self.settings, pool_pre_ping=True, isolation_level=_SEES_COMMITS
        )
        self.beside = _engine(
            url, self.settings, pool_pre_ping=True, isolation_level=_SEES_COMMITS, pool_size=1
        )
        self._lookups = _engine(
            url,
            # By a key: planning it for each value again costs more than running it.
            self.settings | {"plan_cache_mode": "force_generic_plan"},
            isolation_level="AUTOCOMMIT",
            pool_reset_on_return=None,
            pool_size=4,
        )

    def check(self) -> None:
        with self.engine.connect() as connection:
            self._clock.set(connection.exec_driver_sql(f"SELECT {_NOW}").scalar_one())
            facts = connection.execute(server_session.FITNESS_QUERY).mappings().one()
        found = server_session.ServerFacts(**facts)
        if fault := server_session.fault_of(found, read_only=self._read_only):
            raise DatabaseError(f"{self.name}: {fault}")
        self.unsafe_settings = unsafe_settings(found)

    def begin(
        self, connection: sa.Connection, *, writes: bool, is_alone: bool = True
    ) -> sa.RootTransaction:
        if writes and self._read_only:
            raise DatabaseError(f"{self.name}: was opened as read-only")
        if not writes:
            connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        transaction = connection.begin()
        if writes:
            driver: Any = connection.connection.driver_connection
            idle = _IDLE.format(seconds=server_session.WRITER_IDLE_SECONDS)
            lock = f"pg_advisory_xact_lock({_WRITE_LOCK})" if is_alone else "NULL"
            # The clock last: columns are computed in their order, and the lock may take long.
            begun = driver.execute(f"SELECT {_COMMITS_WAIT}, {idle}, {lock}, {_NOW}")
            self._clock.set(begun.fetchone()[-1])
        return transaction

    def allow_pause(self, connection: sa.Connection, seconds: int | None) -> None:
        seconds = seconds or server_session.LONG_IDLE_SECONDS
        connection.exec_driver_sql(f"SELECT {_IDLE.format(seconds=seconds)}")

    def keeps_session(self, connection: sa.Connection) -> bool:
        return not server_session.is_pooled(connection)

    @contextmanager
    def upgrading(self, connection: sa.Connection) -> Iterator[None]:
        """Open a transaction that writes, for as long as it takes; tables are changed in their place."""
        with self.begin(connection, writes=True):
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            self.allow_pause(connection, _PAUSE_SECONDS)
            yield

    def explain(self, error: Exception) -> str | None:
        if isinstance(error, PoolTimeoutError):
            return f"{self.name}: no free connection within {server_session.LOCK_SECONDS:g} seconds"
        cause = error.orig if isinstance(error, DBAPIError) else error
        if not isinstance(cause, psycopg.Error):
            return None
        if words := _WORDS.get(cause.sqlstate or ""):
            return f"{self.name}: {words}"
        # The rest of the lines may hold whole rows, and people's addresses.
        if cause.diag.message_primary:
            remedy = _RIGHTS if cause.sqlstate == _NO_RIGHT else ""
            return f"{self.name}: {cause.diag.message_primary}{remedy}"
        # Without a diagnosis of the server, there is no connection.
        said = " ".join(str(cause).split()).rstrip(".?")
        return f"{self.name}: {said}. {_remedy(cause, said)}"

    def is_away(self, error: Exception) -> bool:
        """Return whether no connection was made, or it broke, for another reason than the address's user."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        if not isinstance(cause, psycopg.OperationalError) or cause.sqlstate in _WORDS:
            return False
        return _IS_AWAY.search(str(cause)) is not None

    def prepared(self, statement: sa.ClauseElement) -> PreparedQuery:
        """Return a query that shares a few connections with those of other threads."""
        return _ServerQuery(self, self._lookups, statement)

    def require_alone(self) -> None:
        with self.engine.connect() as connection:
            if server_session.is_pooled(connection):
                raise DatabaseError(
                    f"{self.name}: behind a pooler nobody knows who has it open; give the server's own address"
                )
            others = connection.exec_driver_sql(_OTHERS).scalars().all()
        if others:
            raise DatabaseError(
                f"{self.name}: other processes have it open ({', '.join(others)}); stop `publisher run`, `web` and "
                "`console` first. If they are stopped already, a pooler still has their connections, for some minutes"
            )

    def server_id(self, connection: sa.Connection) -> str:
        return "/".join(str(value) for value in connection.execute(_SERVER_ID).one())

    def keep_copy(self, revision: str | None, target: str) -> None:
        log.warning(
            "the schema is upgraded; a backup is the task of the server's owner, with pg_dump",
            database=self.name,
            before=revision or "unknown",
            after=target,
        )

    def close(self) -> None:
        for engine in (self.engine, self.beside, self._lookups):
            engine.dispose()


# libpq for a port on which nobody listens, and the server while it starts, stops or recovers.
_IS_AWAY = re.compile(
    r"connection refused|no such file|timeout expired|timed out|unreachable|no route to host"
    r"|server closed the connection|terminating connection"
    r"|database system is (starting|shutting|in recovery|not yet)",
    re.IGNORECASE,
)


def _remedy(cause: psycopg.Error, said: str) -> str:
    if _IS_FULL.search(said):
        return _NO_ROOM
    if (cause.pgconn and cause.pgconn.needs_password) or _IS_WRONG_PASSWORD.search(said):
        return _NO_LOGIN
    return _NO_SERVER


class _ServerQuery:
    """One prepared statement, run without SQLAlchemy's overhead."""

    def __init__(
        self, server: PostgresBackend, engine: sa.Engine, statement: sa.ClauseElement
    ) -> None:
        self._server = server
        self._engine = engine
        compiled = statement.compile(
            dialect=engine.dialect, compile_kwargs={"render_postcompile": True}
        )
        self._sql = str(compiled)
        # Both in one message, which is one transaction.
        begin = server_session.set_statement(server.settings, is_local=True)
        self._pooled_sql = f"{begin}; {self._sql}"
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
            driver: Any = connection.driver_connection
            if server_session.is_pooled(connection):
                return self._first_row_pooled(driver, parameters)
            row: tuple[Any, ...] | None = driver.execute(
                self._sql, parameters, prepare=True
            ).fetchone()
        except psycopg.OperationalError:
            connection.invalidate()
            raise
        finally:
            connection.close()
        return row

    def _first_row_pooled(
        self, driver: Any, parameters: Mapping[str, Any]
    ) -> tuple[Any, ...] | None:
        cursor = psycopg.ClientCursor(driver)
        cursor.execute(self._pooled_sql, parameters)
        cursor.nextset()
        return cursor.fetchone()

    def close(self) -> None:
        """Do nothing: the connections are the database's."""


def _engine(url: sa.URL, settings: Mapping[str, str], **options: Any) -> sa.Engine:
    arguments = server_session.connect_arguments(url)
    # Parameters of a statement that fails may be addresses, and errors are logged.
    engine = sa.create_engine(
        url, connect_args=arguments, hide_parameters=True, **(_POOL | options)
    )
    sa.event.listen(engine, "connect", partial(server_session.set_up, settings))
    sa.event.listen(engine, "begin", partial(server_session.set_limits, settings))
    return engine
