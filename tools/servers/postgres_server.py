"""A PostgreSQL server for tests, in a temporary folder and reached by a Unix socket only.

It needs the server's programs (Debian's package `postgresql`), and the extra `postgres` for the
driver. Nothing that it holds survives the `with`. The server ends even if its process is killed.
"""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import create_engine, text

# Where Debian, Fedora's packages of the project, and Homebrew put the programs.
_PROGRAMS = (
    "usr/lib/postgresql/*/bin/initdb",
    "usr/pgsql-*/bin/initdb",
    "opt/homebrew/opt/postgresql*/bin/initdb",
)
_SUPERUSER = "publisher"
# Nothing here outlives the server, so no commit waits for a disk. Connections: several processes
# with several pools. No autovacuum: it would run in the middle of a test.
_SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{folder}'
unix_socket_permissions = 0700
max_connections = 300
shared_buffers = 64MB
fsync = off
full_page_writes = off
synchronous_commit = off
wal_level = minimal
max_wal_senders = 0
autovacuum = off
jit = off
timezone = UTC
"""
# Standard input ends when the process that started the server does, however that happens.
_RUN = """
if "$1/pg_ctl" start --wait --silent --pgdata=data --log=log >start 2>&1; then
    echo started
    read -r line
    "$1/pg_ctl" stop --silent --mode=immediate --pgdata=data
else
    cat start log
fi
rm -rf "$PWD"
"""


class PostgresServer:
    """A server inside a `with`. Its databases hold UTF-8 and sort by code point, as SQLite does.

    Root starts it as user `postgres` or `nobody`, since PostgreSQL refuses to run as root. Raise
    FileNotFoundError if no server is installed, RuntimeError with its words if it does not start.
    `settings` are more lines of postgresql.conf.
    """

    def __init__(self, settings: str = "") -> None:
        programs = find_server_programs()
        if programs is None:
            raise FileNotFoundError("no PostgreSQL server is installed")
        self._programs = programs
        self._settings = _SETTINGS + settings
        self._process: subprocess.Popen[str] | None = None
        # Short: the path of a Unix socket has 107 bytes at most.
        self.folder = Path(tempfile.mkdtemp(prefix="publisher-postgres-"))

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Make the server's files and start it; takes about a second."""
        options = process_options(self.folder)
        self._make_files(options)
        self._process = subprocess.Popen(  # the script above
            ["/bin/sh", "-c", _RUN, "sh", self._programs],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the tests
            **options,
        )
        said = self._process.stdout
        if said is not None and (line := said.readline()) != "started\n":
            raise RuntimeError(f"PostgreSQL did not start: {line}{said.read()}")

    def _make_files(self, options: dict[str, Any]) -> None:
        command = [f"{self._programs}/initdb", "--pgdata=data", f"--username={_SUPERUSER}"]
        command += ["--locale=C", "--encoding=UTF8", "--auth=trust", "--no-sync"]
        made = subprocess.run(  # PostgreSQL's own program
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **options
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stdout}")
        with (self.folder / "data" / "postgresql.conf").open("a") as settings:
            settings.write(self._settings.format(folder=self.folder))

    def crash(self) -> None:
        """End the server's processes at once, and start it again: what a commit waited for stays."""
        command = [
            f"{self._programs}/pg_ctl",
            "restart",
            "--mode=immediate",
            "--wait",
            "--silent",
        ]
        command += ["--pgdata=data", "--log=log"]
        options = process_options(self.folder)
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True, **options)  # as above

    def close(self) -> None:
        """End the server at once, and delete its files. A second call does nothing."""
        if self._process is not None:
            self._process.communicate()
            self._process = None


class PostgresDatabases:
    """The databases of the server in a folder, for any process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")

    def url(self, name: str) -> str:
        """Return the URL of a database."""
        return f"postgresql://{_SUPERUSER}@/{name}?host={self.folder}"

    def names(self) -> set[str]:
        """Return the names of all databases."""
        with self._engine.connect() as connection:
            return {*connection.scalars(text("SELECT datname FROM pg_database"))}

    def has_lock(self, name: str) -> bool:
        """Return whether anybody holds an advisory lock in a database."""
        query = text(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
            " WHERE locktype = 'advisory' AND granted AND datname = :name"
        )
        with self._engine.connect() as connection:
            return bool(connection.scalar(query, {"name": name}))

    def create(self, name: str, template: str = "template0") -> str:
        """Copy a database that nobody is connected to. Return the new one's URL."""
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return self.url(name)

    def drop(self, name: str) -> None:
        """Delete a database if it exists, whoever is connected to it."""
        self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.exec_driver_sql(statement)

    def close(self) -> None:
        """Close the connection."""
        self._engine.dispose()


def find_server_programs() -> Path | None:
    """Return the folder with `initdb` and `pg_ctl`, the newest if there are several, or None."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    found = [path for pattern in _PROGRAMS for path in Path("/").glob(pattern)]
    return max(found, key=_version).parent if found else None


def _version(program: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(program))]


def process_options(folder: Path) -> dict[str, Any]:
    """Return the options that start the server's processes; make their user the folder's owner."""
    options: dict[str, Any] = {"cwd": folder, "text": True}
    if os.getuid() == 0:
        user = _server_user()
        os.chown(folder, user.pw_uid, user.pw_gid)
        options |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return options


def _server_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")
