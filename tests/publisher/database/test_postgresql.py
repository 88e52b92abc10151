"""What only PostgreSQL has: addresses, servers, locales, its lock, its text."""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from time import sleep
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import URL, Connection, NullPool, Pool, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from publisher import web_files
from publisher.app.start_checks import wait_for_database
from publisher.database import Database, engine, open_database
from publisher.database.dialect import server_session
from publisher.database.dialect.backend import Durability, parse_address
from publisher.delivery.ledger import leases
from publisher.errors import DatabaseError, ServerAwayError
from publisher.leader.store import LEADER_SECONDS
from publisher.testing import make_publication
from tests.databases import database_address, new_database, on_postgresql, wait_for_locks

# --- addresses, without a server


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("mysql://ann:hush@db.example.org/lantern", "mysql://db.example.org/lantern"),
        ("sqlite:///lantern.db", "sqlite:///lantern.db"),
        ("postgresql://ann:hush@db.example.org", "postgresql://db.example.org"),
        ("postgresql://ann:hush@db.example.org:port/lantern", "write postgresql://user@host"),
        ("hush", "write postgresql://user@host/name"),
        # Parts of a password that has characters of addresses in it.
        ("postgresql://ann:hush@hush@localhost/news", ""),
        ("postgresql://ann:hush@hu/hush@localhost/news", ""),
        ("postgresql://an/n:hush-hush@localhost/news", ""),
        ("mysql://ann:hush@hush@localhost/news", ""),
        ("postgresql:ann:hush-hush@localhost/news", ""),
    ],
)
def test_a_wrong_address_is_refused_without_its_password(address: str, shown: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        open_database(address)
    said = str(caught.value)
    assert said.startswith("the database's address ")
    assert shown in said
    assert "hush" not in said


def test_a_server_that_does_not_answer_is_one_line_without_a_password() -> None:
    # Nothing listens on the first port.
    with pytest.raises(ServerAwayError) as caught:
        open_database("postgresql://ann:hush@127.0.0.1:1/lantern")
    said = str(caught.value)
    assert said.startswith("postgresql://127.0.0.1:1/lantern: ")
    assert "Connection refused" in said
    assert "Check its address" in said
    assert "\n" not in said
    assert "hush" not in said


def test_a_service_that_starts_waits_for_a_server_that_is_away(tmp_path: Path) -> None:
    settings = make_publication(tmp_path)
    waits: list[float] = []
    wait_for_database(replace(settings, database_address=None), waits.append)
    assert waits == []
    address = SecretStr("postgresql://ann:hush@127.0.0.1:1/lantern")
    away = replace(settings, database_address=address)
    with pytest.raises(ServerAwayError):
        wait_for_database(away, waits.append, patience=6.0)
    assert waits == [2.0, 2.0, 2.0]


def test_a_missing_driver_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "publisher.database.dialect.postgresql", None)
    with pytest.raises(
        DatabaseError, match=r"pip install --requirement requirements-extras.txt"
    ):
        open_database("postgresql://ann:hush@127.0.0.1:1/lantern")


# --- on a server


@pytest.fixture
def address(tmp_path: Path) -> str:
    """The address of an up-to-date database on the server."""
    if not on_postgresql():
        pytest.skip("needs the server of --database=postgresql")
    return str(database_address(tmp_path / "publisher.db"))


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    with closing(open_database(address)) as database:
        yield database


def test_threads_that_look_rows_up_share_a_few_connections_which_stay_open(
    database: Database,
) -> None:
    opened: list[object] = []

    def count(*made: object) -> None:
        opened.append(made)

    query = database.prepared(text("SELECT current_setting('plan_cache_mode'), 1 = :one"))

    def look_up(_number: int) -> set[tuple[Any, ...] | None]:
        return {query({"one": 1}) for _ in range(20)}

    event.listen(Pool, "connect", count)
    with ThreadPoolExecutor(8) as threads:
        found = set().union(*threads.map(look_up, range(8)))
    event.remove(Pool, "connect", count)
    assert found == {("force_generic_plan", True)}
    assert len(opened) <= 4


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_sorts_text_otherwise_is_refused_with_the_right_statement(
    database: Database, address: str, encoding: str
) -> None:
    name = address.partition("@/")[2].partition("?")[0]
    with database._engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(
            text(
                f"CREATE DATABASE {name}_x TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'"
            )
        )
        with pytest.raises(DatabaseError) as caught:
            open_database(address.replace(name, f"{name}_x"))
        connection.execute(text(f"DROP DATABASE {name}_x WITH (FORCE)"))
    assert f"has encoding {encoding} and collation C" in str(caught.value)
    assert "ENCODING 'UTF8' LOCALE 'C'" in str(caught.value)


