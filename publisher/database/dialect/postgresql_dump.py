"""Dumps of PostgreSQL, by `pg_dump` and `pg_restore`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import URL, inspect

from publisher.database.dialect.address import parse_address
from publisher.database.dialect.job_tables import JOB_TABLE_PREFIX
from publisher.database.dialect.postgresql import PostgresBackend
from publisher.errors import DatabaseError


def dump(address: str, target: Path, without: Sequence[str]) -> None:
    """Write a dump in the custom format, without rows of the task engine. Raise DatabaseError with what `pg_dump` says."""
    options = [f"--exclude-table-data={table}" for table in (*without, f"{JOB_TABLE_PREFIX}*")]
    _run("pg_dump", parse_address(address), "--format=custom", f"--file={target}", *options)


def restore(address: str, source: Path) -> None:
    """Read a dump into a database that has no table. Raise DatabaseError."""
    backend = PostgresBackend(address)
    try:
        backend.check()
        if inspect(backend.engine).get_table_names():
            problem = (
                "has tables; restore into an empty database, and set PUBLISHER_DATABASE to it"
            )
            raise DatabaseError(f"{backend.name}: {problem}")
    finally:
        backend.close()
    _run(
        "pg_restore",
        parse_address(address),
        "--no-owner",
        "--exit-on-error",
        "--single-transaction",
        str(source),
    )


def _run(program: str, url: URL, *arguments: str) -> None:
    # Not on the command line, which everybody on the machine can read.
    given = url.query.get("password") or url.password
    environment = os.environ | ({"PGPASSWORD": str(given)} if given else {})
    # `set` would keep the password: for it, None is no value.
    target = url._replace(drivername="postgresql", password=None)
    target = target.difference_update_query(["password"])
    command = [program, f"--dbname={target.render_as_string(hide_password=False)}", *arguments]
    try:
        done = subprocess.run(  # noqa: S603  # a program by its name
            command, env=environment, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        remedy = "install the client programs of PostgreSQL"
        raise DatabaseError(f"{program}: is not installed; {remedy}") from None
    if done.returncode:
        said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise DatabaseError(f"{program}: {said}")
