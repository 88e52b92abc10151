"""Accounts and keys as administrators and their owners manage them, and the audit log of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from publisher.accounts import audit, invitations, sessions
from publisher.accounts.actor import account_actor, terminal_actor
from publisher.accounts.factors import read_factors, set_password
from publisher.accounts.passwords import hash_password
from publisher.accounts.recovery_codes import new_recovery_codes
from publisher.accounts.tokens import token_digest
from publisher.app import console_accounts as accounts
from publisher.app import console_keys as keys
from publisher.app.audit_log import read_audit_log, verify_audit_log
from publisher.app.editing_state import (
    EditingState,
    Grant,
    Permission,
    Role,
    open_editing_state,
)
from publisher.errors import AccountError, ForbiddenError
from tests.publisher.accounts.test_audit import without_trigger
from tests.publisher.conftest import NOW, PublicationFolder

ANN, BOB = "ann@example.org", "bob@example.org"
ROOT = terminal_actor()
DAY = timedelta(days=1)


def test_a_scope_that_there_is_not_is_refused() -> None:
    assert keys.parse_scopes([" view", "view"]) == {Permission.VIEW}
    with pytest.raises(AccountError, match="'all': is no scope; there are approve"):
        keys.parse_scopes(["view", "all"])


def test_a_role_is_written_as_it_is_read() -> None:
    assert accounts.written_grant(Grant(Role.EDITOR)) == "editor"
    assert accounts.written_grant(Grant(Role.APPROVER, "ar")) == "approver:ar"


@pytest.fixture
def state(publication: PublicationFolder) -> Iterator[EditingState]:
    with open_editing_state(publication.settings, publication.clock) as state:
        yield state


def add(state: EditingState, email: str, *roles: str) -> accounts.Invitation:
    grants = accounts.parse_roles(state.settings.publication, roles or ["administrator"])
    return accounts.create_account(state, ROOT, accounts.NewAccount(email, "Ann", "en", grants))


def test_the_first_account_is_an_administrators_and_its_link_lasts_half_an_hour(
    state: EditingState,
) -> None:
    with pytest.raises(AccountError, match="first account has to be an administrator's"):
        add(state, BOB, "editor")
    first, second = add(state, ANN), add(state, BOB, "editor:ar")
    assert first.expires_at == NOW + timedelta(minutes=30)
    assert second.expires_at == NOW + DAY
    assert first.link("https://console.example.org/") == (
        f"https://console.example.org/invite/#{first.token}"
    )
    assert first.token not in repr(first)
    with state.database.reading() as connection:
        found = invitations.invited_account_id(connection, token_digest(second.token), NOW)
        assert found == second.account.id


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("owner", "is no role; there are administrator, editor"),
        ("editor:fr", "no such language; it has en"),
        ("editor:??", "not a language tag"),
        ("administrator:ar", "is for all languages"),
        ("viewer:ar", "is for all languages"),
    ],
)
def test_a_role_that_there_is_not_is_refused(
    state: EditingState, written: str, message: str
) -> None:
    with pytest.raises(AccountError, match=message):
        accounts.parse_roles(state.settings.publication, [written])


def test_roles_are_replaced_and_an_administrator_is_left(state: EditingState) -> None:
    add(state, ANN)
    add(state, BOB, "editor:en", "editor:en", "viewer")
    assert accounts.change_roles(
        state, ROOT, "BOB@example.org", (Grant(Role.VIEWER),)
    ).grants == (Grant(Role.VIEWER),)
    for change in (
        lambda: accounts.change_roles(state, ROOT, ANN, (Grant(Role.VIEWER),)),
        lambda: accounts.close_account(state, ROOT, ANN),
    ):
        with pytest.raises(AccountError, match="one administrator has to be left"):
            change()
    with pytest.raises(AccountError, match="needs a role"):
        accounts.change_roles(state, ROOT, BOB, ())
    with pytest.raises(AccountError, match="no account"):
        accounts.change_roles(state, ROOT, "cyd@example.org", (Grant(Role.VIEWER),))
    entry = read_audit_log(state, ROOT)[0][1]
    assert (entry.verb, entry.object) == ("set-roles", BOB)
    assert entry.details["before"] == ["editor:en", "viewer"]
    assert entry.details["after"] == ["viewer"]


def signed_in(state: EditingState, number: int) -> str:
    with state.database.writing() as connection:
        set_password(connection, number, hash_password("four tall ships"), NOW)
        new_recovery_codes(connection, number)
        browser = sessions.Browser("A browser", "192.0.2.0/24")
        token = sessions.begin_session(connection, browser, NOW)
        return sessions.complete_session(connection, token, number, NOW)


def counts(state: EditingState, token: str) -> bool:
    with state.database.reading() as connection:
        return sessions.read_console_session(connection, token, NOW) is not None


def test_a_disabled_account_has_no_session_and_gets_its_ways_to_sign_in_back(
    state: EditingState,
) -> None:
    add(state, ANN)
    bob = add(state, BOB, "viewer").account
    token = signed_in(state, bob.id)
    accounts.close_account(state, ROOT, BOB)
    with pytest.raises(AccountError, match="is disabled"):
        accounts.recover_account(state, ROOT, BOB)
    accounts.reopen_account(state, ROOT, BOB)
    assert not counts(state, token)
    record = accounts.read_accounts(state, ROOT)[1]
    assert (record.account.disabled_at, record.factors.has_password) == (None, True)


def test_recovering_an_account_leaves_nothing_of_before_and_gives_a_new_link(
    state: EditingState,
) -> None:
    first = add(state, ANN)
    token = signed_in(state, first.account.id)
    invitation = accounts.recover_account(state, ROOT, ANN)
    assert not counts(state, token)
    with state.database.reading() as connection:
        factors = read_factors(connection, first.account.id)
        assert (factors.has_password, factors.recovery_codes) == (False, 0)
        assert (
            invitations.invited_account_id(connection, token_digest(first.token), NOW) is None
        )
        found = invitations.invited_account_id(connection, token_digest(invitation.token), NOW)
        assert found == first.account.id
    (record,) = accounts.read_accounts(state, ROOT)
    assert (record.sessions, record.invited_until) == (0, NOW + DAY)


def test_sessions_of_an_account_are_ended(state: EditingState) -> None:
    number = add(state, ANN).account.id
    tokens = [signed_in(state, number) for _ in range(2)]
    accounts.end_account_sessions(state, ROOT, ANN)
    assert [counts(state, one) for one in tokens] == [False, False]


@pytest.mark.parametrize(
    "verb",
    [
        accounts.read_accounts,
        lambda state, actor: accounts.create_account(
            state, actor, accounts.NewAccount("c@x.org", "C", "en", (Grant(Role.VIEWER),))
        ),
        lambda state, actor: accounts.change_roles(state, actor, ANN, (Grant(Role.VIEWER),)),
        lambda state, actor: accounts.close_account(state, actor, ANN),
        lambda state, actor: accounts.reopen_account(state, actor, ANN),
        lambda state, actor: accounts.recover_account(state, actor, ANN),
        lambda state, actor: accounts.end_account_sessions(state, actor, ANN),
        read_audit_log,
        verify_audit_log,
    ],
)
def test_only_administrators_manage_accounts(
    state: EditingState, verb: Callable[..., object]
) -> None:
    add(state, ANN)
    bob = add(state, BOB, "editor", "approver", "translator", "subscriber-desk", "viewer")
    before = read_audit_log(state, ROOT)
    with pytest.raises(ForbiddenError, match=BOB):
        verb(state, account_actor(bob.account, ""))
    assert read_audit_log(state, ROOT) == before


def wanted(*scopes: Permission, languages: tuple[str, ...] | None = None) -> keys.KeyRequest:
    return keys.KeyRequest("ci", frozenset(scopes), languages, DAY)


def test_everybody_has_keys_of_ones_own_and_an_administrator_ends_any(
    state: EditingState,
) -> None:
    ann = account_actor(add(state, ANN).account, "")
    bob = account_actor(add(state, BOB, "editor:en").account, "")
    mine = keys.create_key(state, bob, BOB, wanted(Permission.EDIT_ISSUE))
    keys.create_key(state, ROOT, ANN, wanted(Permission.VIEW))
    with pytest.raises(ForbiddenError):
        keys.create_key(state, ann, BOB, wanted(Permission.VIEW))
    with pytest.raises(AccountError, match="no role that permits approve"):
        keys.create_key(state, bob, BOB, wanted(Permission.APPROVE))
    assert [owner for owner, _key in keys.list_keys(state, bob)] == [BOB]
    assert [owner for owner, _key in keys.list_keys(state, ann)] == [ANN, BOB]
    with pytest.raises(AccountError, match="key 2: there is none"):
        keys.revoke_key(state, bob, 2)
    user = keys.find_key_actor(state, mine, "192.0.2.0/24")
    assert user is not None
    assert (user.name, user.permits(Permission.EDIT_ISSUE, "en")) == (BOB, True)
    assert keys.list_keys(state, bob)[0][1].used_at == NOW
    with pytest.raises(ForbiddenError):
        keys.create_key(state, user, BOB, wanted(Permission.VIEW))
    keys.revoke_key(state, ann, 1)
    with pytest.raises(AccountError, match="was revoked before"):
        keys.revoke_key(state, ann, 1)
    assert keys.find_key_actor(state, mine, "") is None
    log = [entry for _number, entry in read_audit_log(state, ROOT)]
    assert [(one.actor, one.verb) for one in log[:3]] == [
        (ANN, "revoke-key"),
        ("terminal", "add-key"),
        (BOB, "add-key"),
    ]
    assert mine.rpartition("_")[2] not in str(log)


def test_a_changed_entry_of_the_audit_log_is_found(state: EditingState) -> None:
    add(state, ANN)
    add(state, BOB, "viewer")
    check = verify_audit_log(state, ROOT)
    assert (check.fault, check.last) == (None, 2)
    with state.database.writing() as connection:
        without_trigger(connection)
        connection.execute(text("UPDATE audit_entry SET actor = 'nobody' WHERE id = 1"))
    assert verify_audit_log(state, ROOT).fault == audit.AuditFault(1, "changed")


def test_everybody_chooses_the_language_of_the_pages(state: EditingState) -> None:
    actor = account_actor(add(state, ANN).account, "")
    accounts.choose_language(state, actor, "zh-Hant")
    (record,) = accounts.read_accounts(state, actor)
    assert record.account.language == "zh-Hant"
    for who, language in ((actor, "fr"), (ROOT, "en")):
        with pytest.raises(AccountError, match="has no such language"):
            accounts.choose_language(state, who, language)


def test_roles_and_scopes_that_can_be_chosen(state: EditingState) -> None:
    choices = dict(accounts.role_choices(state.settings.publication))
    assert choices[Role.EDITOR] == state.settings.publication.languages
    assert choices[Role.ADMINISTRATOR] == choices[Role.VIEWER] == ()
    add(state, ANN)
    bob = account_actor(add(state, BOB, "translator:en").account, "")
    assert keys.key_scopes(bob) == [Permission.VIEW, Permission.TRANSLATE]
    assert Permission.MANAGE_ACCOUNTS not in keys.key_scopes(ROOT)