@pytest.mark.parametrize("level", ["serializable", "repeatable read"])
def test_a_writer_sees_what_others_stored_before_its_turn_whatever_the_server_is_set_to(
    address: str, database: Database, level: str
) -> None:
    name = make_url(address).database
    with database.writing() as connection:
        statement = f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = '{level}'"
        connection.execute(text(statement))
    query = text("SELECT current_setting('transaction_isolation')")
    with closing(open_database(address)) as other:
        with other.writing() as connection:
            assert connection.scalar(query) == "read committed"
        with other.writing_beside() as connection:
            assert connection.scalar(query) == "read committed"
        with other.reading() as connection:
            assert connection.scalar(query) == "repeatable read"


def test_who_leads_waits_for_no_connection_that_others_have(database: Database) -> None:
    with ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(database.reading())
        with database.writing_beside() as connection:
            assert connection.scalar(text("SELECT 1")) == 1


def test_a_process_and_a_database_are_known_by_their_names_in_an_address() -> None:
    address = "postgresql://ann@db.example.org/lantern?application_name=mine&connect_timeout=3"
    found = server_session.connect_arguments(parse_address(address))
    assert found["application_name"].startswith(f"publisher/{os.getpid()}/")
    assert "connect_timeout" not in found
    address = "postgresql://ann@localhost/news%40home%2F%D9%85"
    assert parse_address(address).database == "news@home/م"


