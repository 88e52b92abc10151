"""SQLite itself: the file, its log, its name, and what is in the place of it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.engine.interfaces import CacheStats

from publisher.database import open_database
from publisher.database.dialect import sqlite
from publisher.errors import DatabaseError
from publisher.web_files import build_cache
from tests.databases import prepare_sqlite

pytestmark = pytest.mark.sqlite("the file")


def test_a_commit_survives_a_power_cut_and_readers_do_not_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_prepare", prepare_sqlite)
    with (
        closing(open_database(tmp_path / "publisher.db")) as database,
        database.reading() as connection,
    ):
        for name, value in {
            "journal_mode": "wal",
            # full
            "synchronous": 2,
            "foreign_keys": 1,
            "secure_delete": 1,
            "busy_timeout": 30_000,
        }.items():
            assert connection.exec_driver_sql(f"PRAGMA {name}").scalar() == value, name


def test_a_file_that_another_program_keeps_to_itself_is_given_up_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("publisher.database.dialect.sqlite._BUSY_MILLISECONDS", 20)
    path = tmp_path / "publisher.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE old (a)")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(DatabaseError) as caught:
        open_database(path)
    assert str(caught.value) == (
        f"{path}: database is locked: another process keeps it from others; let it go on or end it, then try again"
    )
    other.close()


@pytest.mark.sqlite("the file")
def test_the_process_that_keeps_others_from_writing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, locks = tmp_path / "publisher.db", tmp_path / "locks"
    monkeypatch.setattr("publisher.database.dialect.sqlite._LOCKS", locks)
    with closing(open_database(path, busy_seconds=0.01)) as database:
        inode = path.with_name("publisher.db-shm").stat().st_ino
        lines = [f"1: POSIX  ADVISORY  READ  7 fe:01:{inode} 124 124"]
        lines += [f"2: FLOCK  ADVISORY  WRITE 8 fe:01:{inode} 0 EOF"]
        lines += [f"2: POSIX  ADVISORY  WRITE {pid} fe:01:{inode} 120 120" for pid in (4711,)]
        locks.write_text("\n".join(lines), "ascii")
        other = sqlite3.connect(path)
        other.execute("BEGIN IMMEDIATE")
        with (
            pytest.raises(DatabaseError, match="locked: process 4711 keeps it"),
            database.writing(),
        ):
            pass
        other.close()


@pytest.mark.parametrize("name", ["what?", "50%", "a#b", "灯笼 &c", "x=1&mode=memory"])
def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name / "publisher.db"
    open_database(path).close()
    assert path.is_file()
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_a_statement_is_compiled_once_for_all_files(tmp_path: Path) -> None:
    # It is emptied when it is full, which must not be now. No other test has a statement with this label.
    sqlite._STATEMENTS.clear()
    query = select(build_cache.c.fingerprint.label("compiled_once"))
    for name in ("one", "two"):
        with (
            closing(open_database(tmp_path / f"{name}.db")) as database,
            database.writing() as connection,
        ):
            connection.execute(insert(build_cache).values(name="lists", fingerprint=name))
            found = connection.execute(query)
            assert found.scalar_one() == name
            assert isinstance(found.context, DefaultExecutionContext)
            first = name == "one"
            assert found.context.cache_hit is (
                CacheStats.CACHE_MISS if first else CacheStats.CACHE_HIT
            )


def test_compiled_statements_take_no_more_memory_than_they_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("publisher.database.dialect.sqlite._MAX_STATEMENTS", 3)
    with (
        closing(open_database(tmp_path / "publisher.db")) as database,
        database.reading() as connection,
    ):
        for number in range(10):
            query = select(build_cache.c.name.label(f"name_{number}"))
            assert connection.execute(query).all() == []
            assert len(sqlite._STATEMENTS) <= 3


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "publisher.db"
    path.write_bytes(b"This is a letter, and a long one. " * 100)
    before = path.read_bytes()
    with pytest.raises(DatabaseError) as caught:
        open_database(path)
    assert str(caught.value).startswith(f"{path}: file is not a database: put a backup back")
    assert path.read_bytes() == before


def test_a_damaged_database_is_an_error_of_one_line(tmp_path: Path) -> None:
    path = tmp_path / "publisher.db"
    open_database(path).close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(DatabaseError) as caught:
        open_database(path)
    remedy = "put a backup back with `publisher restore`, which keeps this file"
    assert str(caught.value) == f"{path}: database disk image is malformed: {remedy}"


def test_a_file_or_folder_in_the_place_of_another_is_refused(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("in the way")
    with pytest.raises(DatabaseError) as caught:
        open_database(tmp_path / "var" / "publisher.db")
    assert str(caught.value) == f"{tmp_path / 'var'}: can't be made: File exists"
    (tmp_path / "publisher.db").mkdir()
    with pytest.raises(
        DatabaseError, match=r"publisher\.db: unable to open database file: it is a folder; "
    ):
        open_database(tmp_path / "publisher.db")


def test_a_copy_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "publisher.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE old (a)")
    connection.close()
    # A folder where the copy should go: as good as a full disk.
    (tmp_path / ".publisher-before-0001-from-unknown.db").mkdir()
    monkeypatch.setattr("publisher.database.engine.HEAD", "0001")
    with pytest.raises(DatabaseError, match="unable to open database file"):
        open_database(path)
    check = sqlite3.connect(path)
    assert check.execute("SELECT name FROM sqlite_master").fetchall() == [("old",)]
    check.close()
