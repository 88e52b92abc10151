from __future__ import annotations

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from publisher import build_cache
from publisher.articles.tables import article, story
from publisher.database import Database, open_database
from publisher.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path / "publisher.db")
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
    assert str(caught.value) == (
        f"{database.path}: NOT NULL constraint failed: build_cache.fingerprint"
    )
    assert isinstance(caught.value.__cause__, IntegrityError)


def test_foreign_keys_are_kept(database: Database) -> None:
    with pytest.raises(DatabaseError, match="FOREIGN KEY"), database.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO source_file VALUES ('a', 'b', 'c', 'd', 99, NULL, '[]')"
        )
    assert article.c.story_id.references(story.c.id)


def test_a_commit_survives_a_power_cut_and_readers_do_not_wait(database: Database) -> None:
    with database.reading() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    full = 2
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": full,
        "foreign_keys": 1,
        "busy_timeout": 30_000,
    }


def test_a_reader_sees_one_state_throughout_while_others_write(database: Database) -> None:
    with database.reading() as reader:
        before = reader.execute(select(build_cache.build_cache)).all()
        with database.writing() as writer:
            build_cache.store_hash(writer, "one", "1")
        assert reader.execute(select(build_cache.build_cache)).all() == before == []
    assert kept(database) == {"one"}


def test_neither_opening_nor_reading_waits_for_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "publisher.db"
    open_database(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    before = time.monotonic()
    database = open_database(path)
    assert kept(database) == set()
    assert time.monotonic() - before < 20  # a writer is waited for 30 seconds
    database.close()
    other.close()


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


def test_a_second_file_handle_waits_too(tmp_path: Path) -> None:
    databases = [open_database(tmp_path / "publisher.db") for _ in range(4)]

    def write(number: int) -> None:
        for turn in range(5):
            with databases[number].writing() as connection:
                build_cache.store_hash(connection, f"{number}-{turn}", "")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert len(kept(databases[0])) == 20
    for database in databases:
        database.close()


def test_processes_that_create_the_file_at_the_same_time_all_open_it(tmp_path: Path) -> None:
    start = threading.Barrier(4)

    def make(_number: int) -> None:
        start.wait()
        database = open_database(tmp_path / "var" / "publisher.db")
        assert kept(database) == set()
        database.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(4)))


def test_a_file_that_another_program_keeps_to_itself_is_given_up_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("publisher.database.dialect.sqlite._BUSY_MILLISECONDS", 20)
    monkeypatch.setattr("publisher.database.dialect.sqlite._WAL_ATTEMPTS", 2)
    path = tmp_path / "publisher.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE old (a)")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(DatabaseError) as caught:
        open_database(path)
    assert str(caught.value) == f"{path}: database is locked"
    other.close()


@pytest.mark.parametrize("name", ["what?", "50%", "a#b", "灯笼 &c", "x=1&mode=memory"])
def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name / "publisher.db"
    open_database(path).close()
    assert path.is_file()
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "publisher.db"
    path.write_bytes(b"This is a letter, and a long one. " * 100)
    before = path.read_bytes()
    with pytest.raises(DatabaseError) as caught:
        open_database(path)
    assert str(caught.value) == f"{path}: file is not a database"
    assert path.read_bytes() == before


def test_a_damaged_database_is_an_error_of_one_line(tmp_path: Path) -> None:
    path = tmp_path / "publisher.db"
    open_database(path).close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(DatabaseError) as caught:
        kept(open_database(path))
    assert str(caught.value) == f"{path}: database disk image is malformed"


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "publisher.db").mkdir()
    with pytest.raises(DatabaseError, match=r"publisher\.db: unable to open database file$"):
        open_database(tmp_path / "publisher.db")


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("in the way")
    with pytest.raises(DatabaseError) as caught:
        open_database(tmp_path / "var" / "publisher.db")
    assert str(caught.value) == f"{tmp_path / 'var'}: can't be made: File exists"


def test_a_copy_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "publisher.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE old (a)")
    connection.close()
    # A folder where the copy should go: as good as a full disk.
    (tmp_path / ".publisher-before-0001-from-unknown.db").mkdir()
    monkeypatch.setattr("publisher.database.schema.HEAD", "0001")
    with pytest.raises(DatabaseError, match="unable to open database file"):
        open_database(path)
    check = sqlite3.connect(path)
    assert check.execute("SELECT name FROM sqlite_master").fetchall() == [("old",)]
    check.close()
