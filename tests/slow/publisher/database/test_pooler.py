"""A publication whose database is reached through PgBouncer in transaction mode.

Debian's package `pgbouncer` has the program; without it these tests skip.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import psycopg
import pytest
from sqlalchemy import Integer, bindparam, func, literal, select, table, text

from publisher import web_files
from publisher.app.operation.databases import copy_publication
from publisher.clock import FixedClock
from publisher.database import Database, open_database
from publisher.errors import DatabaseError
from subscribers.lists.batches import clear_seen_addresses
from tests.processes import publisher
from tests.publisher.conftest import NOW
from tests.publisher.lanterns import FRIDAY, lay_out
from tests.slow.publisher.database.pooler import (
    PROGRAM,
    SESSIONS,
    forget_search_path,
    pgbouncer,
)
from tools.servers import PostgresDatabases, PostgresServer
from tools.servers.postgres_server import find_server_programs

pytestmark = [
    pytest.mark.skipif(find_server_programs() is None, reason="PostgreSQL is not installed"),
    pytest.mark.skipif(PROGRAM is None, reason="PgBouncer is not installed"),
]
THREADS, WRITES = 6, 20
CLOCK = FixedClock(NOW)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresDatabases]:
    with PostgresServer() as started, closing(PostgresDatabases(started.folder)) as databases:
        yield databases


@pytest.fixture(scope="module")
def pooler(server: PostgresDatabases) -> Iterator[str]:
    with pgbouncer(server.folder) as end:
        yield end


@pytest.fixture
def address(server: PostgresDatabases, pooler: str, tmp_path: Path) -> str:
    """The address of an empty database, through the pooler."""
    name = tmp_path.name
    server.create(name)
    return f"postgresql://publisher@/{name}{pooler}"


def add_one(database: Database) -> None:
    with database.writing() as connection:
        value = int(web_files.cached_hash(connection, "count") or 0)
        web_files.store_hash(connection, "count", str(value + 1))


def test_writers_of_two_processes_take_turns(address: str) -> None:
    with closing(open_database(address)) as one, closing(open_database(address)) as other:

        def write(database: Database) -> None:
            for _ in range(WRITES):
                add_one(database)

        threads = [Thread(target=write, args=[(one, other)[n % 2]]) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with one.reading() as connection:
            assert web_files.cached_hash(connection, "count") == str(THREADS * WRITES)


def test_queries_of_many_threads_find_no_statement_of_another_session(address: str) -> None:
    with closing(open_database(address)) as database:
        query = select(literal(1) + bindparam("more", type_=Integer()))
        look_ups = [database.prepared(query) for _ in range(3)]
        found = [look_up({"more": n}) for n in range(30) for look_up in look_ups]
        assert found == [(n + 1,) for n in range(30) for _ in look_ups]


def test_limits_hold_in_each_transaction_and_are_left_to_nobody(address: str) -> None:
    limit = select(func.current_setting("lock_timeout"))
    with closing(open_database(address)) as database:
        for _ in range(4):
            with database.reading() as connection:
                assert connection.scalar(limit) == "30s"
            with database.writing() as connection:
                assert connection.scalar(limit) == "30s"
        with pytest.raises(DatabaseError, match="read-only"), database.reading() as connection:
            web_files.store_hash(connection, "one", "1")
    with psycopg.connect(address) as theirs:
        for _ in range(4):
            assert theirs.execute("SHOW lock_timeout").fetchall() == [("0",)]
            theirs.commit()


def test_a_dump_by_others_through_the_same_pooler_hides_no_table(address: str) -> None:
    count = select(func.count()).select_from(table("alembic_version"))
    with closing(open_database(address)) as database:
        look_up = database.prepared(count)
        forget_search_path(address)
        for _ in range(2 * SESSIONS):
            add_one(database)
            with database.reading() as connection:
                assert connection.scalar(count) == 1
            assert look_up({}) == (1,)
    # Nor is it taken for an empty one, which would be upgraded.
    for _ in range(SESSIONS):
        open_database(address, upgrade=False).close()


def test_a_database_whose_tables_this_user_can_t_find_is_not_taken_for_an_empty_one(
    server: PostgresDatabases, tmp_path: Path
) -> None:
    direct = server.create(tmp_path.name)
    open_database(direct).close()
    with psycopg.connect(direct) as theirs:
        theirs.execute(f"ALTER DATABASE \"{tmp_path.name}\" SET search_path = ''")
    with pytest.raises(DatabaseError, match="may use no schema of the search_path"):
        open_database(direct)


def test_a_publication_runs_and_sends_and_its_backup_goes_beside_the_pooler(
    server: PostgresDatabases, address: str, tmp_path: Path
) -> None:
    folder, backups = lay_out(tmp_path / "lantern", "en"), tmp_path / "backups"
    there = {"PUBLISHER_DATABASE": address}
    subscribers = ("subscribers", "import", folder / "subscribers.csv")
    for command in (subscribers, ("run", "--once", "--now", FRIDAY)):
        assert publisher(*command, folder, environment=there).code == 0
    are_sent = text("SELECT count(*) FROM delivery WHERE state = 'sent'")
    with closing(open_database(address)) as database, database.reading() as connection:
        assert connection.scalar(are_sent) == 5
    done = publisher("backup", backups, folder, environment=there)
    assert (done.code, done.out) == (1, "")
    assert "leads to a pooler" in done.err
    assert "set PUBLISHER_DIRECT_DATABASE to the server's own address" in done.err
    there["PUBLISHER_DIRECT_DATABASE"] = server.create("another")
    done = publisher("backup", backups, folder, environment=there)
    assert (done.code, "must lead to the same one" in done.err) == (1, True)
    there["PUBLISHER_DIRECT_DATABASE"] = server.url(tmp_path.name)
    done = publisher("backup", backups, folder, environment=there)
    assert (done.code, done.err) == (0, "")
    (backup,) = backups.glob("publisher-*")
    new = server.create("restored")
    there = {"PUBLISHER_DATABASE": address.replace(tmp_path.name, "restored")}
    assert "leads to a pooler" in publisher("restore", backup, folder, environment=there).err
    there["PUBLISHER_DIRECT_DATABASE"] = new
    assert publisher("restore", backup, folder, environment=there).code == 0
    with closing(open_database(new)) as database, database.reading() as connection:
        assert connection.scalar(are_sent) == 5


def test_nothing_is_copied_from_behind_a_pooler_where_nobody_knows_who_has_it_open(
    server: PostgresDatabases, address: str, tmp_path: Path
) -> None:
    open_database(address).close()
    with pytest.raises(DatabaseError, match="give the server's own address"):
        copy_publication(address, str(tmp_path / "new.db"), CLOCK)
    # The pooler keeps the session of a process that has ended, with its name.
    with psycopg.connect(address, application_name="publisher/1/elsewhere") as theirs:
        theirs.execute("SELECT 1")
    with pytest.raises(DatabaseError, match=r"open \(publisher/.*a pooler still has their"):
        copy_publication(server.url(tmp_path.name), str(tmp_path / "new.db"), CLOCK)


def test_an_import_keeps_its_temporary_table_between_portions(address: str) -> None:
    count = text("SELECT count(*) FROM subscribers_import_seen")
    with closing(open_database(address)) as database:
        with database.writing_in_portions() as portion:
            with portion() as connection:
                clear_seen_addresses(connection)
                web_files.store_hash(connection, "one", "1")
            with portion() as connection:
                assert connection.scalar(count) == 0
        with database.reading() as connection:
            assert web_files.cached_hash(connection, "one") == "1"


def test_a_pooler_that_allows_no_transactions_is_refused_at_the_start(
    server: PostgresDatabases,
) -> None:
    server.create("statements")
    with pgbouncer(server.folder, "statement") as end, pytest.raises(DatabaseError) as caught:
        open_database(f"postgresql://publisher@/statements{end}")
    assert "transaction blocks not allowed in statement pooling mode" in str(caught.value)
