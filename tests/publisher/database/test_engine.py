"""The engine, and its one writer."""

import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Connection, delete, insert, select, text
from sqlalchemy.exc import IntegrityError

from publisher import web_files
from publisher.articles.tables import article, story
from publisher.database import Database, open_database
from publisher.database.writer import Writer
from publisher.errors import DatabaseError, WriterUnavailableError
from publisher.issues.tables import recovered_story_table
from publisher.request_limits import rate_limit
from tests.databases import copy_test_database, new_database
from tests.sizes import PATIENCE


@pytest.fixture
def address(tmp_path: Path, empty_database: Path) -> Path | str:
    """A database that is up to date."""
    return copy_test_database(empty_database, tmp_path / "publisher.db")


@pytest.fixture
def database(address: Path | str) -> Iterator[Database]:
    database = open_database(address)
    yield database
    database.close()


def kept(database: Database) -> set[str]:
    with database.reading() as connection:
        return set(connection.execute(select(web_files.build_cache.c.name)).scalars())


def test_a_transaction_is_kept_whole(database: Database) -> None:
    with database.writing() as connection:
        web_files.store_hash(connection, "one", "1")
        web_files.store_hash(connection, "two", "2")
    assert kept(database) == {"one", "two"}


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    def half() -> None:
        with database.writing() as connection:
            web_files.store_hash(connection, "one", "1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert kept(database) == set()


def test_what_the_database_refuses_is_an_error_of_one_line(database: Database) -> None:
    with pytest.raises(DatabaseError) as caught, database.writing() as connection:
        connection.execute(insert(web_files.build_cache).values(name="one"))
    assert re.fullmatch(f"{re.escape(database.name)}: .*(?i:not.null).*", str(caught.value))
    assert isinstance(caught.value.__cause__, IntegrityError)


def test_foreign_keys_are_kept(database: Database) -> None:
    with (
        pytest.raises(DatabaseError, match=r"(?i)foreign key"),
        database.writing() as connection,
    ):
        connection.exec_driver_sql("INSERT INTO script_conversion_due VALUES (99)")
    assert article.c.story_id.references(story.c.id)


def test_a_reader_sees_one_state_throughout_while_others_write(database: Database) -> None:
    with database.reading() as reader:
        before = reader.execute(select(web_files.build_cache)).all()
        with database.writing() as writer:
            web_files.store_hash(writer, "one", "1")
        assert reader.execute(select(web_files.build_cache)).all() == before == []
    assert kept(database) == {"one"}


def test_neither_opening_nor_reading_waits_for_a_writer(address: Path | str) -> None:
    with closing(open_database(address)) as other, other.writing():
        before = time.monotonic()
        database = open_database(address)
        assert kept(database) == set()
        assert time.monotonic() - before < 20  # a writer is waited for 30 seconds
        database.close()


def test_writers_wait_for_each_other_and_none_fails(database: Database) -> None:
    with database.writing() as connection:
        web_files.store_hash(connection, "count", "0")
    start = threading.Barrier(8)

    def count(_number: int) -> None:
        start.wait()
        for _ in range(10):
            # Reads before it writes: a transaction that took no lock at first would fail here.
            with database.writing() as connection:
                value = web_files.cached_hash(connection, "count")
                web_files.store_hash(connection, "count", str(int(value or 0) + 1))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(8)))
    with database.reading() as connection:
        assert web_files.cached_hash(connection, "count") == "80"


def test_writers_with_connections_of_their_own_wait_too(address: Path | str) -> None:
    databases = [open_database(address) for _ in range(4)]

    def write(number: int) -> None:
        for turn in range(5):
            with databases[number].writing() as connection:
                web_files.store_hash(connection, f"{number}-{turn}", "")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert len(kept(databases[0])) == 20
    for database in databases:
        database.close()


def test_processes_that_create_the_tables_at_the_same_time_all_open_them(
    tmp_path: Path,
) -> None:
    address = new_database(tmp_path / "var" / "publisher.db")
    start = threading.Barrier(4)

    def make(_number: int) -> None:
        start.wait()
        database = open_database(address)
        assert kept(database) == set()
        database.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(4)))


@pytest.fixture
def writer(database: Database) -> Iterator[Writer]:
    with closing(Writer(database)) as writer:
        yield writer


def stored(database: Database) -> list[str]:
    with database.reading() as connection:
        return list(connection.execute(select(rate_limit.c.key)).scalars())


def adding(key: str, connection: Connection) -> str:
    connection.execute(insert(rate_limit).values(key=key, tat=0.0))
    return key


def test_what_was_answered_is_stored(writer: Writer, database: Database) -> None:
    assert writer.run(lambda c: adding("one", c)) == "one"
    assert stored(database) == ["one"]


