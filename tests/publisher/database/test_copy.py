"""A copy of the database in a new file, for previews and checks."""

import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, MetaData, Table, select

from publisher.database import Database, open_database
from publisher.database.copy import back_up, copy_database
from tests.databases import database_address
from tests.publisher.conftest import PublicationFolder


def rows(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Give all rows of all tables, by table, each table by its key."""
    found = MetaData()
    with database.reading() as connection:
        found.reflect(connection)
        return {table.name: _rows(connection, table) for table in found.sorted_tables}


def _rows(connection: Connection, table: Table) -> list[tuple[Any, ...]]:
    key = [column.name for column in table.primary_key]
    return [tuple(row) for row in connection.execute(select(table).order_by(*key))]


@pytest.fixture
def filled(publication: PublicationFolder) -> PublicationFolder:
    """A publication with an article that has lists, no picture and no section."""
    publication.pick_up_file(
        "en/tides.md", "The tide waits.", title="Tides", date="2026-01-05", author="Ann"
    )
    return publication


def test_a_copy_or_back_up_has_all_rows_of_all_tables(filled: PublicationFolder) -> None:
    # Elsewhere than other files of tests: a copy is a SQLite file, whatever its source is.
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "copy.db"
        copy_database(filled.database, target)
        with closing(open_database(target)) as copy:
            assert rows(copy) == rows(filled.database)
            assert len(rows(copy)["article"]) == 1
    address = database_address(filled.settings.folders.database)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "copy.db"
        back_up(address, target)
        with closing(open_database(target)) as copy:
            assert rows(copy) == rows(filled.database)


def test_a_publication_that_never_ran_has_nothing_to_copy(tmp_path: Path) -> None:
    back_up(tmp_path / "none.db", tmp_path / "copy.db")
    assert [*tmp_path.iterdir()] == []
