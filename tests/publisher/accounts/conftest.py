"""A database, and an account in it."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from publisher.accounts.model import Account, Grant, Role
from publisher.accounts.store import NewAccount, add_account
from publisher.database import Database, open_database
from tests.databases import copy_test_database
from tests.publisher.conftest import NOW


@pytest.fixture
def database(tmp_path: Path, empty_database: Path) -> Iterator[Database]:
    address = copy_test_database(empty_database, tmp_path / "publisher.db")
    with closing(open_database(address)) as database:
        yield database


def make_account(
    database: Database, email: str = "ann@example.org", *grants: Grant, now: datetime = NOW
) -> Account:
    new = NewAccount(email, "Ann", "en", grants or (Grant(Role.ADMINISTRATOR),))
    with database.writing() as connection:
        return add_account(connection, new, now)


@pytest.fixture
def account(database: Database) -> Account:
    return make_account(database)
