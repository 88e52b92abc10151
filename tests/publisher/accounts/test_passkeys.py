"""Passkeys: the right answers count, each wrong one is refused."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from publisher.accounts.factors import read_factors
from publisher.accounts.model import Account, Grant, Role
from publisher.accounts.passkeys import (
    RelyingParty,
    add_passkey,
    ask_for_new_passkey,
    ask_for_passkey,
    check_passkey,
    list_passkeys,
    remove_passkey,
)
from publisher.database import Database
from publisher.errors import AccountError
from tests.publisher.accounts.authenticator import Authenticator, encoded
from tests.publisher.accounts.conftest import make_account
from tests.publisher.conftest import NOW

CONSOLE = RelyingParty("desk.example.org", "Weekly", "https://desk.example.org")


def register(database: Database, account: Account, device: Authenticator) -> None:
    with database.writing() as connection:
        asked = ask_for_new_passkey(connection, account, CONSOLE)
        answer = device.register(asked.options)
        add_passkey(
            connection,
            account,
            answer,
            challenge=asked.challenge,
            console=CONSOLE,
            label=" telephone ",
            now=NOW,
        )


def sign_in(
    database: Database,
    device: Authenticator,
    spoil: Callable[[dict[str, Any]], Any] = lambda _answer: None,
) -> int:
    with database.writing() as connection:
        asked = ask_for_passkey(connection, CONSOLE)
        answer = device.sign(asked.options)
        spoil(answer)
        return check_passkey(
            connection, answer, challenge=asked.challenge, console=CONSOLE, now=NOW
        )


def test_a_passkey_signs_its_owner_in(database: Database, account: Account) -> None:
    device = Authenticator()
    register(database, account, device)
    assert sign_in(database, device) == account.id
    assert sign_in(database, device) == account.id
    with database.reading() as connection:
        (one,) = list_passkeys(connection, account.id)
        assert (one.label, one.created_at, one.used_at) == ("telephone", NOW, NOW)
        assert read_factors(connection, account.id).is_enough


def test_a_device_makes_no_second_passkey_and_none_is_taken_over(
    database: Database, account: Account
) -> None:
    device = Authenticator()
    register(database, account, device)
    with database.reading() as connection:
        options = json.loads(ask_for_new_passkey(connection, account, CONSOLE).options)
        assert [one["id"] for one in options["excludeCredentials"]] == [
            encoded(device.credential_id)
        ]
    bob = make_account(database, "bob@example.org", Grant(Role.VIEWER))
    with pytest.raises(AccountError, match="in use already"):
        register(database, bob, device)


@pytest.mark.parametrize(
    "device",
    [
        Authenticator(origin="https://desk.example.net"),
        Authenticator(origin="http://desk.example.org"),
        Authenticator(verifies=False),
    ],
    ids=["another origin", "not encrypted", "nobody verified"],
)
def test_a_passkey_made_in_the_wrong_way_is_refused(
    database: Database, account: Account, device: Authenticator
) -> None:
    with pytest.raises(AccountError, match="can't be used"):
        register(database, account, device)


def _no_verification(device: Authenticator) -> None:
    device.verifies = False


def _other_origin(device: Authenticator) -> None:
    device.origin = "https://desk.example.net"


def _count_back(device: Authenticator) -> None:
    device.counter = 0


def _other_owner(device: Authenticator) -> None:
    device.handle = encoded(b"account 77")


def _other_key(device: Authenticator) -> None:
    device.key = Authenticator().key


def _unknown(device: Authenticator) -> None:
    device.credential_id = b"unknown"


@pytest.mark.parametrize(
    "change", [_no_verification, _other_origin, _count_back, _other_owner, _other_key, _unknown]
)
def test_a_wrong_answer_signs_nobody_in(
    database: Database, account: Account, change: Callable[[Authenticator], None]
) -> None:
    device = Authenticator(counter=5)
    register(database, account, device)
    assert sign_in(database, device) == account.id
    with database.reading() as connection:
        before = list_passkeys(connection, account.id)
    change(device)
    with pytest.raises(AccountError, match=r"can't be used|not known here"):
        sign_in(database, device)
    with database.reading() as connection:
        assert list_passkeys(connection, account.id) == before


@pytest.mark.parametrize(
    "spoil",
    [
        lambda answer: answer.update(rawId="*"),
        lambda answer: answer.update(response=None),
        lambda answer: answer["response"].pop("signature"),
        lambda answer: answer["response"].update(clientDataJSON="AA"),
        lambda answer: answer["response"].update(authenticatorData="AA"),
    ],
)
def test_a_damaged_answer_is_refused(
    database: Database, account: Account, spoil: Callable[[dict[str, Any]], Any]
) -> None:
    device = Authenticator()
    register(database, account, device)
    with pytest.raises(AccountError):
        sign_in(database, device, spoil)


def test_a_removed_passkey_signs_nobody_in(database: Database, account: Account) -> None:
    device = Authenticator()
    register(database, account, device)
    bob = make_account(database, "bob@example.org", Grant(Role.VIEWER))
    with database.writing() as connection:
        (one,) = list_passkeys(connection, account.id)
        assert not remove_passkey(connection, bob.id, one.id)
        assert remove_passkey(connection, account.id, one.id)
    with pytest.raises(AccountError, match="not known here"):
        sign_in(database, device)
