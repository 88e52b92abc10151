from __future__ import annotations

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from publisher import build_cache
from publisher.articles.tables import article, story
from publisher.database import Database, open_database
from publisher.errors import DatabaseError
from tests.databases import copy_test_database, new_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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
        return set(connection.execute(select(build_cache.build_cache.c.name)).scalars())


def test_a_transaction_is_kept_whole(database: Database) -> None:
    with database.writing() as connection:
        build_cache.store_hash(connection, "one", "1")
        build_cache.store_hash(connection, "two", "2")
    assert kept(database) == {"one", "two"}


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    def half() -> None:
        with database.writing() as connection:
            build_cache.store_hash(connection, "one", "1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert kept(database) == set()


def test_what_the_database_refuses_is_an_error_of_one_line(database: Database) -> None:
    with pytest.raises(DatabaseError) as caught, database.writing() as connection:
        connection.execute(insert(build_cache.build_cache).values(name="one"))
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
        before = reader.execute(select(build_cache.build_cache)).all()
        with database.writing() as writer:
            build_cache.store_hash(writer, "one", "1")
        assert reader.execute(select(build_cache.build_cache)).all() == before == []
    assert kept(database) == {"one"}


def test_neither_opening_nor_reading_waits_for_a_writer(
    address: Path | str,
) -> None:
    with closing(open_database(address)) as other, other.writing():
        before = time.monotonic()
        database = open_database(address)
        assert kept(database) == set()
        assert time.monotonic() - before < 20  # a writer is waited for 30 seconds
        database.close()


def test_writers_wait_for_each_other_and_none_fails(database: Database) -> None:
    with database.writing() as connection:
        build_cache.store_hash(connection, "count", "0")
    start = threading.Barrier(8)

    def count(_number: int) -> None:
        start.wait()
        for _ in range(10):
            # Reads before it writes: a transaction that took no lock at first would fail here.
            with database.writing() as connection:
                value = build_cache.cached_hash(connection, "count")
                build_cache.store_hash(connection, "count", str(int(value or 0) + 1))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(8)))
    with database.reading() as connection:
        assert build_cache.cached_hash(connection, "count") == "80"


def test_writers_with_connections_of_their_own_wait_too(address: Path | str) -> None:
    databases = [open_database(address) for _ in range(4)]

    def write(number: int) -> None:
        for turn in range(5):
            with databases[number].writing() as connection:
                build_cache.store_hash(connection, f"{number}-{turn}", "")

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
