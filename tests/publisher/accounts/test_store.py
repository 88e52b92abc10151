"""Accounts and their roles are stored, and one administrator is always left."""

from datetime import timedelta

import pytest

from publisher.accounts.model import Account, Grant, Role
from publisher.accounts.store import (
    NewAccount,
    account_by_id,
    add_account,
    count_administrators,
    disable_account,
    enable_account,
    find_account,
    list_accounts,
    set_grants,
)
from publisher.database import Database
from publisher.errors import AccountError
from tests.publisher.accounts.conftest import make_account
from tests.publisher.conftest import NOW

ADMINISTRATOR = (Grant(Role.ADMINISTRATOR),)


def test_an_account_is_found_by_its_address_in_any_letter_case(
    database: Database, account: Account
) -> None:
    with database.reading() as connection:
        assert find_account(connection, " Ann@Example.ORG") == account
        assert find_account(connection, "bob@example.org") is None
        assert account.grants == ADMINISTRATOR
        assert account.created_at == NOW


@pytest.mark.parametrize(
    ("email", "grants", "problem"),
    [
        ("nobody", ADMINISTRATOR, "no e-mail address"),
        ("a b@example.org", ADMINISTRATOR, "no e-mail address"),
        ("ANN@example.org", ADMINISTRATOR, "has an account already"),
        ("bob@example.org", (), "needs a role"),
    ],
)
@pytest.mark.usefixtures("account")
def test_an_account_that_can_t_be_made_says_why(
    database: Database, email: str, grants: tuple[Grant, ...], problem: str
) -> None:
    with database.writing() as connection, pytest.raises(AccountError, match=problem):
        add_account(connection, NewAccount(email, "", "en", grants), NOW)


@pytest.mark.usefixtures("account")
def test_roles_are_replaced_and_kept_once(database: Database) -> None:
    bob = make_account(database, "bob@example.org", Grant(Role.VIEWER))
    wanted = [Grant(Role.EDITOR, "ar"), Grant(Role.EDITOR, "ar"), Grant(Role.APPROVER)]
    with database.writing() as connection:
        set_grants(connection, bob.id, wanted)
    with database.reading() as connection:
        assert {*account_by_id(connection, bob.id).grants} == {*wanted}
        assert [one.email for one in list_accounts(connection)] == [
            "ann@example.org",
            "bob@example.org",
        ]


def test_the_last_administrator_stays(database: Database, account: Account) -> None:
    make_account(database, "bob@example.org", Grant(Role.VIEWER))
    with pytest.raises(AccountError, match="one administrator"), database.writing() as one:
        set_grants(one, account.id, [Grant(Role.VIEWER)])
    with pytest.raises(AccountError, match="one administrator"), database.writing() as one:
        disable_account(one, account.id, NOW)
    with database.reading() as connection:
        assert account_by_id(connection, account.id) == account


@pytest.mark.usefixtures("account")
def test_a_disabled_account_can_be_enabled_again(database: Database) -> None:
    bob = make_account(database, "bob@example.org", *ADMINISTRATOR)
    with database.writing() as connection:
        disable_account(connection, bob.id, NOW)
        disable_account(connection, bob.id, NOW + timedelta(days=1))
        assert account_by_id(connection, bob.id).disabled_at == NOW
        assert count_administrators(connection) == 1
        enable_account(connection, bob.id)
        assert account_by_id(connection, bob.id) == bob


def test_an_unknown_account_is_an_error(database: Database) -> None:
    with database.reading() as connection, pytest.raises(AccountError, match="there is none"):
        account_by_id(connection, 7)
