"""The databases of the tests: SQLite files, or databases on the PostgreSQL server of this run.

`pytest --database=postgresql` runs the tests on PostgreSQL. A test names a database by the path
that its file has, or would have. On the server each path has a database of its own; it is a copy
of one that the migrations made, which takes 10 to 30 ms.
"""

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import BigInteger, Connection, Integer, MetaData, func, inspect, select

from publisher.config import SETTINGS_FILE, Settings
from publisher.database import Database, engine, open_database
from publisher.database.dialect import sqlite
from tools.servers import PostgresDatabases

DATABASE_FILE = Path("var") / "publisher.db"
# How a connection to a file begins, before `wait_for_no_disk`.
prepare_sqlite = sqlite._prepare


@dataclass
class _Server:
    """The databases that this process made on the server of this run."""

    databases: PostgresDatabases
    made: dict[Path, str] = field(default_factory=dict)

    @cached_property
    def migrated(self) -> str:
        """A database that the migrations made, to be copied."""
        name = f"migrated_{os.getpid()}"
        open_database(self.databases.create(name)).close()
        return name

    def make(self, path: Path, template: str) -> str:
        self.made[path] = name = _name(path)
        return self.databases.create(name, template)

    def drop(self, path: Path) -> None:
        self.databases.drop(self.made.pop(path))


_server: _Server | None = None


def use_server(folder: Path) -> None:
    """Let the tests of this process use the server in a folder from now on."""
    global _server  # noqa: PLW0603  # one for the run, as its option says
    _server = _Server(PostgresDatabases(folder))


def leave_server() -> None:
    """Close the connections to the server."""
    if _server is not None:
        _server.databases.close()


def on_postgresql() -> bool:
    """Say whether this run is on PostgreSQL."""
    return _server is not None


def database_address(path: Path) -> Path | str:
    """Return what `open_database` takes for the database of a path: the path itself, or a URL."""
    if _server is None:
        return path
    name = _name(path)
    if path not in _server.made and name not in _server.databases.names():
        return _server.make(path, _server.migrated)
    return _server.databases.url(name)


def new_database(path: Path) -> Path | str:
    """Return the address of a database that has no tables yet; on the server, in the place of another."""
    if _server is None:
        return path
    _drop_made(_server, path)
    return _server.make(path, "template0")


def copy_test_database(source: Path, target: Path) -> Path | str:
    """Copy a database that nobody has open. Return the copy's address."""
    if _server is None:
        return shutil.copyfile(source, target)
    _drop_made(_server, target)
    return _server.make(target, _name(source))


def _drop_made(server: _Server, path: Path) -> None:
    if path in server.made:
        server.drop(path)


def create_tables_quickly(patch: pytest.MonkeyPatch, template: Path) -> None:
    """Let a new file get the tables of a template, as the migrations made them there.

    They take 0.2 s for each file. Files with tables are upgraded by them as ever.
    """
    if on_postgresql():
        return
    run_migrations = engine._migrate

    def create(connection: Connection, revision: str) -> None:
        if inspect(connection).get_table_names():
            run_migrations(connection, revision)
            return
        for statement in _statements(template):
            connection.exec_driver_sql(statement)

    patch.setattr(engine, "_migrate", create)


@cache
def _statements(template: Path) -> list[str]:
    with closing(sqlite3.connect(template)) as made:
        return [*made.iterdump()][1:-1]  # without BEGIN and COMMIT


def wait_for_no_disk(patch: pytest.MonkeyPatch) -> None:
    """Let nothing of this process wait until the disk has what was written.

    No power is cut during a test. A cycle of few articles waits 200 times, 3 to 7 ms each.
    """

    def without_syncs(*arguments: Any) -> None:
        prepare_sqlite(*arguments)
        (_durability, _read_only, connection, _record) = arguments
        connection.execute("PRAGMA synchronous=OFF")

    patch.setattr(sqlite, "_prepare", without_syncs)
    if on_postgresql():
        # The server of this run is set so, and a run would say that.
        patch.setattr(
            "publisher.database.dialect.postgresql.unsafe_settings", lambda _facts: []
        )
    for name in ("fsync", "fdatasync"):
        patch.setattr(os, name, lambda _descriptor: None)


def drop_databases(folder: Path) -> None:
    """Delete the databases on the server whose paths are below a folder."""
    if _server is not None:
        for path in [path for path in _server.made if folder in path.parents]:
            _server.drop(path)


