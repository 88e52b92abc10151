"""Migrations make the tables as they are declared, and an upgrade never loses the old file."""

import importlib
import pkgutil
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData

import publisher
import publisher.jobs.turns
import publisher.web_files
import subscribers.tables
from publisher.database import engine, metadata, migrations, open_database
from publisher.database.dialect import open_backend
from publisher.errors import DatabaseError
from tests.databases import copy_test_database, new_database

# Every package of the program that has tables calls its module so.
for module in pkgutil.walk_packages(publisher.__path__, "publisher."):
    if module.name.endswith(".tables"):
        importlib.import_module(module.name)
# SQLite puts an added column behind the last one, on its line.
PARTS = re.compile(r"\n|(?=CONSTRAINT )|(?<=,) (?=[a-z_]+ [A-Z]+)|(?=\)$)")
# Columns, constraints, indexes and options of each table.
POSTGRESQL_TABLES = """
SELECT table_name, concat_ws(' ', column_name, data_type, is_nullable, column_default, is_identity)
    FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT conrelid::regclass::text, conname || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT relname, reloptions::text
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND reloptions IS NOT NULL
"""
# Notices refer to subscribers, so these come first.
DECLARED: list[MetaData] = [subscribers.tables.subscribers_metadata, metadata]


def script() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__path__[0])))
    return ScriptDirectory.from_config(config)


@contextmanager
def connected(address: Path | str) -> Iterator[Connection]:
    """Open a database as it is, without an upgrade, in a transaction that may write."""
    with (
        closing(open_backend(address, "full")) as backend,
        backend.engine.connect() as connection,
        backend.begin(connection, writes=True),
    ):
        yield connection


def tables_of(address: Path | str) -> dict[str, list[str]]:
    """Give what each table and index is made of, line by line, in no order."""
    with connected(address) as connection:
        if connection.dialect.name == "sqlite":
            return dict(_sqlite_tables(connection))
        rows = connection.exec_driver_sql(POSTGRESQL_TABLES).all()
    names = {name for name, _line in rows} - {"alembic_version"}
    return {name: sorted(line for table, line in rows if table == name) for name in names}


def _sqlite_tables(connection: Connection) -> Iterator[tuple[str, list[str]]]:
    rows = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master"
        " WHERE sql IS NOT NULL AND name NOT IN ('alembic_version', 'sqlite_sequence')"
    )
    for name, sql in rows:
        # A constraint may stand behind its column or on a line of its own.
        parts = (" ".join(part.split()).rstrip(", ") for part in PARTS.split(sql))
        # SQLite quotes the name of a table that was made anew.
        parts = (
            part.replace(f'CREATE TABLE "{name}"', f"CREATE TABLE {name}") for part in parts
        )
        yield name, sorted(filter(None, parts))


def name_of(address: Path | str) -> str:
    with closing(open_backend(address, "full")) as backend:
        return backend.name


def value(address: Path | str, query: str) -> Any:
    with connected(address) as connection:
        return connection.exec_driver_sql(query).scalar_one()


def execute(address: Path | str, *statements: str) -> None:
    with connected(address) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "publisher.db"


@pytest.fixture
def address(path: Path) -> Path | str:
    """A database without tables."""
    return new_database(path)


@pytest.fixture
def made(path: Path, empty_database: Path) -> Path | str:
    return copy_test_database(empty_database, path)


@pytest.fixture
def made_file(path: Path, empty_database: Path) -> Path:
    return shutil.copyfile(empty_database, path)


def test_the_tables_of_all_packages_are_compared() -> None:
    names = {table for one in DECLARED for table in one.tables}
    assert names >= {
        "subscriber",
        "story",
        "article",
        "issue",
        "digest",
        "delivery",
        "build_cache",
    }


def test_alembic_finds_no_difference_between_the_migrations_and_the_tables(
    made: Path | str,
) -> None:
    with connected(made) as connection:
        # Alembic does not know that a file is to have fewer; the next test does.
        missing = {"ix_delivery_held"} if connection.dialect.name == "sqlite" else set[str]()
        options = {"include_object": lambda _one, name, *_rest: name not in missing}
        context = MigrationContext.configure(connection, opts=options)
        # Alembic's typing knows of one collection of tables only; its code takes several.
        declared: Any = DECLARED
        assert compare_metadata(context, declared) == []


def test_the_migrations_make_what_the_tables_declare_to_the_letter(
    made: Path | str, tmp_path: Path
) -> None:
    declared = new_database(tmp_path / "declared.db")
    with connected(declared) as connection:
        for one in DECLARED:
            one.create_all(connection)
    assert tables_of(made) == tables_of(declared)
    assert any("CHECK" in line for line in tables_of(made)["issue"])


