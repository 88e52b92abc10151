"""The interface between `publisher.database.engine` and a database: SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, Protocol

from sqlalchemy import ClauseElement, Connection, Engine, RootTransaction

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
    """One publication's database, as SQLite or PostgreSQL has it."""

    # The name for messages: a path, or an address without its password.
    name: str
    engine: Engine
    # For `writing_beside`: who leads must not wait for a connection that waiting writers have.
    beside: Engine
    # This machine's clock, or the server's.
    timer: Timer
    # What the server is set to, as `check` found it, with which a power cut may lose commits.
    unsafe_settings: Sequence[str]

    def check(self) -> None:
        """Raise DatabaseError if the database is not fit for a publication."""

    def begin(
        self, connection: Connection, *, writes: bool, is_alone: bool = True
    ) -> RootTransaction:
        """Begin a transaction that reads one state, or one that writes: alone, if others can't beside it."""

    def allow_pause(self, connection: Connection, seconds: int | None) -> None:
        """Let this transaction do nothing for minutes; else one of a process that was stopped is ended."""

    def keeps_session(self, connection: Connection) -> bool:
        """Return whether temporary tables last from one transaction to the next."""

    def upgrading(self, connection: Connection) -> AbstractContextManager[None]:
        """Open a transaction that writes alone and may make tables anew, keeping who refers to them."""

    def explain(self, error: Exception) -> str | None:
        """Return an error of this database in one line, or None if the error is not one of the database."""

    def is_away(self, error: Exception) -> bool:
        """Return whether an error says that the server answers nobody now."""

    def prepared(self, statement: ClauseElement) -> PreparedQuery:
        """Return a query that takes its parameters at each call."""

    def require_alone(self) -> None:
        """Raise DatabaseError while another process has this database open."""

    def server_id(self, connection: Connection) -> str:
        """Return which server, timeline and database this is; empty for a file.

        It changes when a database is restored elsewhere, or when another server takes over.
        """

    @property
    def path(self) -> Path | None:
        """The file, if it is one."""

    def keep_copy(self, revision: str | None, target: str) -> None:
        """Copy the database before an upgrade, or log that the server's owner has to."""

    def close(self) -> None:
        """Close all connections."""
