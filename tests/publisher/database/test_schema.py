from __future__ import annotations

import importlib
import pkgutil
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, create_engine

import publisher
import publisher.build_cache
import subscribers.tables
from publisher.database import metadata, migrations, open_database, schema
from publisher.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Every package of the program that has tables calls its module so.
for module in pkgutil.walk_packages(publisher.__path__, "publisher."):
    if module.name.endswith(".tables"):
        importlib.import_module(module.name)
# SQLite puts an added column behind the last one, on its line.
PARTS = re.compile(r"\n|(?=CONSTRAINT )|(?<=,) (?=[a-z_]+ [A-Z]+)|(?=\)$)")
DECLARED: list[MetaData] = [metadata, subscribers.tables.subscribers_metadata]


def script() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__path__[0])))
    return ScriptDirectory.from_config(config)


def tables_of(path: Path) -> dict[str, list[str]]:
    """Give what each table and index is made of, line by line, in no order."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT name, sql FROM sqlite_master"
            " WHERE sql IS NOT NULL AND name NOT IN ('alembic_version', 'sqlite_sequence')"
        ).fetchall()
    return {
        # A constraint may stand behind its column or on a line of its own.
        name: sorted(filter(None, (" ".join(p.split()).rstrip(", ") for p in PARTS.split(sql))))
        for name, sql in rows
    }


def value(path: Path, query: str) -> Any:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchone()[0]


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "publisher.db"


@pytest.fixture
def made(path: Path) -> Path:
    """A file that is up to date."""
    open_database(path).close()
    return path


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


def test_alembic_finds_no_difference_between_the_migrations_and_the_tables(made: Path) -> None:
    engine = create_engine(f"sqlite:///{made}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        # Alembic's typing knows of one collection of tables only; its code takes several.
        declared: Any = DECLARED
        assert compare_metadata(context, declared) == []
    engine.dispose()


def test_the_migrations_make_what_the_tables_declare_to_the_letter(
    made: Path, tmp_path: Path
) -> None:
    declared = tmp_path / "declared.db"
    engine = create_engine(f"sqlite:///{declared}")
    for one in DECLARED:
        one.create_all(engine)
    engine.dispose()
    assert tables_of(made) == tables_of(declared)
    assert any("CHECK" in line for line in tables_of(made)["issue"])


def test_there_is_one_newest_migration_and_it_is_the_one_that_is_looked_for() -> None:
    assert script().get_heads() == [schema.HEAD]


def test_a_new_file_needs_no_copy(made: Path) -> None:
    assert value(made, "SELECT version_num FROM alembic_version") == schema.HEAD
    assert [entry.name for entry in made.parent.iterdir()] == [made.name]


def test_a_file_that_is_up_to_date_is_not_touched(made: Path) -> None:
    before = made.read_bytes()
    open_database(made).close()
    assert made.read_bytes() == before


@pytest.fixture
def older(made: Path) -> Iterator[Path]:
    """A file from before the first migration, with a row that is still in the log only."""
    execute(made, "DROP TABLE build_cache", "DROP TABLE alembic_version")
    for table in tables_of(made):
        if not table.startswith("ix_"):
            execute(made, f"DROP TABLE IF EXISTS {table}")
    execute(made, "CREATE TABLE old (a TEXT)", "VACUUM")
    writer = sqlite3.connect(made)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("PRAGMA wal_autocheckpoint=0")
    writer.execute("INSERT INTO old VALUES ('in the log')")
    writer.commit()
    yield made
    writer.close()


def test_an_older_file_is_copied_with_its_log_before_it_is_upgraded(older: Path) -> None:
    assert older.with_name("publisher.db-wal").stat().st_size > 0
    open_database(older).close()
    copy = older.with_name(f"publisher-before-{schema.HEAD}-from-unknown.db")
    assert value(copy, "SELECT a FROM old") == "in the log"
    assert list(tables_of(copy)) == ["old"]
    assert value(older, "SELECT a FROM old") == "in the log"
    assert "issue" in tables_of(older)
    assert not [entry for entry in older.parent.iterdir() if entry.name.startswith(".")]


def test_the_copy_is_named_by_what_it_was(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    before = schema.HEAD
    monkeypatch.setattr(schema, "HEAD", "0999")
    monkeypatch.setattr(schema, "migrate", lambda _backend: done.append("migrated"))
    open_database(made).close()
    assert made.with_name(f"publisher-before-0999-from-{before}.db").is_file()
    assert done == ["migrated"]


@pytest.mark.parametrize("revision", ["0001", "0004"])
def test_a_file_of_an_unreleased_version_is_refused_with_what_to_do(
    made: Path, revision: str
) -> None:
    execute(made, f"UPDATE alembic_version SET version_num = '{revision}'")
    with pytest.raises(DatabaseError, match=rf"made before 0\.1\.0 \(schema {revision}\)"):
        open_database(made)


def test_a_newer_file_is_refused_and_left_alone(made: Path) -> None:
    execute(made, "UPDATE alembic_version SET version_num = '0999'")
    before = made.read_bytes()
    with pytest.raises(DatabaseError) as caught:
        open_database(made)
    assert str(caught.value) == (
        f"{made}: made by a newer version (schema 0999, this one has {schema.HEAD});"
        " upgrade the program"
    )
    assert made.read_bytes() == before
    assert [entry.name for entry in made.parent.iterdir()] == [made.name]


def test_an_upgrade_that_fails_leaves_the_schema_as_it_was(path: Path) -> None:
    # In the way of the first migration's last table.
    execute(
        path, "CREATE TABLE build_cache (a TEXT)", "INSERT INTO build_cache VALUES ('mine')"
    )
    with pytest.raises(DatabaseError) as caught:
        open_database(path)
    assert str(caught.value) == f"{path}: table build_cache already exists"
    assert list(tables_of(path)) == ["build_cache"]
    assert value(path, "SELECT a FROM build_cache") == "mine"


def test_a_file_whose_version_was_lost_is_copied_and_not_upgraded_over(made: Path) -> None:
    execute(made, "DELETE FROM alembic_version")
    with pytest.raises(DatabaseError, match="already exists"):
        open_database(made)
    assert made.with_name(f"publisher-before-{schema.HEAD}-from-unknown.db").is_file()