def test_a_full_server_is_not_taken_for_a_wrong_address(
    address: str, database: Database
) -> None:
    url = make_url(address)
    role = f"full_{url.database}"
    with database.writing() as connection:
        connection.execute(text(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 0"))
    with pytest.raises(DatabaseError) as caught:
        open_database(url.set(username=role).render_as_string(hide_password=False))
    said = str(caught.value)
    assert f'too many connections for role "{role}". End other programs' in said
    assert "PgBouncer" in said


def test_a_missing_or_wrong_password_is_not_taken_for_a_wrong_address(
    address: str, database: Database
) -> None:
    url = make_url(address)
    role = f"locked_{url.database}"
    with database.writing() as connection:
        connection.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD 'right'"))
        file = Path(connection.execute(text("SHOW hba_file")).scalar_one())
        rules = file.read_text()
        file.write_text(f"local all {role} scram-sha-256\n{rules}")
        connection.execute(text("SELECT pg_reload_conf()"))
    try:
        shown = [_refused(url.set(username=role, password=word)) for word in (None, "wrong")]
    finally:
        file.write_text(rules)
    assert "no password supplied. Put the user's password into PGPASSWORD" in shown[0]
    assert f'password authentication failed for user "{role}". Put the user\'s' in shown[1]
    for said in shown:
        assert "the file that PGPASSFILE names" in said
        assert "PUBLISHER_DATABASE" in said
        assert "Check its address" not in said


def _refused(url: URL) -> str:
    """Return why a connection is refused. The server takes a moment to read who needs a password."""
    driver = create_engine(url.set(drivername="postgresql+psycopg"), poolclass=NullPool)
    while True:
        try:
            driver.connect().close()
        except DBAPIError:
            break
        sleep(0.05)
    with pytest.raises(DatabaseError) as caught:
        open_database(url.render_as_string(hide_password=False))
    return str(caught.value)


def test_a_user_without_rights_is_told_who_must_own_the_database(database: Database) -> None:
    with pytest.raises(DatabaseError) as caught:
        _create_table_as_visitor(database)
    said = str(caught.value)
    assert "permission denied for schema public. The publication's user must own" in said
    assert "ALTER DATABASE name OWNER TO user" in said


def _create_table_as_visitor(database: Database) -> None:
    """Roles belong to the server: it goes with the transaction, which fails."""
    with database.writing() as connection:
        for statement in (
            "CREATE ROLE visitor",
            "SET LOCAL ROLE visitor",
            "CREATE TABLE a (b int)",
        ):
            connection.execute(text(statement))


def test_text_is_stored_without_nul_and_readers_can_t_write(database: Database) -> None:
    with database.writing() as connection:
        web_files.store_hash(connection, "a\0b", "c\0")
        assert web_files.cached_hash(connection, "ab") == "c"
    with pytest.raises(DatabaseError, match="read-only"), database.reading() as connection:
        web_files.store_hash(connection, "one", "1")


def test_a_stopped_process_keeps_the_locks_of_writers_no_longer_than_a_leader_its_lease(
    database: Database,
) -> None:
    def limit(connection: Connection) -> object:
        query = text("SHOW idle_in_transaction_session_timeout")
        return connection.execute(query).scalar_one()

    assert server_session.WRITER_IDLE_SECONDS <= LEADER_SECONDS
    for writing in (database.writing, database.writing_beside):
        with writing() as connection:
            assert limit(connection) == f"{server_session.WRITER_IDLE_SECONDS}s"
            database.allow_pause(connection, seconds=1200)
            assert limit(connection) == "20min"
    with database.reading() as connection:
        assert limit(connection) == "1min"


def test_a_writer_waits_for_another_for_a_limited_time(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for_locks(monkeypatch, 50)
    held, done = Event(), Event()
    with closing(open_database(address)) as database:

        def hold() -> None:
            with database.writing():
                held.set()
                done.wait(20)

        holder = Thread(target=hold)
        holder.start()
        held.wait(20)
        with (
            pytest.raises(DatabaseError, match="another process has been writing"),
            database.writing(),
        ):
            pass
        done.set()
        holder.join()
        with database.writing() as connection:
            web_files.store_hash(connection, "one", "1")


def test_the_owner_is_told_that_a_backup_is_theirs(tmp_path: Path) -> None:
    if not on_postgresql():
        pytest.skip("needs the server of --database=postgresql")
    empty = str(new_database(tmp_path / "empty.db"))
    with capture_logs() as logs:
        open_database(empty).close()
    assert logs == []
    with closing(open_database(empty)) as database, database.writing() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
    with capture_logs() as logs, pytest.raises(DatabaseError, match="already exists"):
        open_database(empty)
    (line,) = logs
    assert "pg_dump" in line["event"]
    assert (line["before"], line["after"]) == ("unknown", engine.HEAD)


def test_the_clock_of_leases_is_the_server_s(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("publisher.clock.time.time", lambda: 0.0)
    server = text("SELECT extract(epoch FROM clock_timestamp())::float8")
    with closing(open_database(address)) as database:
        opened = database.timer.time()
        with database.writing() as connection:
            begun = database.timer.time()
            now = connection.execute(server).scalar_one()
    # Never ahead; the rest is how fast the two clocks run.
    assert opened <= begun + 0.05
    assert begun <= now + 0.05
    assert now - opened < 60


@pytest.mark.parametrize("durability", ["full", "normal"])
def test_a_commit_waits_for_the_disk_whatever_the_server_is_set_to(
    address: str, durability: Durability
) -> None:
    setting = text("SELECT current_setting('synchronous_commit')")
    with closing(open_database(address, durability)) as database:
        with database.reading() as connection:
            assert connection.execute(setting).scalar_one() == "off"
        with database.writing() as connection:
            assert connection.execute(setting).scalar_one() == "on"


def test_ids_of_leases_are_not_counted(address: str) -> None:
    with closing(open_database(address)) as database, database.writing() as connection:
        made = {leases.create_lease(connection, "a", "ambiguous", "", 1.0) for _ in range(3)}
        assert {one.id for one in leases.list_leases(connection)} == made
    assert len(made) == 3
    assert max(made) > 2**31


FIT = server_session.ServerFacts(
    *(15, "UTF8", "C", "c"),
    is_standby=False,
    fsync=True,
    full_page_writes=True,
    schema="public",
)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"collation": "POSIX"},
        {"version": 18},
        {"provider": "b", "collation": "en_GB.UTF-8"},
    ],
)
def test_a_server_that_sorts_by_bytes_is_fit(change: dict[str, Any]) -> None:
    assert server_session.fault_of(replace(FIT, **change), read_only=False) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 14}, "the server is PostgreSQL 14; a publication needs 15 or later"),
        (
            {"encoding": "LATIN1"},
            "has encoding LATIN1 and collation C; a publication needs UTF8",
        ),
        ({"collation": "en_GB.UTF-8"}, "has encoding UTF8 and collation en_GB.UTF-8"),
        ({"provider": "i"}, "CREATE DATABASE name TEMPLATE template0"),
        ({"schema": None}, "may use no schema of the search_path; write ALTER ROLE"),
        ({"is_standby": True}, "a standby, which only reads; write the address of the primary"),
    ],
)
def test_another_server_is_refused_with_the_reason(change: dict[str, Any], words: str) -> None:
    assert words in str(server_session.fault_of(replace(FIT, **change), read_only=False))


def test_a_standby_is_fit_for_who_only_reads_and_unsafe_settings_are_named() -> None:
    assert server_session.fault_of(replace(FIT, is_standby=True), read_only=True) is None
    assert server_session.unsafe_settings(FIT) == []
    unsafe = replace(FIT, fsync=False, full_page_writes=False)
    assert server_session.unsafe_settings(unsafe) == ["fsync = off", "full_page_writes = off"]
    assert server_session.fault_of(unsafe, read_only=False) is None
