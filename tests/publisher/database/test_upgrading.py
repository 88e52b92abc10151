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
from publisher.database import metadata, migrations, open_database, upgrading
from publisher.delivery.ledger.claims import claim
from publisher.delivery.ledger.counts import count_deliveries
from publisher.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Every package of the program that has tables calls its module so.
for module in pkgutil.walk_packages(publisher.__path__, "publisher."):
    if module.name.endswith(".tables"):
        importlib.import_module(module.name)
# SQLite puts an added column behind the last one, on its line.
PARTS = re.compile(r"\n|(?=CONSTRAINT )|(?<=,) (?=[a-z_]+ [A-Z]+)")
DECLARED: list[MetaData] = [metadata, subscribers.tables.metadata]


def script() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__path__[0])))
    return ScriptDirectory.from_config(config)


def schema(path: Path) -> dict[str, list[str]]:
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
    assert names >= {"subscriber", "story", "article", "issue", "digest", "delivery", "output"}


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
    assert schema(made) == schema(declared)
    assert any("CHECK" in line for line in schema(made)["issue"])


def test_there_is_one_newest_migration_and_it_is_the_one_that_is_looked_for() -> None:
    assert script().get_heads() == [upgrading.HEAD]


def test_a_new_file_needs_no_copy(made: Path) -> None:
    assert value(made, "SELECT version_num FROM alembic_version") == upgrading.HEAD
    assert [entry.name for entry in made.parent.iterdir()] == [made.name]


def test_a_file_that_is_up_to_date_is_not_touched(made: Path) -> None:
    before = made.read_bytes()
    open_database(made).close()
    assert made.read_bytes() == before


@pytest.fixture
def older(made: Path) -> Iterator[Path]:
    """A file from before the first migration, with a row that is still in the log only."""
    execute(made, "DROP TABLE output", "DROP TABLE alembic_version")
    for table in schema(made):
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
    copy = older.with_name(f"publisher-before-{upgrading.HEAD}-from-unknown.db")
    assert value(copy, "SELECT a FROM old") == "in the log"
    assert list(schema(copy)) == ["old"]
    assert value(older, "SELECT a FROM old") == "in the log"
    assert "issue" in schema(older)
    assert not [entry for entry in older.parent.iterdir() if entry.name.startswith(".")]


