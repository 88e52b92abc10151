"""There is one migration, and a program that runs goes on while a newer one adds tables."""

import re
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

import publisher
from publisher.app.subscribers.personal_tables import OTHER_TABLES, PERSONAL_TABLES
from publisher.database import migrations, open_database
from publisher.database.migrations.versions import v0104_first
from publisher.errors import DatabaseError
from publisher.testing import MemoryTransport
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of


def test_there_is_one_migration_until_there_is_a_release() -> None:
    folder = Path(migrations.__path__[0]) / "versions"
    assert [one.name for one in folder.glob("v*.py")] == ["v0104_first.py"]


def test_the_migration_imports_every_module_that_declares_tables() -> None:
    # In this process others have imported them; `publisher run` in a new folder has not.
    declaring = re.compile(r'= (?:sa\.)?Table\(\s*"\w+",\s*\w*metadata')
    root = Path(publisher.__path__[0]).parent
    found = {
        ".".join(file.relative_to(root).with_suffix("").parts)
        for package in ("publisher", "subscribers")
        for file in (root / package).rglob("*.py")
        if declaring.search(file.read_text("utf-8"))
    }
    assert found == {*v0104_first._DECLARING, "subscribers.tables"}


def test_every_table_with_rows_of_subscribers_is_in_their_data_or_has_a_reason(
    publication: PublicationFolder,
) -> None:
    listed = [*(one.table.name for one in PERSONAL_TABLES), *(one.name for one in OTHER_TABLES)]
    with publication.database.reading() as connection:
        found = inspect(connection)
        holding = [
            table
            for table in found.get_table_names()
            if "subscriber_id" in [column["name"] for column in found.get_columns(table)]
        ]
    # A new table needs a line in publisher/app/subscribers/personal_tables.py.
    assert sorted(listed) == sorted(holding)
    assert all(len(reason) > 20 for reason in OTHER_TABLES.values())


def upgrade_by_a_newer_program(publication: PublicationFolder) -> None:
    """Add what migrations add: columns that may be empty, tables, indexes."""
    with publication.database.writing() as connection:
        for table in ("article", "issue", "delivery", "subscriber", "feed_entry"):
            connection.execute(text(f"ALTER TABLE {table} ADD COLUMN of_tomorrow TEXT"))
        connection.execute(text("CREATE TABLE of_tomorrow (name TEXT PRIMARY KEY)"))
        connection.execute(text("CREATE INDEX ix_of_tomorrow ON delivery (of_tomorrow)"))
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))


def test_the_former_program_ends_its_turn_beside_the_new_tables(
    publication: PublicationFolder,
) -> None:
    publication.reload(languages=["en"])
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    subscribe(publication, ("reader@example.org", "en"))
    transport = MemoryTransport("ambiguous")
    former = pipeline_of(publication, transport)
    assert former.prepare().problems == []
    upgrade_by_a_newer_program(publication)
    publication.write("en/ebb.md", "It ebbs.", title="Ebb", date="2026-01-06")
    report = former.run()
    assert (report.problems, report.picked_up.new) == ([], 1)
    assert len(transport.messages) == 1
    assert (publication.settings.folders.public / "en/stories/ebb/index.html").is_file()
    # Started again, it says what to do.
    with pytest.raises(DatabaseError, match=r"made by a newer version .*; upgrade the program"):
        open_database(publication.settings.database)