def test_there_is_one_newest_migration_and_it_is_the_one_that_is_looked_for() -> None:
    assert script().get_heads() == [engine.HEAD]


@pytest.mark.sqlite("the file")
def test_a_new_file_needs_no_copy(path: Path) -> None:
    open_database(path).close()
    assert value(path, "SELECT version_num FROM alembic_version") == engine.HEAD
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.mark.sqlite("the file")
def test_a_file_that_is_up_to_date_is_not_touched(made_file: Path) -> None:
    before = made_file.read_bytes()
    open_database(made_file).close()
    assert made_file.read_bytes() == before


@pytest.fixture
def older(path: Path) -> Iterator[Path]:
    """A file from before the first migration, with a row that is still in the log only."""
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("CREATE TABLE old (a TEXT)")
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("PRAGMA wal_autocheckpoint=0")
        writer.execute("INSERT INTO old VALUES ('in the log')")
        writer.commit()
        yield path


@pytest.mark.sqlite("the copy")
def test_an_older_file_is_copied_with_its_log_before_it_is_upgraded(older: Path) -> None:
    assert older.with_name("publisher.db-wal").stat().st_size > 0
    open_database(older).close()
    copy = older.with_name(f"publisher-before-{engine.HEAD}-from-unknown.db")
    assert value(copy, "SELECT a FROM old") == "in the log"
    assert list(tables_of(copy)) == ["old"]
    assert value(older, "SELECT a FROM old") == "in the log"
    assert "issue" in tables_of(older)
    assert not [entry for entry in older.parent.iterdir() if entry.name.startswith(".")]


@pytest.mark.sqlite("the copy")
def test_the_copy_is_named_by_what_it_was(
    made_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    before = engine.HEAD
    monkeypatch.setattr(engine, "HEAD", "0999")
    monkeypatch.setattr(engine, "_migrate", lambda *_: done.append("migrated"))
    open_database(made_file).close()
    assert made_file.with_name(f"publisher-before-0999-from-{before}.db").is_file()
    assert done == ["migrated"]


@pytest.mark.sqlite("the copy")
def test_the_copy_has_the_old_rows_also_if_two_processes_upgrade_at_once(
    older: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_revision, read = engine._revision, list[str | None]()

    def then_another_process_upgrades(connection: Connection) -> str | None:
        revision = read_revision(connection)
        read.append(revision)
        if len(read) == 1:
            open_database(older).close()
        return revision

    monkeypatch.setattr(engine, "_revision", then_another_process_upgrades)
    open_database(older).close()
    copy = older.with_name(f"publisher-before-{engine.HEAD}-from-unknown.db")
    assert list(tables_of(copy)) == ["old"]
    assert value(older, "SELECT version_num FROM alembic_version") == engine.HEAD


@pytest.mark.parametrize("revision", ["0001", "0069"])
def test_a_file_of_an_unreleased_version_is_refused_with_what_to_do(
    made: Path | str, revision: str
) -> None:
    execute(made, f"UPDATE alembic_version SET version_num = '{revision}'")
    with pytest.raises(DatabaseError, match=rf"made before 0\.1\.0 \(schema {revision}\)"):
        open_database(made)


def test_a_newer_database_is_refused_and_left_alone(made: Path | str) -> None:
    execute(made, "UPDATE alembic_version SET version_num = '0999'")
    before = tables_of(made)
    with pytest.raises(DatabaseError) as caught:
        open_database(made)
    assert str(caught.value) == (
        f"{name_of(made)}: made by a newer version (schema 0999, this one has {engine.HEAD});"
        " upgrade the program"
    )
    assert tables_of(made) == before
    assert value(made, "SELECT version_num FROM alembic_version") == "0999"


def test_an_upgrade_that_fails_leaves_the_schema_as_it_was(address: Path | str) -> None:
    # In the way of the first migration's last table.
    in_the_way = "CREATE TABLE build_cache (a TEXT)"
    execute(address, in_the_way, "INSERT INTO build_cache VALUES ('mine')")
    with pytest.raises(DatabaseError) as caught:
        open_database(address)
    assert re.fullmatch(
        f'{re.escape(name_of(address))}: (table build_cache|relation "build_cache") already exists',
        str(caught.value),
    )
    assert list(tables_of(address)) == ["build_cache"]
    assert value(address, "SELECT a FROM build_cache") == "mine"


@pytest.mark.sqlite("the copy")
def test_a_file_whose_version_was_lost_is_copied_and_not_upgraded_over(made_file: Path) -> None:
    execute(made_file, "DELETE FROM alembic_version")
    with pytest.raises(DatabaseError, match="already exists"):
        open_database(made_file)
    assert made_file.with_name(f"publisher-before-{engine.HEAD}-from-unknown.db").is_file()
