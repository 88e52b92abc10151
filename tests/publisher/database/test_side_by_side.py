"""A program that runs goes on for a turn after a newer one has upgraded the database; it is not started again."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from publisher.database import open_database
from publisher.errors import DatabaseError
from publisher.testing import MemoryTransport
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of


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
