"""Who is signed in to the console, and the databases that its pages have."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from publisher.accounts.actor import account_actor
from publisher.accounts.model import Account, Grant, Permission, Role
from publisher.accounts.sessions import Browser, begin_session, complete_session
from publisher.accounts.store import NewAccount, add_account, disable_account
from publisher.accounts.tables import account_table
from publisher.app.console_session import is_signed_in, read_signed_in
from publisher.app.console_state import open_console_state
from publisher.app.editing_state import EditingState, open_editing_state
from publisher.errors import DatabaseError
from tests.publisher.conftest import NOW, PublicationFolder


@pytest.fixture
def state(publication: PublicationFolder) -> Iterator[EditingState]:
    with open_editing_state(publication.settings, publication.clock) as state:
        yield state


@pytest.fixture
def account(publication: PublicationFolder) -> Account:
    grants = (Grant(Role.APPROVER, "ar"), Grant(Role.ADMINISTRATOR))
    with publication.database.writing() as connection:
        return add_account(connection, NewAccount("ann@example.org", "Ann", "ar", grants), NOW)


def sign_in(publication: PublicationFolder, account: Account, at: datetime = NOW) -> str:
    with publication.database.writing() as connection:
        token = begin_session(connection, Browser("Firefox", ""), at)
        return complete_session(connection, token, account.id, at)


def test_a_complete_session_names_its_account(
    state: EditingState, publication: PublicationFolder, account: Account
) -> None:
    found = read_signed_in(state, sign_in(publication, account), "192.0.2.0/24")
    assert found is not None
    assert found.actor == account_actor(account, "192.0.2.0/24")
    assert found.actor.permits(Permission.APPROVE, "ar")
    assert (found.name, found.language, found.is_fresh) == ("Ann", "ar", True)


def test_a_proof_is_fresh_for_a_while(
    state: EditingState, publication: PublicationFolder, account: Account
) -> None:
    found = read_signed_in(
        state, sign_in(publication, account, NOW - timedelta(minutes=11)), ""
    )
    assert found is not None
    assert not found.is_fresh


def test_nobody_is_signed_in_before_the_last_factor_or_when_disabled(
    state: EditingState, publication: PublicationFolder, account: Account
) -> None:
    with publication.database.writing() as connection:
        begun = begin_session(connection, Browser("Firefox", ""), NOW)
        new = NewAccount("bob@example.org", "Bob", "en", (Grant(Role.ADMINISTRATOR),))
        add_account(connection, new, NOW)
    assert read_signed_in(state, begun, "") is None
    assert not is_signed_in(state, begun)
    token = sign_in(publication, account)
    with publication.database.writing() as connection:
        disable_account(connection, account.id, NOW)
    assert read_signed_in(state, token, "") is None


def test_pages_read_from_a_database_that_refuses_changes(
    publication: PublicationFolder,
) -> None:
    new = NewAccount("bob@example.org", "Bob", "en", (Grant(Role.VIEWER),))
    with open_console_state(publication.settings) as opened:
        with (
            pytest.raises(DatabaseError, match=r"read-?\s?only"),
            opened.reading.writing() as connection,
        ):
            add_account(connection, new, NOW)
        with opened.writing.writing() as connection:
            add_account(connection, new, NOW)
    assert [row["email"] for row in publication.rows(account_table)] == ["bob@example.org"]
