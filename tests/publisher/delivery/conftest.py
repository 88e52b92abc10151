"""Ledgers that are guarded, for every test of delivery."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from publisher.database import open_database
from tests.databases import copy_test_database
from tests.publisher.delivery.ledger.guarding import guard


@pytest.fixture(scope="session")
def empty_database(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The empty database of each test, its ledger guarded by triggers."""
    path = tmp_path_factory.mktemp("guarded") / "publisher.db"
    address = copy_test_database(empty_database, path)
    with closing(open_database(address)) as database, database.writing() as connection:
        guard(connection)
    return path
