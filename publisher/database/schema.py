"""Upgrades the schema: with Alembic if migrations are missing, else one query.

A file with any table is backed up first.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from publisher.errors import DatabaseError

if TYPE_CHECKING:
    from sqlalchemy import Engine

# The newest migration in migrations/versions. A constant, so that opening an up-to-date file does
# not import Alembic, which takes longer than an idle cycle; a test compares the two.
HEAD = "0010"
# The first migration. Files of earlier ones were made by versions that were never released.
_OLDEST = "0010"


def upgrade_schema(engine: Engine, path: Path) -> None:
    """Run missing migrations; raise DatabaseError if the file can't be upgraded to HEAD."""
    revision = _revision(engine)
    if revision == HEAD:
        return
    if revision is not None and revision < _OLDEST:
        raise DatabaseError(
            f"{path}: made before 0.1.0 (schema {revision}); it can't be upgraded. Move it away: the "
            "next run makes a new one, which does not know which mails were sent"
        )
    if revision is not None and revision > HEAD:
        raise DatabaseError(
            f"{path}: made by a newer version (schema {revision}, this one has {HEAD}); upgrade the program"
        )
    if _holds_anything(engine):
        _copy(path, revision)
    _migrate(engine)


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        known = connection.exec_driver_sql(
            "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
        ).first()
        if not known:
            return None
        row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
        return str(row[0]) if row else None


def _holds_anything(engine: Engine) -> bool:
    with engine.connect() as connection:
        return connection.exec_driver_sql("SELECT 1 FROM sqlite_master").first() is not None


def _copy(path: Path, revision: str | None) -> None:
    # SQLite's own backup, since a plain copy would miss what is still in the write-ahead log.
    target = path.with_name(
        f"{path.stem}-before-{HEAD}-from-{revision or 'unknown'}{path.suffix}"
    )
    back_up(path, target)


def back_up(path: Path, target: Path) -> None:
    """Copy a database at one instant, even while others write to it; whole or not at all."""
    unfinished = target.with_name(f".{target.name}")
    source, copy = sqlite3.connect(path), sqlite3.connect(unfinished)
    try:
        source.backup(copy)
    finally:
        copy.close()
        source.close()
    unfinished.replace(target)


def _migrate(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    # Alembic expands % in options.
    folder = str(Path(__file__).parent / "migrations").replace("%", "%%")
    config.set_main_option("script_location", folder)
    with engine.connect() as connection:
        connection.info["begin"] = "IMMEDIATE"
        config.attributes["connection"] = connection
        with connection.begin():
            command.upgrade(config, "head")
