"""What differs between SQLite and PostgreSQL. No other module, besides migrations, names either.

sql              expressions, upserts, ids, options of tables, for whichever executes them
backend          the interface that `publisher.database.engine` uses, and addresses of servers
sqlite           a file, and copies of it
postgresql       a server; imported only if it is used, and its driver with it
postgresql_dump  dumps of a server, by pg_dump and pg_restore
server_session   sessions of a server, also behind a pooler, and whether it can be used
job_queue        jobs that several machines share, in a server; imported only if it is used
job_tables       their tables
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from publisher.database.dialect.backend import Backend, Durability
from publisher.database.dialect.sqlite import (
    SqliteFile,
    copy_file,
    copy_some_rows,
    damage_of,
    is_damage,
    require_alone,
)
from publisher.errors import DatabaseError

__all__ = ["copy_file", "copy_some_rows", "damage_of", "dump_database", "find_direct_address"]
__all__ += ["is_damage", "open_backend", "require_alone", "restore_dump"]


def dump_database(
    address: str,
    target: Path,
    without: Sequence[str] = (),
    require: Callable[[], object] = lambda: None,
) -> None:
    """Write a server's tables into a file, and no rows of some. `require` is called meanwhile, and may raise to end it."""
    from publisher.database.dialect.postgresql_dump import dump

    dump(address, target, without, require)


def find_direct_address(address: str, direct: str | None) -> str:
    """Return the address that dumps and their restoring take. Raise DatabaseError if they can't go there."""
    from publisher.database.dialect.postgresql_dump import find_address

    return find_address(address, direct)


def restore_dump(address: str, source: Path) -> None:
    """Read a dump into an empty database. Raise DatabaseError, also if it is not empty."""
    from publisher.database.dialect.postgresql_dump import restore

    restore(address, source)


def open_backend(
    address: Path | str,
    durability: Durability,
    busy_seconds: float | None = None,
    *,
    read_only: bool = False,
) -> Backend:
    """Return the database at a path or `postgresql://...`, not yet connected. Raise DatabaseError for a malformed address."""
    if isinstance(address, Path):
        return SqliteFile(address, durability, busy_seconds, read_only=read_only)
    try:
        from publisher.database.dialect.postgresql import PostgresBackend
    except ImportError:
        raise DatabaseError(
            "the database's address leads to PostgreSQL, whose driver is not installed; run "
            "`pip install --requirement requirements-extras.txt` in its folder, or leave the address out to use the file "
            "in var/"
        ) from None
    # Its commits survive a crash of the server with either durability: see `_COMMITS_WAIT`.
    return PostgresBackend(address, busy_seconds, read_only=read_only)
