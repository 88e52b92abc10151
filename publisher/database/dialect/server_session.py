"""Sessions of PostgreSQL, also behind a pooler, and whether a publication can use a server.

A pooler in transaction mode, such as PgBouncer, gives each transaction another session of the server: there, settings
last for one transaction, and statements are not prepared.
"""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg.types.string import StrDumper
from sqlalchemy import URL, Connection, text
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

LOCK_SECONDS = 30.0  # seconds that a transaction waits for a lock, as long as for a file
# A transaction that does nothing for so many seconds belongs to a process that was stopped.
_IDLE_SECONDS = 60
# The same of one that may write: it may have the lock of all writers, or the leader's row. No longer than the
# lease of a leader (`publisher.leader.store`), so that whoever follows one that was stopped does not wait for it.
WRITER_IDLE_SECONDS = 20
# The same where files are read, or all articles are compared, between two statements. Copying, recovering and
# upgrading a database have 20 minutes, by `allow_pause`.
LONG_IDLE_SECONDS = 120
_STATEMENT_SECONDS = 1200  # the longest statements open a ledger: a million rows take seconds
# The other side is gone if nothing comes back for 25 seconds: server and network for us (libpq's names),
# and we for the server, which then frees our locks. By default the kernel would wait for hours.
_ALIVE = {"idle": 10, "interval": 5, "count": 3}
_UNANSWERED = {"tcp_user_timeout": 25_000}
CONNECTING = {
    "connect_timeout": 10,
    **{f"keepalives_{name}": value for name, value in _ALIVE.items()},
    **_UNANSWERED,
}
_SERVING = {
    **{f"tcp_keepalives_{name}": value for name, value in _ALIVE.items()},
    **_UNANSWERED,
}
_POOLED = "pooled"
# For one transaction: what server, database and role say.
RESET_SEARCH_PATH = "set_config('search_path', NULL, true)"


class _TextDumper(StrDumper):
    """Text without U+0000, which PostgreSQL can't store and SQLite can."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "") if "\0" in obj else obj)


def session_settings(lock_seconds: float | None) -> dict[str, str]:
    """Return the server's settings by name; `lock_seconds` replaces the usual limit."""
    seconds = LOCK_SECONDS if lock_seconds is None else lock_seconds
    return {
        "lock_timeout": f"{seconds * 1000:.0f}",
        "idle_in_transaction_session_timeout": f"{_IDLE_SECONDS}s",
        "statement_timeout": f"{_STATEMENT_SECONDS}s",
        # A killed process frees its locks, also in the middle of a statement.
        "client_connection_check_interval": "5s",
        **{name: str(value) for name, value in _SERVING.items()},
        "datestyle": "ISO",
        "timezone": "UTC",
        "standard_conforming_strings": "on",
    }


def connection_parameters(url: URL) -> dict[str, Any]:
    """Return an address as libpq's parameters, with ours: as SQLAlchemy reads it, also if it has several hosts."""
    _words, named = url.get_dialect()().create_connect_args(url)
    return dict(named) | connect_arguments(url)


def connect_arguments(url: URL) -> dict[str, Any]:
    """Return how to connect. What the address says itself counts."""
    ours = {
        # Also in a database with another encoding, which is refused in words, and whatever PGCLIENTENCODING says.
        "client_encoding": "utf8",
        **CONNECTING,
    }
    # How others find out that this process is connected, whatever the address says: 63 bytes of it count.
    name = f"publisher/{os.getpid()}/{socket.gethostname()}"
    return {name: value for name, value in ours.items() if name not in url.query} | {
        "application_name": name
    }


def set_up(settings: Mapping[str, str], driver: Any, record: ConnectionPoolEntry) -> None:
    """Prepare a new connection, and note whether it leads to a pooler, as PgBouncer, which refuses settings in a first message."""
    driver.adapters.register_dumper(str, _TextDumper)
    is_autocommit, driver.autocommit = driver.autocommit, True
    ((number,),) = driver.execute("SELECT pg_backend_pid()").fetchall()
    record.info[_POOLED] = number != driver.info.backend_pid
    if record.info[_POOLED]:
        driver.prepare_threshold = None
    else:
        driver.execute(set_statement(settings, is_local=False))
    driver.autocommit = is_autocommit


def set_limits(settings: Mapping[str, str], connection: Connection) -> None:
    """Set up a transaction that begins, if its session may be another one than before."""
    if is_pooled(connection):
        driver: Any = connection.connection.driver_connection
        driver.execute(set_statement(settings, is_local=True))


def is_pooled(connection: Connection | PoolProxiedConnection) -> bool:
    """Return whether the next transaction may be in another session of the server."""
    return bool(connection.info[_POOLED])


def set_statement(settings: Mapping[str, str], *, is_local: bool) -> str:
    """Return a query that sets them, for this transaction or for the session."""
    scope = str(is_local).lower()
    calls = [f"set_config('{name}', '{value}', {scope})" for name, value in settings.items()]
    if is_local:
        # In a session of a pooler, somebody's `pg_dump` may have left an empty one.
        calls.append(RESET_SEARCH_PATH)
    return f"SELECT {', '.join(calls)}"


OLDEST_VERSION = 15
# The collations of PostgreSQL's own provider (17 and later) sort by code point.
_BUILT_IN, _OF_SYSTEM = "b", "c"

FITNESS_QUERY = text(
    "SELECT current_setting('server_version_num')::int / 10000 AS version,"
    " pg_encoding_to_char(encoding) AS encoding, datcollate AS collation,"
    " datlocprovider::text AS provider, pg_is_in_recovery() AS is_standby,"
    " current_setting('fsync')::boolean AS fsync,"
    " current_setting('full_page_writes')::boolean AS full_page_writes,"
    " current_schema() AS schema"
    " FROM pg_database WHERE datname = current_database()"
)


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """The columns of the query."""

    version: int
    encoding: str
    collation: str
    provider: str
    is_standby: bool
    fsync: bool
    full_page_writes: bool
    schema: str | None


def fault_of(server: ServerFacts, *, read_only: bool) -> str | None:
    """Return what is wrong and what to do, or None. Text must be sorted by bytes, as in SQLite and Python."""
    if server.version < OLDEST_VERSION:
        return f"the server is PostgreSQL {server.version}; a publication needs {OLDEST_VERSION} or later"
    sorts_by_bytes = server.provider == _BUILT_IN or (
        server.provider == _OF_SYSTEM and server.collation in {"C", "POSIX"}
    )
    if server.encoding != "UTF8" or not sorts_by_bytes:
        return (
            f"has encoding {server.encoding} and collation {server.collation}; a publication needs "
            "UTF8 and C. Make another one: CREATE DATABASE name TEMPLATE template0 "
            "ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER libc"
        )
    if server.is_standby and not read_only:
        return (
            "the server is a standby, which only reads; write the address of the primary, or several "
            "hosts and target_session_attrs=read-write"
        )
    if server.schema is None:
        # No table would be seen: it must not count as an empty database.
        return (
            "this user may use no schema of the search_path; write ALTER ROLE user SET search_path = public, "
            "or GRANT USAGE ON SCHEMA public TO user"
        )
    return None


def unsafe_settings(server: ServerFacts) -> list[str]:
    """Return the settings with which a power cut may lose commits, or the whole database."""
    found = {"fsync": server.fsync, "full_page_writes": server.full_page_writes}
    return [f"{name} = off" for name, is_on in found.items() if not is_on]