def as_of(path: Path, revision: str) -> None:
    """Make a file as an earlier version of the program has left it."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__path__[0])))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def test_digests_from_before_the_gate_have_no_findings(path: Path) -> None:
    as_of(path, "0002")
    execute(
        path,
        "INSERT INTO issue (id, newsletter, language, day, due_at, state)"
        " VALUES (1, 'weekly', 'en', '2026-01-09', '2026-01-09T08:00:00Z', 'sent')",
        "INSERT INTO digest VALUES (1, 's', 'p', 'h', 't', 'page', '0')",
    )
    open_database(path).close()
    assert value(path, "SELECT findings FROM digest") == "[]"
    assert value(path, "SELECT html FROM digest") == "h"
    assert path.with_name(f"publisher-before-{upgrading.HEAD}-from-0002.db").is_file()


DUE = "2026-01-09T08:00:00Z"
THEN = "2026-01-09T08:00:30Z"
# Rows as the first ledger had them: states, leases, what was counted and why.
BEFORE = [
    (1, 1, "pending", DUE, 0, None, 0, None, DUE),
    (1, 2, "claimed", DUE, 3, "2026-01-09T08:10:00Z", 0, None, THEN),
    (1, 3, "sent", DUE, 1, None, 1, None, THEN),
    (1, 4, "failed", DUE, 1, None, 1, "no header can hold that", THEN),
    (1, 5, "suppressed", DUE, 0, None, 0, "no longer subscribed", THEN),
    (2, 3, "sent", DUE, 1, None, 1, None, THEN),
]
KEPT = "issue_id, subscriber_id, state, due_at, epoch, attempts, reason, changed_at"


@pytest.fixture
def old_ledger(path: Path) -> Path:
    """Two issues of which the first is being sent, and mail was on its way."""
    as_of(path, "0003")
    execute(
        path,
        *(
            "INSERT INTO issue (id, newsletter, language, day, due_at, state)"
            f" VALUES ({number}, 'weekly', '{language}', '2026-01-09', '{DUE}', '{state}')"
            for number, language, state in ((1, "en", "sending"), (2, "ar", "sent"))
        ),
    )
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            f"INSERT INTO delivery VALUES ({', '.join('?' * 9)})", reversed(BEFORE)
        )
    return path


def test_an_old_ledger_is_carried_over_and_what_was_claimed_waits_again(
    old_ledger: Path,
) -> None:
    open_database(old_ledger).close()
    carried = [
        (issue, reader, "pending" if state == "claimed" else state, due, epoch, *rest)
        for issue, reader, state, due, epoch, _lease, *rest in BEFORE
    ]
    assert rows(old_ledger, f"SELECT {KEPT} FROM delivery ORDER BY 1, 2") == carried
    # Nobody holds anything, nothing is known of first tries, and all that is open is due.
    assert rows(old_ledger, "SELECT DISTINCT sender, tried_at FROM delivery") == [(None, None)]
    assert rows(old_ledger, "SELECT DISTINCT next_at FROM delivery") == [(DUE,)]
    assert rows(old_ledger, "SELECT * FROM sender") == []
    assert rows(old_ledger, "PRAGMA foreign_key_check") == []
    assert rows(old_ledger, "PRAGMA integrity_check") == [("ok",)]


def test_an_old_ledger_goes_on_where_it_stopped(old_ledger: Path) -> None:
    noon = datetime(2026, 1, 9, 12, tzinfo=UTC)
    execute(
        old_ledger,
        *(
            "INSERT INTO subscriber (id, email, address, language, status, created_at,"
            f" updated_at) VALUES ({number}, '{number}@example.org', '{number}@example.org',"
            f" 'en', 'active', '{DUE}', '{DUE}')"
            for number in range(1, 6)
        ),
    )
    with closing(open_database(old_ledger)) as database, database.writing() as connection:
        claims = claim(connection, 1, 1, noon, 9)
        assert [(one.reader.id, one.epoch) for one in claims] == [(1, 1), (2, 4)]
        assert count_deliveries(connection, [1, 2]) == {
            1: {"claimed": 2, "sent": 1, "failed": 1, "suppressed": 1},
            2: {"sent": 1},
        }


def test_an_empty_ledger_is_carried_over(path: Path) -> None:
    as_of(path, "0003")
    open_database(path).close()
    assert rows(path, "SELECT * FROM delivery") == []
    assert "delivery_before" not in schema(path)


def test_the_copy_is_named_by_what_it_was(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    before = upgrading.HEAD
    monkeypatch.setattr(upgrading, "HEAD", "0999")
    monkeypatch.setattr(upgrading, "_migrate", lambda _engine: done.append("migrated"))
    open_database(made).close()
    assert made.with_name(f"publisher-before-0999-from-{before}.db").is_file()
    assert done == ["migrated"]


def test_a_newer_file_is_refused_and_left_alone(made: Path) -> None:
    execute(made, "UPDATE alembic_version SET version_num = '0999'")
    before = made.read_bytes()
    with pytest.raises(DatabaseError) as caught:
        open_database(made)
    assert str(caught.value) == (
        f"{made}: made by a newer version (schema 0999, this one knows {upgrading.HEAD});"
        " upgrade the program"
    )
    assert made.read_bytes() == before
    assert [entry.name for entry in made.parent.iterdir()] == [made.name]


def test_an_upgrade_that_fails_leaves_the_schema_as_it_was(path: Path) -> None:
    # In the way of the first migration's last table.
    execute(path, "CREATE TABLE output (a TEXT)", "INSERT INTO output VALUES ('mine')")
    with pytest.raises(DatabaseError) as caught:
        open_database(path)
    assert str(caught.value) == f"{path}: table output already exists"
    assert list(schema(path)) == ["output"]
    assert value(path, "SELECT a FROM output") == "mine"


def test_a_file_whose_version_was_lost_is_copied_and_not_upgraded_over(made: Path) -> None:
    execute(made, "DELETE FROM alembic_version")
    with pytest.raises(DatabaseError, match="already exists"):
        open_database(made)
    assert made.with_name(f"publisher-before-{upgrading.HEAD}-from-unknown.db").is_file()
