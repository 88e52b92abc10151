"""Accounts as they are stored, with their sessions and the audit of what they do."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, select, text

from publisher.accounts import audit, sessions, store
from publisher.accounts.audit import AuditEntry, AuditFault
from publisher.accounts.model import (
    NOT_BY_KEY,
    OF_ONE_LANGUAGE,
    PERMISSIONS,
    Account,
    Grant,
    Permission,
    Role,
    permits,
    permitted_languages,
)
from publisher.accounts.sessions import Browser
from publisher.accounts.tables import console_session_table
from publisher.database import Database
from publisher.errors import AccountError, DatabaseError
from publisher.testing import SECRET
from tests.databases import on_postgresql
from tests.publisher.accounts.conftest import make_account
from tests.publisher.conftest import NOW

ADMINISTRATOR = (Grant(Role.ADMINISTRATOR),)


def test_an_account_is_found_by_its_address_in_any_letter_case_or_not_at_all(
    connection: Connection, account: Account
) -> None:
    assert store.find_account(connection, " Ann@Example.ORG") == account
    assert store.find_account(connection, "bob@example.org") is None
    assert account.grants == ADMINISTRATOR
    assert account.created_at == NOW
    with pytest.raises(AccountError, match="there is none"):
        store.account_by_id(connection, 7)


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
    connection: Connection, email: str, grants: tuple[Grant, ...], problem: str
) -> None:
    with pytest.raises(AccountError, match=problem):
        store.add_account(connection, store.NewAccount(email, "", "en", grants), NOW)


@pytest.mark.usefixtures("account")
def test_roles_are_replaced_and_kept_once(connection: Connection) -> None:
    bob = make_account(connection, "bob@example.org", Grant(Role.VIEWER))
    wanted = [Grant(Role.EDITOR, "ar"), Grant(Role.EDITOR, "ar"), Grant(Role.APPROVER)]
    store.set_grants(connection, bob.id, wanted)
    assert {*store.account_by_id(connection, bob.id).grants} == {*wanted}
    assert [one.email for one in store.list_accounts(connection)] == [
        "ann@example.org",
        "bob@example.org",
    ]


def test_the_last_administrator_stays(connection: Connection, account: Account) -> None:
    make_account(connection, "bob@example.org", Grant(Role.VIEWER))
    with pytest.raises(AccountError, match="one administrator"), connection.begin_nested():
        store.set_grants(connection, account.id, [Grant(Role.VIEWER)])
    with pytest.raises(AccountError, match="one administrator"), connection.begin_nested():
        store.disable_account(connection, account.id, NOW)
    assert store.account_by_id(connection, account.id) == account


@pytest.mark.usefixtures("account")
def test_a_disabled_account_can_be_enabled_again(connection: Connection) -> None:
    bob = make_account(connection, "bob@example.org", *ADMINISTRATOR)
    store.disable_account(connection, bob.id, NOW)
    store.disable_account(connection, bob.id, NOW + timedelta(days=1))
    assert store.account_by_id(connection, bob.id).disabled_at == NOW
    store.enable_account(connection, bob.id)
    assert store.account_by_id(connection, bob.id) == bob


LANGUAGES = ("en", "zh-Hant", "ar")


def test_every_role_sees_the_desk_and_none_edits_and_approves_but_the_administrator() -> None:
    assert PERMISSIONS.keys() == {*Role}
    assert all(Permission.VIEW in each for each in PERMISSIONS.values())
    assert PERMISSIONS[Role.ADMINISTRATOR] == {*Permission}
    both = [
        role
        for role, may in PERMISSIONS.items()
        if {Permission.EDIT_ISSUE, Permission.APPROVE} <= may
    ]
    assert both == [Role.ADMINISTRATOR]
    assert not NOT_BY_KEY & OF_ONE_LANGUAGE


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
def test_a_grant_of_a_language_counts_there_only(role: Role, permission: Permission) -> None:
    may = permission in PERMISSIONS[role]
    grants = [Grant(role, "ar")]
    is_local = permission in OF_ONE_LANGUAGE
    assert permits(grants, permission, "ar") is may
    assert permits(grants, permission, "en") is (may and not is_local)
    assert permits(grants, permission) is (may and not is_local)
    assert permits([Grant(role)], permission, "en") is may
    assert permits([Grant(role)], permission) is may


def test_grants_add_up() -> None:
    grants = (Grant(Role.EDITOR, "en"), Grant(Role.APPROVER, "ar"), Grant(Role.APPROVER, "en"))
    assert permitted_languages(grants, Permission.APPROVE, LANGUAGES) == ("en", "ar")
    assert permitted_languages(grants, Permission.EDIT_ISSUE, LANGUAGES) == ("en",)
    assert not permits((), Permission.VIEW)


BROWSER = Browser("A browser", "192.0.2.0/24")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def signed_in(connection: Connection, account: Account) -> str:
    token = sessions.begin_session(connection, BROWSER, NOW)
    sessions.name_account(connection, token, account.id)
    return sessions.complete_session(connection, token, account.id, NOW)


def test_a_sign_in_of_another_account_or_one_that_is_over_is_not_completed(
    connection: Connection, account: Account
) -> None:
    bob = make_account(connection, "bob@example.org", Grant(Role.VIEWER))
    token = sessions.begin_session(connection, BROWSER, NOW)
    sessions.name_account(connection, token, account.id)
    with pytest.raises(AccountError, match="begin again"):
        sessions.complete_session(connection, token, bob.id, NOW)
    with pytest.raises(AccountError, match="begin again"):
        sessions.complete_session(connection, token, account.id, NOW + HOUR)
    for one in (account, bob):
        assert sessions.list_sessions(connection, one.id, NOW) == []


@pytest.mark.usefixtures("account")
def test_sessions_of_a_disabled_account_end_at_once(connection: Connection) -> None:
    bob = make_account(connection, "bob@example.org", Grant(Role.VIEWER))
    token = signed_in(connection, bob)
    store.disable_account(connection, bob.id, NOW)
    assert sessions.read_console_session(connection, token, NOW) is None


def test_tokens_are_not_stored(connection: Connection, account: Account) -> None:
    token = signed_in(connection, account)
    rows = connection.execute(select(console_session_table)).all()
    assert token not in str(rows)
    assert len(rows) == 1


@pytest.mark.parametrize(
    ("seen", "asked", "counts"),
    [
        ([], 8 * HOUR - MINUTE, True),
        ([], 8 * HOUR, False),
        ([7 * HOUR], 14 * HOUR, True),
        # Used all the time, but a week old.
        ([n * 7 * HOUR for n in range(1, 25)], 7 * DAY, False),
    ],
)
def test_a_session_ends_when_it_is_idle_or_old(
    connection: Connection,
    account: Account,
    seen: list[timedelta],
    asked: timedelta,
    *,
    counts: bool,
) -> None:
    token = signed_in(connection, account)
    for after in seen:
        sessions.touch_session(connection, token, NOW + after)
    found = sessions.read_console_session(connection, token, NOW + asked)
    assert (found is not None) is counts
    # The next one that begins clears up.
    sessions.begin_session(connection, BROWSER, NOW + asked)
    assert len(connection.execute(select(console_session_table)).all()) == 1 + counts


def test_a_factor_shown_again_makes_a_session_fresh_and_no_younger(
    connection: Connection, account: Account
) -> None:
    token = signed_in(connection, account)
    later = NOW + HOUR
    before = sessions.read_console_session(connection, token, later)
    assert before is not None
    assert before.is_fresh(NOW + 9 * MINUTE)
    assert not before.is_fresh(later)
    again = sessions.complete_session(connection, token, account.id, later)
    after = sessions.read_console_session(connection, again, later)
    assert after is not None
    assert after.is_fresh(later)
    assert (after.id, after.created_at) == (before.id, NOW)
    assert sessions.read_console_session(connection, token, later) is None


ENTRIES = [
    AuditEntry(
        at=NOW + timedelta(minutes=number),
        actor="ann@example.org",
        verb="approve",
        object=f"weekly-en-{number}",
        details={"manifest": "abc", "number": number, "note": "gut, 好"},
        network="192.0.2.0/24",
    )
    for number in range(4)
]


@pytest.fixture
def filled(database: Database) -> Database:
    with database.writing() as connection:
        for entry in ENTRIES:
            audit.record(connection, SECRET, entry)
    return database


def without_trigger(connection: Connection) -> None:
    """Do what the owner of a database can."""
    if on_postgresql():
        connection.execute(text("ALTER TABLE audit_entry DISABLE TRIGGER USER"))
    else:
        for verb in ("update", "delete"):
            connection.execute(text(f"DROP TRIGGER audit_entry_no_{verb}"))


def test_entries_are_read_the_latest_first_in_portions(filled: Database) -> None:
    with filled.reading() as connection:
        rows = audit.read_log(connection, limit=3)
        assert [entry for _number, entry in rows] == ENTRIES[:0:-1]
        rest = audit.read_log(connection, before=rows[-1][0])
        assert rest == [(1, ENTRIES[0])]


def test_an_empty_and_a_whole_log_have_no_fault(database: Database) -> None:
    for entry in (None, *ENTRIES):
        with database.writing() as connection:
            if entry is not None:
                audit.record(connection, SECRET, entry)
            assert audit.find_fault(connection, SECRET) is None


@pytest.mark.parametrize(
    "change", ["UPDATE audit_entry SET verb = 'x'", "DELETE FROM audit_entry"]
)
def test_the_database_refuses_to_change_entries(filled: Database, change: str) -> None:
    with pytest.raises(DatabaseError, match="never changed"), filled.writing() as connection:
        connection.execute(text(change))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("UPDATE audit_entry SET verb = 'edit' WHERE id = 2", AuditFault(2, "changed")),
        ("UPDATE audit_entry SET details = '{}' WHERE id = 3", AuditFault(3, "changed")),
        ("DELETE FROM audit_entry WHERE id = 2", AuditFault(3, "missing")),
        ("DELETE FROM audit_entry WHERE id = 1", AuditFault(2, "missing")),
    ],
)
def test_a_log_that_was_changed_all_the_same_shows_it(
    filled: Database, change: str, fault: AuditFault
) -> None:
    with filled.writing() as connection:
        without_trigger(connection)
        connection.execute(text(change))
    with filled.reading() as connection:
        assert audit.find_fault(connection, SECRET) == fault


def test_the_hashes_need_the_publication_s_secret(filled: Database) -> None:
    with filled.reading() as connection:
        assert audit.find_fault(connection, "another secret") == AuditFault(1, "changed")


def test_a_long_log_is_checked_in_portions(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "_PORTION", 2)
    with filled.writing() as connection:
        assert audit.find_fault(connection, SECRET) is None
        without_trigger(connection)
        connection.execute(text("UPDATE audit_entry SET actor = 'bob' WHERE id = 4"))
        assert audit.find_fault(connection, SECRET) == AuditFault(4, "changed")