def delete_all_rows(database: Database) -> None:
    """Delete every row: that is faster than another database, for thousands of examples."""
    with database.writing() as connection:
        for statement in _deletions(connection):
            connection.exec_driver_sql(statement)


# To read the tables takes longer than to empty them; they are the same in all databases of a kind.
_deletions_by_dialect: dict[str, list[str]] = {}


def _deletions(connection: Connection) -> list[str]:
    dialect = connection.dialect.name
    if dialect in _deletions_by_dialect:
        return _deletions_by_dialect[dialect]
    tables = MetaData()
    # The audit log refuses it, and without its lineage the database counts as a copy.
    kept = {"alembic_version", "audit_entry", "lineage"}
    tables.reflect(connection, only=lambda name, _tables: name not in kept)
    if dialect == "sqlite":
        names = [*(table.name for table in reversed(tables.sorted_tables)), "sqlite_sequence"]
        statements = [f"DELETE FROM {name}" for name in names]
    else:
        statements = [f"TRUNCATE {', '.join(tables.tables)} RESTART IDENTITY"]
    return _deletions_by_dialect.setdefault(dialect, statements)


# As they are on the server; to read them takes longer than all else that `reset_ids` does.
_tables = MetaData()


def reset_ids(connection: Connection) -> None:
    """Let the next rows get the ids after the last ones, as in SQLite, whatever was rolled back or stated."""
    if connection.dialect.name != "postgresql":
        return
    if not _tables.tables:
        _tables.reflect(connection)
    for table in _tables.tables.values():
        if "id" not in table.columns or isinstance(table.c.id.type, BigInteger):
            continue  # a random one
        if isinstance(table.c.id.type, Integer):
            last = select(func.coalesce(func.max(table.c.id), 0) + 1).scalar_subquery()
            sequence = func.pg_get_serial_sequence(table.name, "id")
            connection.execute(select(func.setval(sequence, last, False)))


def is_locked(path: Path) -> bool:
    """Say whether somebody holds the lock of those who write."""
    if _server is not None:
        return _server.databases.has_lock(_name(path))
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
    return False


def wait_for_locks(monkeypatch: pytest.MonkeyPatch, milliseconds: int) -> None:
    """Let databases that are opened from now on report a lock after so long."""
    if on_postgresql():
        module = "publisher.database.dialect.server_session"
        monkeypatch.setattr(f"{module}.LOCK_SECONDS", milliseconds / 1000)
    else:
        module = "publisher.database.dialect.sqlite"
        monkeypatch.setattr(f"{module}._BUSY_MILLISECONDS", milliseconds)


def copy_publication(source: Path, target: Path) -> Path:
    """Copy a publication's folder and database. Return the copy's folder."""
    shutil.copytree(source, target)
    if on_postgresql():
        forget_server(copy_test_database(source / DATABASE_FILE, target / DATABASE_FILE))
    return target


def forget_server(address: Path | str) -> None:
    """Let a copy count as made where it is: on another server, or in another database, it would send nothing."""
    with closing(open_database(address)) as database, database.writing() as connection:
        connection.exec_driver_sql("UPDATE lineage SET server = ''")


def at_database(settings: Settings) -> Settings:
    """Return the settings with the address of the publication's database."""
    address = database_address(settings.folders.database)
    if isinstance(address, Path):
        return settings
    return replace(settings, database_address=SecretStr(address))


def environment_of(*arguments: object) -> dict[str, str]:
    """Return the variables that lead a command to the database of its publication.

    The publication is an argument that is its folder, or that `demo` makes, or this folder.
    """
    if _server is None:
        return {}
    paths = [Path(), *(Path(str(argument)) for argument in arguments)]
    # Of any argument: a name that is too long for a file is no folder.
    folders = [path for path in paths if os.path.isfile(path / SETTINGS_FILE)]  # noqa: PTH113
    if paths[1:2] == [Path("demo")]:
        folders = [path for path in paths[2:] if not str(path).startswith("-")]
    if not folders:
        return {}
    return {"PUBLISHER_DATABASE": str(database_address(folders[-1].resolve() / DATABASE_FILE))}


@contextmanager
def finding_database(*arguments: object) -> Iterator[None]:
    """Let commands in this process find the database of the publication among their arguments."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment_of(*arguments).items():
            patch.setenv(name, value)
        yield


def _name(path: Path) -> str:
    return f"test_{hashlib.sha256(os.fsencode(path)).hexdigest()[:20]}"
