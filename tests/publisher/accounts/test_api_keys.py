"""Keys of the API give at most what they are for, and what their account may."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, select

from publisher.accounts import api_keys
from publisher.accounts.model import Account, Grant, Permission, Role
from publisher.accounts.store import disable_account, set_grants
from publisher.accounts.tables import api_key_table
from publisher.errors import AccountError
from tests.publisher.accounts.conftest import make_account
from tests.publisher.conftest import NOW

DAY = timedelta(days=1)
VIEW_AND_EDIT = frozenset({Permission.VIEW, Permission.EDIT_ISSUE})


def wanted(
    scopes: frozenset[Permission] = VIEW_AND_EDIT,
    languages: tuple[str, ...] | None = None,
    lifetime: timedelta = 30 * DAY,
) -> api_keys.KeyRequest:
    return api_keys.KeyRequest("the site's build", scopes, languages, lifetime)


@pytest.fixture
def editor(connection: Connection) -> Account:
    make_account(connection)
    return make_account(
        connection, "bob@example.org", Grant(Role.EDITOR, "en"), Grant(Role.EDITOR, "ar")
    )


def test_a_key_may_what_both_its_scopes_and_its_account_may(
    connection: Connection, editor: Account
) -> None:
    key = api_keys.add_api_key(connection, editor.id, wanted(languages=("en",)), NOW)
    found = api_keys.read_api_key(connection, key, NOW)
    assert found is not None
    assert found.account == editor
    assert found.permits(Permission.VIEW)
    assert found.permits(Permission.EDIT_ISSUE, "en")
    assert not found.permits(Permission.EDIT_ISSUE, "ar")
    assert not found.permits(Permission.SEND_TEST, "en")
    set_grants(connection, editor.id, [Grant(Role.VIEWER)])
    later = api_keys.read_api_key(connection, key, NOW)
    assert later is not None
    assert later.permits(Permission.VIEW)
    assert not later.permits(Permission.EDIT_ISSUE, "en")


def test_a_key_for_one_language_permits_nothing_that_is_about_all(
    connection: Connection, editor: Account
) -> None:
    key = api_keys.add_api_key(connection, editor.id, wanted(languages=("en",)), NOW)
    set_grants(connection, editor.id, [Grant(Role.ADMINISTRATOR)])
    found = api_keys.read_api_key(connection, key, NOW)
    assert found is not None
    assert found.permits(Permission.EDIT_ISSUE, "en")
    assert not found.permits(Permission.EDIT_ISSUE)
    assert found.permits(Permission.VIEW)


def test_a_key_without_languages_has_those_of_its_account(
    connection: Connection, editor: Account
) -> None:
    found = api_keys.read_api_key(
        connection, api_keys.add_api_key(connection, editor.id, wanted(), NOW), NOW
    )
    assert found is not None
    languages = [one for one in ("en", "ar", "fr") if found.permits(Permission.EDIT_ISSUE, one)]
    assert languages == ["en", "ar"]


def test_a_key_is_not_stored_and_wrong_ones_are_nobody_s(
    connection: Connection, editor: Account
) -> None:
    key = api_keys.add_api_key(connection, editor.id, wanted(), NOW)
    assert key.split("_", 2)[2] not in str(connection.execute(select(api_key_table)).all())
    wrong = [
        "",
        key[:-1] + ("A" if key[-1] != "A" else "B"),
        key.replace("pub_1", "pub_2", 1),
        key + "\n",
        f"pub_{'9' * 30}_" + key.split("_", 2)[2],
    ]
    assert [api_keys.read_api_key(connection, one, NOW) for one in wrong] == [None] * 5
    assert api_keys.read_api_key(connection, key, NOW + 30 * DAY) is None


def test_a_revoked_key_and_those_of_a_disabled_account_end_at_once(
    connection: Connection, editor: Account
) -> None:
    keys = [api_keys.add_api_key(connection, editor.id, wanted(), NOW) for _ in range(2)]
    api_keys.record_key_use(connection, 2, NOW)
    assert api_keys.revoke_api_key(connection, 1, NOW)
    assert not api_keys.revoke_api_key(connection, 1, NOW)
    assert api_keys.read_api_key(connection, keys[0], NOW) is None
    listed = api_keys.list_api_keys(connection, [editor.id])
    assert [(one.id, one.used_at, one.revoked_at) for one in listed] == [
        (2, NOW, None),
        (1, None, NOW),
    ]
    assert api_keys.list_api_keys(connection, []) == []
    disable_account(connection, editor.id, NOW)
    assert api_keys.read_api_key(connection, keys[1], NOW) is None


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        (api_keys.KeyRequest(" ", VIEW_AND_EDIT, None, DAY), "label"),
        (wanted(scopes=frozenset()), "needs a scope"),
        (wanted(scopes=frozenset({Permission.MANAGE_ACCOUNTS})), "manage-accounts"),
        (wanted(lifetime=367 * DAY), "366 days"),
        (wanted(lifetime=timedelta(0)), "366 days"),
    ],
)
def test_a_key_that_would_open_too_much_is_refused(
    connection: Connection, editor: Account, request_: api_keys.KeyRequest, problem: str
) -> None:
    with pytest.raises(AccountError, match=problem):
        api_keys.add_api_key(connection, editor.id, request_, NOW)
