"""Dumps of PostgreSQL, by `pg_dump` and `pg_restore`."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, func, inspect, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateSchema

from publisher.database.dialect.backend import SECRET_PARAMETERS, parse_address
from publisher.database.dialect.job_tables import JOB_TABLE_PREFIX
from publisher.database.dialect.postgresql import PostgresBackend
from publisher.database.dialect.server_session import connection_parameters, is_pooled
from publisher.errors import DatabaseError

_SECONDS_BETWEEN_LOOKS = 0.5  # seconds between two looks whether a dump is still wanted
# A line of what a dump contains: the schema of a table that each publication has.
_TABLE = re.compile(r"(?m)^\d+; \d+ \d+ TABLE (?!DATA )(.+) alembic_version ")


def find_address(address: str, direct: str | None) -> str:
    """Return the direct address, if there is one, for `pg_dump` and `pg_restore`; raise DatabaseError for a pooler or another database.

    These programs set search_path for a session: in transaction mode a pooler gives it to others, who then find no
    table.
    """
    with _opened(direct or address) as backend, backend.engine.connect() as connection:
        if is_pooled(connection):
            raise DatabaseError(
                f"{backend.name}: leads to a pooler, and pg_dump and pg_restore would leave settings to others there; "
                "set PUBLISHER_DIRECT_DATABASE to the server's own address"
            )
        if direct is None:
            return address
        found = backend.server_id(connection)
    with _opened(address) as used, used.engine.connect() as connection:
        if used.server_id(connection) != found:
            raise DatabaseError(
                f"{backend.name}: is another database than {used.name}; PUBLISHER_DIRECT_DATABASE must lead to the same one"
            )
    return direct


def dump(
    address: str, target: Path, without: Sequence[str], require: Callable[[], object]
) -> None:
    """Write a dump of the publication's schema, without rows of the task engine; if `require` raises, `pg_dump` is ended."""
    options = [f"--exclude-table-data={table}" for table in (*without, f"{JOB_TABLE_PREFIX}*")]
    schema = _current_schema(address).replace('"', '""')
    options = ["--format=custom", f"--file={target}", f'--schema="{schema}"', *options]
    _run("pg_dump", parse_address(address), *options, require=require)


def _current_schema(address: str) -> str:
    with _opened(address) as backend, backend.engine.connect() as connection:
        return str(connection.execute(select(func.current_schema())).scalar_one())


def restore(address: str, source: Path) -> None:
    """Read a dump into a database that has no table. Raise DatabaseError."""
    url = parse_address(address)
    listed = _read_dump(url, source, "--list")
    schemas = _TABLE.findall(listed)
    if not schemas:
        raise DatabaseError(f"{source}: is no dump of a publication")
    if len(schemas) > 1:
        several = ", ".join(sorted(schemas))
        raise DatabaseError(f"{source}: has several publications, in the schemas {several}")
    _require_empty(address, schema=schemas[0])
    # Neither roles to whom the former owner has granted something, nor extensions that are another one's.
    options = ["--no-owner", "--no-privileges", f"--schema={schemas[0]}"]
    _read_dump(url, source, *options, "--exit-on-error", "--single-transaction")


def _read_dump(url: URL, source: Path, *options: str) -> str:
    try:
        return _run("pg_restore", url, *options, str(source))
    except DatabaseError as error:
        if not _is_readable(source):
            problem = f"is damaged, or can't be read ({error}); restore another backup"
            raise DatabaseError(f"{source}: {problem}") from error
        raise


def _is_readable(source: Path) -> bool:
    command = ["pg_restore", f"--file={os.devnull}", str(source)]
    with suppress(FileNotFoundError):
        return not _finish(command, os.environ, lambda: None)[0]
    return True


def _require_empty(address: str, schema: str) -> None:
    """Raise DatabaseError for a database that has tables. Make the schema of the dump if it lacks it."""
    with _opened(address) as backend:
        if inspect(backend.engine).get_table_names():
            problem = (
                "has tables; restore into an empty database, and set PUBLISHER_DATABASE to it"
            )
            raise DatabaseError(f"{backend.name}: {problem}")
        if schema not in inspect(backend.engine).get_schema_names():
            with backend.engine.begin() as connection:
                connection.execute(CreateSchema(schema))
        # Last: it asks for a schema that can be used.
        backend.check()


@contextmanager
def _opened(address: str) -> Iterator[PostgresBackend]:
    backend = PostgresBackend(address)
    try:
        yield backend
    except (SQLAlchemyError, psycopg.Error) as error:
        raise DatabaseError(backend.explain(error) or f"{backend.name}: {error}") from error
    finally:
        backend.close()


def _run(
    program: str, url: URL, *arguments: str, require: Callable[[], object] = lambda: None
) -> str:
    parameters = {
        name: value
        for name, value in connection_parameters(url).items()
        # Its name is its own, and its encoding the database's.
        if name not in {*SECRET_PARAMETERS, "application_name", "client_encoding"}
    }
    command = [program, f"--dbname={make_conninfo(**parameters)}", *arguments]
    try:
        code, written, errors = _finish(command, os.environ | _secrets(url), require)
    except FileNotFoundError:
        remedy = "install the client programs of PostgreSQL"
        raise DatabaseError(f"{program}: is not installed; {remedy}") from None
    if code:
        said = " ".join(errors.split()) or f"exit code {code}"
        raise DatabaseError(f"{program}: {said}")
    return written


def _finish(
    command: Sequence[str], environment: Mapping[str, str], require: Callable[[], object]
) -> tuple[int, str, str]:
    with subprocess.Popen(  # noqa: S603  # a program by its name
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    written, errors = process.communicate(timeout=_SECONDS_BETWEEN_LOOKS)
                    return process.returncode, written, errors
                require()
        except BaseException:
            process.kill()
            raise


def _secrets(url: URL) -> dict[str, str]:
    """Return variables with an address's password: everybody on the machine can read command lines."""
    # For that of a client's key there is no variable but for a file of services.
    if "sslpassword" in url.query:
        raise DatabaseError(
            "the database's address has sslpassword, which these programs take from a file only; put it into "
            "the one that PGSERVICEFILE names, and service=... into the address"
        )
    password = url.query.get("password") or url.password
    return {"PGPASSWORD": str(password)} if password else {}
