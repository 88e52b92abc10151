"""Upgrades the schema: with Alembic if migrations are missing, else one query.

A database with any table is backed up first, if it is a file.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import Connection, Select, column, inspect, select, table

from publisher.database.dialect.job_tables import own_tables
from publisher.errors import DatabaseError

if TYPE_CHECKING:
    from publisher.database.dialect.backend import Backend

log = structlog.get_logger()

# The newest migration in migrations/versions. A constant, so that opening an up-to-date database
# does not import Alembic, which takes longer than an idle cycle; a test compares the two.
HEAD = "0100"
# The first migration. Databases of earlier ones were made by versions that were never released.
_OLDEST = "0100"
_VERSION: Select[Any] = select(column("version_num")).select_from(table("alembic_version"))


def upgrade_schema(backend: Backend) -> None:
    """Run missing migrations; raise DatabaseError if the database can't be upgraded to HEAD."""
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
    """Raise DatabaseError unless the database has the newest tables. Change nothing."""
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
    """Create the tables, unless they are there; raise DatabaseError if there are others."""
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
