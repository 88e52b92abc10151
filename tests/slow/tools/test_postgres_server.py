"""The PostgreSQL server of tests: it is alone, empty, and gone with whoever started it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tools.servers import PostgresDatabases, PostgresServer
from tools.servers.postgres_server import find_server_programs

PROCESS = """
import time
from tools.servers import PostgresServer

with PostgresServer() as server:
    print(server.folder, flush=True)
    time.sleep(600)
"""

pytestmark = pytest.mark.skipif(
    find_server_programs() is None, reason="PostgreSQL is not installed"
)


@pytest.fixture(scope="module")
def databases() -> Iterator[PostgresDatabases]:
    with PostgresServer() as server:
        databases = PostgresDatabases(server.folder)
        yield databases
        databases.close()
    assert not server.folder.exists()


def ask(url: str, query: str) -> list[object]:
    engine = create_engine(url)
    with engine.begin() as connection:
        found = [*connection.execute(text(query)).scalars()]
    engine.dispose()
    return found


def test_text_sorts_by_code_point_and_may_be_in_any_script(
    databases: PostgresDatabases,
) -> None:
    words = (
        "SELECT word FROM (VALUES ('b'), ('é'), ('灯'), ('B'), ('a')) AS t (word) ORDER BY 1"
    )
    assert ask(databases.url("postgres"), words) == ["B", "a", "b", "é", "灯"]


def test_it_is_seen_who_holds_the_lock_of_writers(databases: PostgresDatabases) -> None:
    engine = create_engine(databases.create("locked"))
    with engine.begin() as connection:
        assert not databases.has_lock("locked")
        connection.execute(text("SELECT pg_advisory_xact_lock(7)"))
        assert databases.has_lock("locked")
        assert not databases.has_lock("postgres")
    engine.dispose()


def test_the_server_ends_with_a_process_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROCESS], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        folder = Path(process.stdout.readline().strip())
        assert (folder / "data" / "postmaster.pid").is_file()
        process.kill()
    deadline = time.monotonic() + 60
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.exists()
