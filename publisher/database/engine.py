"""Opens a publication's database and runs transactions on it.

What differs between databases is in `publisher.database.dialect`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from publisher.database import schema
from publisher.database.dialect import open_backend
from publisher.errors import DatabaseError, ServerAwayError

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import ClauseElement, Connection, Engine

    from publisher.clock import Timer
    from publisher.database.dialect.backend import Backend, Durability, PreparedQuery


_Check = Callable[["Connection"], object]


class Database:
    """One publication's database."""

    def __init__(self, backend: Backend, check: _Check | None = None) -> None:
        self._backend = backend
        self._check = check

    def guarded(self, check: _Check) -> Database:
        """Return this database with a check at the start of each transaction that writes.

        Those of `writing_beside` are not checked. What the check raises prevents the transaction. Close the
        database itself only.
        """
        return Database(self._backend, check)

    @property
    def name(self) -> str:
        """The name for messages: a path, or an address without its password."""
        return self._backend.name

    @property
    def path(self) -> Path | None:
        """The file, if the database is one."""
        return self._backend.path

    @property
    def timer(self) -> Timer:
        """The clock of leases and rates, which all processes on this database share.

        It is read anew at the start of each transaction that writes.
        """
        return self._backend.timer

    @property
    def unsafe_settings(self) -> Sequence[str]:
        """What a server is set to with which a power cut may lose commits; nothing for a file."""
        return self._backend.unsafe_settings

    @property
    def _engine(self) -> Engine:
        return self._backend.engine

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that may write; it is committed whole, or rolled back.

        It is the only one that writes at this time.
        """
        with self._transaction(writes=True) as connection:
            yield connection

    @contextmanager
    def together(self) -> Iterator[Database]:
        """Yield this database with all its transactions in one that writes: all are committed, or none.

        A transaction in it that fails is undone by itself, if what it raises is caught.
        """
        with self.writing() as connection:
            self.allow_pause(connection)
            yield _OneTransaction(self._backend, connection)

    @contextmanager
    def writing_beside(self) -> Iterator[Connection]:
        """Open a transaction that writes rows which it locks itself: on a server, beside the others.

        It waits for none of those that write, however long they take. No check of `guarded` is run.
        """
        with (
            _explained(self._backend),
            self._backend.beside.connect() as connection,
            self._backend.begin(connection, writes=True, is_alone=False),
        ):
            yield connection

    @contextmanager
    def writing_in_portions(self) -> Iterator[Callable[[], AbstractContextManager[Connection]]]:
        """Yield a function that opens a transaction that may write, on the same connection each time.

        Temporary tables last from one to the next, and other writers get their turn in between. Behind
        a pooler all portions are one transaction, and others wait until its end.
        """
        with _explained(self._backend), self._backend.engine.connect() as connection:
            if self._backend.keeps_session(connection):
                yield partial(self._portion, connection)
                return
            # Behind a pooler temporary tables end with the transaction.
            with self._backend.begin(connection, writes=True):
                self._run_check(connection)
                yield partial(_savepoint, connection)

    @contextmanager
    def _portion(self, connection: Connection) -> Iterator[Connection]:
        with _explained(self._backend), self._backend.begin(connection, writes=True):
            self._run_check(connection)
            yield connection

    def _run_check(self, connection: Connection) -> None:
        if self._check:
            self._check(connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that reads one consistent state."""
        with self._transaction(writes=False) as connection:
            yield connection

    @contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[Connection]:
        with (
            _explained(self._backend),
            self._backend.engine.connect() as connection,
            self._backend.begin(connection, writes=writes),
        ):
            if writes:
                self._run_check(connection)
            yield connection

    def allow_pause(self, connection: Connection, *, seconds: int | None = None) -> None:
        """Let a transaction do nothing for so long between two statements, by default two minutes.

        Others may have to wait for it, also if its process is stopped meanwhile.
        """
        self._backend.allow_pause(connection, seconds)

    def server_id(self, connection: Connection) -> str:
        """Return which server and database this is; empty for a file."""
        return self._backend.server_id(connection)

    def require_alone(self) -> None:
        """Raise DatabaseError while another process has this database open, even if it does nothing."""
        with _explained(self._backend):
            self._backend.require_alone()

    def explained(self) -> AbstractContextManager[None]:
        """Raise errors of the database as DatabaseError, while a transaction goes on."""
        return _explained(self._backend)

    def prepared(self, statement: ClauseElement) -> PreparedQuery:
        """Return a query for one thread, run without SQLAlchemy's overhead.

        It takes its parameters by name at each call, which reads what is committed at that time.
        """
        return self._backend.prepared(statement)

    def close(self) -> None:
        """Close the file or the connections."""
        self._backend.close()


class _OneTransaction(Database):
    """A database whose transactions are parts of one that is open."""

    def __init__(self, backend: Backend, connection: Connection) -> None:
        super().__init__(backend)
        self._connection = connection

    @contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[Connection]:
        if not writes:
            yield self._connection
            return
        with _savepoint(self._connection) as connection:
            yield connection


def open_database(
    address: Path | str,
    durability: Durability = "full",
    *,
    upgrade: bool = True,
    busy_seconds: float | None = None,
    read_only: bool = False,
) -> Database:
    """Open a publication's database: a file, or an address on a server. Create or upgrade its tables.

    A file is copied before it is upgraded. With `normal` durability a commit survives a kill,
    but a power cut may lose it. A transaction that writes waits `busy_seconds` for
    others, by default half a minute. Raise
    DatabaseError when the database can't be opened, was made by a newer version, or would have to
    be upgraded without `upgrade`. A `read_only` database refuses every change.
    """
    backend = open_backend(address, durability, busy_seconds, read_only=read_only)
    return _opened(backend, schema.upgrade_schema if upgrade else schema.require_current)


def create_database(address: Path | str) -> Database:
    """Open a database, and create its tables if it has none. Raise DatabaseError if it has others."""
    return _opened(open_backend(address, "full"), schema.create_schema)


def _opened(backend: Backend, prepare: Callable[[Backend], None]) -> Database:
    try:
        with _explained(backend):
            backend.check()
            prepare(backend)
    except BaseException:
        backend.close()
        raise
    return Database(backend)


@contextmanager
def _savepoint(connection: Connection) -> Iterator[Connection]:
    with connection.begin_nested():
        yield connection


@contextmanager
def _explained(backend: Backend) -> Iterator[None]:
    """Raise errors of the database as DatabaseError."""
    try:
        yield
    except Exception as error:
        message = backend.explain(error)
        if message is None:
            raise
        kind = ServerAwayError if backend.is_away(error) else DatabaseError
        raise kind(message) from error


_Value = TypeVar("_Value")
# Values in one statement: some builds of a database take no more than 999.
MAX_SQL_PARAMETERS = 900


def chunks(
    values: Sequence[_Value], size: int = MAX_SQL_PARAMETERS
) -> Iterator[Sequence[_Value]]:
    """Yield the values in lists of `size`, by default as many as an IN clause takes."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
