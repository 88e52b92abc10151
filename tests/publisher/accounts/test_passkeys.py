"""Passkeys: the right answers count, each wrong one is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection

from publisher.accounts import passkeys
from publisher.accounts.factors import read_factors
from publisher.accounts.model import Account, Grant, Role
from publisher.errors import AccountError
from tests.publisher.accounts.authenticator import Authenticator, encoded
from tests.publisher.accounts.conftest import make_account
from tests.publisher.conftest import NOW

CONSOLE = passkeys.RelyingParty("desk.example.org", "Weekly", "https://desk.example.org")


def register(connection: Connection, account: Account, device: Authenticator) -> None:
    asked = passkeys.ask_for_new_passkey(connection, account, CONSOLE)
    answer = device.register(asked.options)
    passkeys.add_passkey(
        connection,
        account,
        answer,
        challenge=asked.challenge,
        console=CONSOLE,
        label=" telephone ",
        now=NOW,
    )


def sign_in(
    connection: Connection,
    device: Authenticator,
    spoil: Callable[[dict[str, Any]], Any] = lambda _answer: None,
) -> int:
    asked = passkeys.ask_for_passkey(connection, CONSOLE)
    answer = device.sign(asked.options)
    spoil(answer)
    return passkeys.check_passkey(
        connection, answer, challenge=asked.challenge, console=CONSOLE, now=NOW
    )


def test_a_passkey_signs_its_owner_in(connection: Connection, account: Account) -> None:
    device = Authenticator()
    register(connection, account, device)
    assert sign_in(connection, device) == account.id
    assert sign_in(connection, device) == account.id
    (one,) = passkeys.list_passkeys(connection, account.id)
    assert (one.label, one.created_at, one.used_at) == ("telephone", NOW, NOW)
    assert read_factors(connection, account.id).is_enough


def test_a_device_makes_no_second_passkey_and_none_is_taken_over(
    connection: Connection, account: Account
) -> None:
    device = Authenticator()
    register(connection, account, device)
    options = json.loads(passkeys.ask_for_new_passkey(connection, account, CONSOLE).options)
    assert [one["id"] for one in options["excludeCredentials"]] == [
        encoded(device.credential_id)
    ]
    bob = make_account(connection, "bob@example.org", Grant(Role.VIEWER))
    with pytest.raises(AccountError, match="in use already"):
        register(connection, bob, device)


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
    connection: Connection, account: Account, device: Authenticator
) -> None:
    with pytest.raises(AccountError, match="can't be used"):
        register(connection, account, device)


@pytest.mark.parametrize(
    "change",
    [
        {"verifies": False},
        {"origin": "https://desk.example.net"},
        {"counter": 0},
        {"handle": encoded(b"account 77")},
        {"key": Authenticator().key},
        {"credential_id": b"unknown"},
    ],
    ids=["not verified", "other origin", "counted back", "other owner", "other key", "unknown"],
)
def test_a_wrong_answer_signs_nobody_in(
    connection: Connection, account: Account, change: dict[str, Any]
) -> None:
    device = Authenticator(counter=5)
    register(connection, account, device)
    assert sign_in(connection, device) == account.id
    before = passkeys.list_passkeys(connection, account.id)
    with pytest.raises(AccountError, match=r"can't be used|not known here"):
        sign_in(connection, replace(device, **change))
    assert passkeys.list_passkeys(connection, account.id) == before


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
    connection: Connection, account: Account, spoil: Callable[[dict[str, Any]], Any]
) -> None:
    device = Authenticator()
    register(connection, account, device)
    with pytest.raises(AccountError):
        sign_in(connection, device, spoil)


def test_a_removed_passkey_signs_nobody_in(connection: Connection, account: Account) -> None:
    device = Authenticator()
    register(connection, account, device)
    bob = make_account(connection, "bob@example.org", Grant(Role.VIEWER))
    (one,) = passkeys.list_passkeys(connection, account.id)
    assert not passkeys.remove_passkey(connection, bob.id, one.id)
    assert passkeys.remove_passkey(connection, account.id, one.id)
    with pytest.raises(AccountError, match="not known here"):
        sign_in(connection, device)
