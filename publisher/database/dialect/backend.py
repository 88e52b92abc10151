"""The interface between `publisher.database.engine` and a database, and addresses of servers.

The driver is not imported: settings are checked without it. A faulty address is never repeated, since any part of it
may belong to a password.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, Protocol

from sqlalchemy import URL, ClauseElement, Connection, Engine, RootTransaction, make_url
from sqlalchemy.exc import ArgumentError

from publisher.clock import Timer

# How much a commit survives: a power cut, or only a kill of this process.
Durability = Literal["full", "normal"]


class PreparedQuery(Protocol):
    """A query that is run often by one thread. Another thread may close it."""

    def __call__(self, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Return the first row of what is committed now, or None."""

    def close(self) -> None:
        """Free what the query holds. Doing so twice is no error."""


class Backend(Protocol):
    """One publication's database, as SQLite or PostgreSQL has it. Methods with a body do what a file needs."""

    name: str  # the name for messages: a path, or an address without its password
    engine: Engine
    # For `writing_beside`: who leads must not wait for a connection that waiting writers have.
    beside: Engine
    timer: Timer  # this machine's clock, or the server's
    # What the server is set to, as `check` found it, with which a power cut may lose commits.
    unsafe_settings: Sequence[str] = ()
    path: Path | None = None  # the file, if it is one

    def check(self) -> None:
        """Raise DatabaseError if the database is not fit for a publication, as any file is."""
        return

    def begin(
        self, connection: Connection, *, writes: bool, is_alone: bool = True
    ) -> RootTransaction:
        """Begin a transaction that reads one state, or one that writes: alone, if others can't beside it."""

    def allow_pause(self, connection: Connection, seconds: int | None) -> None:
        """Let this transaction do nothing for minutes; else one of a process that was stopped is ended."""

    def keeps_session(self, connection: Connection) -> bool:  # noqa: ARG002  # a server's
        return True

    def upgrading(self, connection: Connection) -> AbstractContextManager[None]:
        """Open a transaction that writes alone and may make tables anew, keeping who refers to them."""

    def explain(self, error: Exception) -> str | None:
        """Return an error of this database in one line, or None if the error is not one of the database."""

    def is_away(self, error: Exception) -> bool:  # noqa: ARG002  # a server's
        """Return whether an error says that the server answers nobody now."""
        return False

    def prepared(self, statement: ClauseElement) -> PreparedQuery:
        """Return a query that takes its parameters at each call."""

    def require_alone(self) -> None:
        """Raise DatabaseError while another process has this database open."""

    def server_id(self, connection: Connection) -> str:  # noqa: ARG002  # a server's
        """Return which server, timeline and database this is, as another may take over; empty for a file, which may be moved."""
        return ""

    def keep_copy(self, revision: str | None, target: str) -> None:
        """Copy the database before an upgrade, or log that the server's owner has to."""

    def close(self) -> None:
        """Close all connections."""


_SCHEMES = ("postgresql", "postgresql+psycopg", "postgres")
_EXAMPLE = "write postgresql://user@host/name"
# Several hosts, each with a port of its own or none, as libpq reads them.
_SEVERAL_HOSTS = re.compile(r"([^/]+://(?:[^/@]*@)?)([^/?@]+,[^/?@]+)(/[^?@]*)(?:\?(.*))?")
SECRET_PARAMETERS = ("password", "sslpassword")  # parameters of libpq that hold passwords


def parse_address(address: str) -> URL:
    """Return an address in parts; raise ValueError with the problem and the remedy."""
    try:
        url = make_url(_with_hosts_as_parameters(address))
    except (ArgumentError, ValueError):
        raise ValueError(f"is no address of a database; {_EXAMPLE}") from None
    user, at, place = address.partition("://")[2].partition("?")[0].partition("@")
    if "@" in place or (at and "/" in user):
        raise ValueError(
            "has more than one @, or a / before it; in user and password, write %40 for @ and %2F for /"
        )
    if url.drivername not in _SCHEMES or not url.database:
        raise ValueError(f"is no address of a database: {printable(url)}; {_EXAMPLE}")
    return url.set(drivername="postgresql+psycopg")


def _with_hosts_as_parameters(address: str) -> str:
    """Return an address with several hosts in the form that SQLAlchemy reads; any other one as it is."""
    if not (found := _SEVERAL_HOSTS.fullmatch(address)):
        return address
    start, hosts, name, parameters = found.groups()
    options = [f"host={host}" for host in hosts.split(",")] + [parameters] * bool(parameters)
    return f"{start}{name}?{'&'.join(options)}"


def is_address(text: str) -> bool:
    return "://" in text


def require_no_password(address: str) -> str:
    """Return an address that may stand in a file; raise ValueError if it has a password."""
    url = parse_address(address)
    if url.password is not None or not url.query.keys().isdisjoint(SECRET_PARAMETERS):
        raise ValueError(
            "has a password, which does not belong in this file; leave it out, and put it into PGPASSWORD, "
            "into a file that PGPASSFILE names, or put the whole address into PUBLISHER_DATABASE"
        )
    return address


def printable(url: URL) -> str:
    """Return an address without user, password and options."""
    return URL.create(
        url.drivername.partition("+")[0], host=url.host, port=url.port, database=url.database
    ).render_as_string()
