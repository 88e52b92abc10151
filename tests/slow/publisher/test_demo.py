"""The demo on PostgreSQL: equal to the one on SQLite, and never in the database of a publication."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from publisher.database import open_database
from tests.databases import DATABASE_FILE
from tests.processes import publisher, tree
from tests.subscribers.conftest import a_subscriber, add
from tools.servers import PostgresDatabases, PostgresServer
from tools.servers.postgres_server import find_server_programs

LEDGER = """
SELECT newsletter, issue.language, day, issue.state, email, delivery.state
FROM delivery JOIN issue ON issue.id = issue_id JOIN subscriber ON subscriber.id = subscriber_id
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresDatabases]:
    if find_server_programs() is None:
        pytest.skip("PostgreSQL is not installed")
    with PostgresServer() as server:
        databases = PostgresDatabases(server.folder)
        yield databases
        databases.close()


@pytest.fixture(scope="module")
def address(server: PostgresDatabases) -> str:
    return server.create("demo")


def ledger(address: Path | str) -> Counter[tuple[str, ...]]:
    with closing(open_database(address)) as database, database.reading() as connection:
        return Counter(tuple(map(str, row)) for row in connection.execute(text(LEDGER)))


@pytest.mark.sqlite("and PostgreSQL: both are compared here")
def test_the_demo_is_the_same_on_both_databases(
    tmp_path: Path, demo: Path, address: str
) -> None:
    there = tmp_path / "there"

    done = publisher("demo", there, environment={"PUBLISHER_DATABASE": address})

    assert (done.code, done.err) == (0, "")
    assert not (there / DATABASE_FILE).exists()
    for name in ("public", "outbox"):
        assert tree(there / name) == tree(demo / name)
    assert sum(ledger(address).values()) > 30
    assert ledger(address) == ledger(demo / DATABASE_FILE)
    # The demo has a secret of its own, and the databases were used with it.
    own = {"PUBLISHER_SECRET": (there / "var" / "secret").read_text("ascii")}
    status = publisher("status", "--json", demo, environment=own).out
    theirs = {**own, "PUBLISHER_DATABASE": address}
    on_server = publisher("status", "--json", there, environment=theirs)
    assert json.loads(on_server.out) == json.loads(status)


def test_the_demo_is_refused_where_a_publication_is(
    tmp_path: Path, server: PostgresDatabases
) -> None:
    address = server.create("theirs")
    with closing(open_database(address)) as database, database.writing() as connection:
        add(connection, a_subscriber())
    done = publisher("demo", tmp_path / "other", environment={"PUBLISHER_DATABASE": address})

    assert done.code == 2
    assert "the demo needs an empty database, and this one holds a publication" in done.err
    assert not (tmp_path / "other").exists()
