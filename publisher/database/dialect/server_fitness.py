"""Whether a publication can use a PostgreSQL server and its database. Pure, but for the query."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

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
    """Return what is wrong and what to do, or None.

    Text must be sorted by its bytes, as in SQLite and Python.
    """
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