def test_changes_of_many_threads_share_transactions(writer: Writer, database: Database) -> None:
    begun, released = Event(), Event()

    def hold(_connection: Connection) -> None:
        begun.set()
        released.wait(PATIENCE)

    with ThreadPoolExecutor(21) as threads:
        threads.submit(writer.run, hold)
        begun.wait(PATIENCE)
        others = [
            threads.submit(writer.run, lambda c, n=number: adding(str(n), c))
            for number in range(20)
        ]
        released.set()
        assert sorted(one.result() for one in others) == sorted(map(str, range(20)))
    assert len(stored(database)) == 20


def test_a_change_that_fails_undoes_itself_only(writer: Writer, database: Database) -> None:
    def fail(connection: Connection) -> None:
        adding("lost", connection)
        raise LookupError("no such subscriber")

    with ThreadPoolExecutor(3) as threads:
        jobs = [threads.submit(writer.run, lambda c, k=key: adding(k, c)) for key in "ab"]
        failed = threads.submit(writer.run, fail)
        with pytest.raises(LookupError, match="no such subscriber"):
            failed.result()
        assert [one.result() for one in jobs] == ["a", "b"]
    assert sorted(stored(database)) == ["a", "b"]


def test_a_mistake_in_a_change_s_sql_is_the_database_s_error(writer: Writer) -> None:
    with pytest.raises(DatabaseError, match="nowhere"):
        writer.run(lambda c: c.execute(text("DELETE FROM nowhere")))
    assert writer.run(lambda _c: 7) == 7


def test_a_busy_database_refuses_and_stores_nothing_later(
    address: Path | str,
) -> None:
    with (
        closing(open_database(address)) as other,
        closing(open_database(address, busy_seconds=0.05)) as writing_database,
        closing(Writer(writing_database)) as writer,
    ):
        with other.writing(), pytest.raises(WriterUnavailableError):
            writer.run(lambda c: adding("refused", c))
        assert writer.run(lambda c: adding("accepted", c)) == "accepted"
        assert stored(other) == ["accepted"]


def test_a_change_that_waited_too_long_is_not_stored_later(database: Database) -> None:
    begun, released = Event(), Event()

    def hold(_connection: Connection) -> None:
        begun.set()
        released.wait(PATIENCE)

    with (
        closing(Writer(database, capacity=1, wait_seconds=PATIENCE)) as writer,
        ThreadPoolExecutor(1) as threads,
    ):
        held = threads.submit(writer.run, hold)
        assert begun.wait(PATIENCE)
        # From now on: a busy machine takes longer to begin.
        writer._wait_seconds = 0.05
        with pytest.raises(WriterUnavailableError, match="busy"):
            writer.run(lambda c: adding("cancelled", c))
        # It keeps its place in the queue, which is full.
        with pytest.raises(WriterUnavailableError, match="too many"):
            writer.run(lambda c: adding("refused", c))
        released.set()
        held.result()
    # Closing has run whatever waited.
    assert stored(database) == []


def test_closing_runs_what_waits_and_refuses_what_comes(database: Database) -> None:
    writer = Writer(database)
    begun, released = Event(), Event()

    def hold(_connection: Connection) -> None:
        begun.set()
        released.wait(PATIENCE)

    with ThreadPoolExecutor(3) as threads:
        threads.submit(writer.run, hold)
        begun.wait(PATIENCE)
        waiting = threads.submit(writer.run, lambda c: adding("waited", c))
        released.set()
        waiting.result()
        threads.submit(writer.close).result()
    with pytest.raises(WriterUnavailableError):
        writer.run(lambda c: adding("late", c))
    assert stored(database) == ["waited"]


def test_a_job_that_waits_for_another_one_fails_instead_of_waiting_for_ever(
    writer: Writer,
) -> None:
    with pytest.raises(RuntimeError, match="waits for another one"):
        writer.run(lambda _c: writer.run(lambda _inner: None))


def test_transactions_together_are_committed_all_or_none(database: Database) -> None:
    table = recovered_story_table

    def add(to: Database, name: str) -> None:
        with to.writing() as connection:
            connection.execute(insert(table).values(issue=name, story_key="tides"))

    def names() -> list[str]:
        with database.reading() as connection:
            return sorted(connection.execute(select(table.c.issue)).scalars())

    with suppress(ZeroDivisionError), database.together() as together:
        add(together, "a")
        raise ZeroDivisionError
    assert names() == []
    with database.together() as together:
        add(together, "a")
        # Caught: it is undone by itself.
        with suppress(ZeroDivisionError), together.writing() as connection:
            connection.execute(delete(table))
            raise ZeroDivisionError
        add(together, "b")
        with together.reading() as connection:
            assert len(connection.execute(select(table)).all()) == 2
    assert names() == ["a", "b"]
