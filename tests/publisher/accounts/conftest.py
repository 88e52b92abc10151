"""A database, and an account in it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

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


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """One transaction for the whole test."""
    with database.writing() as connection:
        yield connection


def make_account(
    connection: Connection, email: str = "ann@example.org", *grants: Grant
) -> Account:
    new = NewAccount(email, "Ann", "en", grants or (Grant(Role.ADMINISTRATOR),))
    return add_account(connection, new, NOW)


@pytest.fixture
def account(connection: Connection) -> Account:
    return make_account(connection)
