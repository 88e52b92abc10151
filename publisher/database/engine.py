"""Opens a publication's database, upgrades its schema with Alembic, and runs transactions on it.

A database with any table is backed up before an upgrade, if it is a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import ClauseElement, Connection, Engine, Select, column, inspect, select, table

from publisher.clock import Timer
from publisher.database.dialect import open_backend
from publisher.database.dialect.backend import Backend, Durability, PreparedQuery
from publisher.database.dialect.job_tables import own_tables
from publisher.errors import DatabaseError, ServerAwayError

# The newest migration in migrations/versions. A constant, so that opening an up-to-date database
# does not import Alembic, which takes longer than an idle cycle; a test compares the two.
HEAD = "0104"
# The first migration. Databases of earlier ones were made by versions that were never released.
_OLDEST = "0104"
_VERSION: Select[Any] = select(column("version_num")).select_from(table("alembic_version"))


def upgrade_schema(backend: Backend) -> None:
    with backend.engine.connect() as connection:
        if _is_current(backend, connection):
            return
    with backend.engine.connect() as connection, backend.upgrading(connection):
        # Another process may have upgraded it meanwhile: its copy of the old rows must stay.
        if _is_current(backend, connection):
            return
        revision = _revision(connection)
        if revision or own_tables(inspect(connection).get_table_names()):
            backend.keep_copy(revision, HEAD)
        _migrate(connection, "head")


def require_current(backend: Backend) -> None:
    if isinstance(backend.path, Path) and not backend.path.exists():
        problem = "is not there yet"
    else:
        with backend.engine.connect() as connection:
            if _is_current(backend, connection):
                return
            is_empty = _revision(connection) is None
        problem = "is empty" if is_empty else "has to be upgraded first"
    raise DatabaseError(f"{backend.name}: {problem}; `publisher run` does it")


def create_schema(backend: Backend) -> None:
    with backend.engine.connect() as connection:
        names = own_tables(inspect(connection).get_table_names())
        if names and not _is_current(backend, connection):
            raise DatabaseError(f"{backend.name}: has tables already; take another database")
    upgrade_schema(backend)


def _is_current(backend: Backend, connection: Connection) -> bool:
    revision = _revision(connection)
    if revision is not None and revision < _OLDEST:
        raise DatabaseError(
            f"{backend.name}: made before 0.1.0 (schema {revision}); it can't be upgraded. Write the list with "
            "`publisher subscribers export` of the program that made it, move the database away, import the list, "
            "and begin with `publisher run --once --new-start`: what has a page in public/ is not sent again"
        )
    if revision is not None and revision > HEAD:
        raise DatabaseError(
            f"{backend.name}: made by a newer version (schema {revision}, this one has {HEAD}); upgrade the program"
        )
    return revision == HEAD


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(_VERSION).scalar()
    return revision


def _migrate(connection: Connection, revision: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    # Alembic expands % in options.
    folder = str(Path(__file__).parent / "migrations").replace("%", "%%")
    config.set_main_option("script_location", folder)
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


_Check = Callable[["Connection"], object]


class Database:
    """One publication's database."""

    def __init__(self, backend: Backend, check: _Check | None = None) -> None:
        self._backend = backend
        self._check = check

    def guarded(self, check: _Check) -> Database:
        """Return this database with a check before each transaction that writes alone. Close the database itself only."""
        return Database(self._backend, check)

    @property
    def name(self) -> str:
        return self._backend.name

    @property
    def path(self) -> Path | None:
        return self._backend.path

    @property
    def timer(self) -> Timer:
        """The clock of leases and rates that all processes share, read anew at the start of each transaction that writes."""
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
        """Open the only transaction that writes at this time; it is committed whole, or rolled back."""
        with self._transaction(writes=True) as connection:
            yield connection

    @contextmanager
    def together(self) -> Iterator[Database]:
        """Yield this database with all its transactions in one. One that fails is undone alone, if what it raises is caught."""
        with self.writing() as connection:
            self.allow_pause(connection)
            yield _OneTransaction(self._backend, connection)

    @contextmanager
    def writing_beside(self) -> Iterator[Connection]:
        """Open a transaction, unguarded, that writes rows which it locks itself: on a server, beside all others."""
        with (
            _explained(self._backend),
            self._backend.beside.connect() as connection,
            self._backend.begin(connection, writes=True, is_alone=False),
        ):
            yield connection

    @contextmanager
    def writing_in_portions(self) -> Iterator[Callable[[], AbstractContextManager[Connection]]]:
        """Yield a function that opens transactions on one connection, with its temporary tables; behind a pooler, all are one."""
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
        """Let a transaction do nothing for so long between two statements, though others may have to wait for it."""
        self._backend.allow_pause(connection, seconds)

    def server_id(self, connection: Connection) -> str:
        return self._backend.server_id(connection)

    def require_alone(self) -> None:
        with _explained(self._backend):
            self._backend.require_alone()

    def explained(self) -> AbstractContextManager[None]:
        """Raise errors of the database as DatabaseError, while a transaction goes on."""
        return _explained(self._backend)

    def prepared(self, statement: ClauseElement) -> PreparedQuery:
        """Return a query for one thread, run without SQLAlchemy's overhead, with its parameters by name."""
        return self._backend.prepared(statement)

    def close(self) -> None:
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

    With `normal` durability a commit survives a kill, but a power cut may lose it. `busy_seconds` is how long writers
    wait. Raise DatabaseError for one that can't be opened, is of a newer version, or would have to be upgraded
    without `upgrade`.
    """
    backend = open_backend(address, durability, busy_seconds, read_only=read_only)
    return _opened(backend, upgrade_schema if upgrade else require_current)


def create_database(address: Path | str) -> Database:
    """Open a database, and create its tables if it has none. Raise DatabaseError if it has others."""
    return _opened(open_backend(address, "full"), create_schema)


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
    try:
        yield
    except Exception as error:
        message = backend.explain(error)
        if message is None:
            raise
        kind = ServerAwayError if backend.is_away(error) else DatabaseError
        raise kind(message) from error


_Value = TypeVar("_Value")
MAX_SQL_PARAMETERS = 900  # values in one statement: some databases take no more than 999


def chunks(
    values: Sequence[_Value], size: int = MAX_SQL_PARAMETERS
) -> Iterator[Sequence[_Value]]:
    """Yield the values in lists of `size`, by default as many as an IN clause takes."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
