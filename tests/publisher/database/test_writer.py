"""One thread writes for many."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Connection, insert, select, text

from publisher.database import Database, open_database
from publisher.database.writer import Writer
from publisher.errors import DatabaseError, WriterUnavailableError
from publisher.request_limits import rate_limit
from tests.databases import copy_test_database


@pytest.fixture
def database(tmp_path: Path, empty_database: Path) -> Iterator[Database]:
    address = copy_test_database(empty_database, tmp_path / "publisher.db")
    with closing(open_database(address)) as database:
        yield database


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

    def hold(_connection: Connection) -> int:
        begun.set()
        released.wait(10)
        return transaction_number

    transaction_number = 0
    with ThreadPoolExecutor(21) as threads:
        first = threads.submit(writer.run, hold)
        begun.wait(10)
        others = [
            threads.submit(writer.run, lambda c, n=number: adding(str(n), c))
            for number in range(20)
        ]
        released.set()
        assert sorted(one.result() for one in others) == sorted(map(str, range(20)))
        first.result()
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
    tmp_path: Path, empty_database: Path
) -> None:
    address = copy_test_database(empty_database, tmp_path / "publisher.db")
    with (
        closing(open_database(address)) as other,
        closing(open_database(address, busy_seconds=0.05)) as database,
        closing(Writer(database)) as writer,
    ):
        with other.writing(), pytest.raises(WriterUnavailableError):
            writer.run(lambda c: adding("refused", c))
        assert writer.run(lambda c: adding("accepted", c)) == "accepted"
        assert stored(other) == ["accepted"]


def test_a_change_that_waited_too_long_is_not_stored_later(database: Database) -> None:
    begun, released = Event(), Event()

    def hold(_connection: Connection) -> None:
        begun.set()
        released.wait(10)

    with (
        closing(Writer(database, capacity=1, wait_seconds=0.05)) as writer,
        ThreadPoolExecutor(1) as threads,
    ):
        held = threads.submit(writer.run, hold)
        begun.wait(10)
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
        released.wait(10)

    with ThreadPoolExecutor(3) as threads:
        threads.submit(writer.run, hold)
        begun.wait(10)
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
