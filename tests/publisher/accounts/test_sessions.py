"""Sessions begin, change their token, and end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from publisher.accounts import sessions
from publisher.accounts.challenges import keep_challenge, take_challenge
from publisher.accounts.model import Account, Grant, Role
from publisher.accounts.sessions import Browser
from publisher.accounts.store import disable_account
from publisher.accounts.tables import console_session_table
from publisher.database import Database
from publisher.errors import AccountError
from tests.publisher.accounts.conftest import make_account
from tests.publisher.conftest import NOW

BROWSER = Browser("A browser", "192.0.2.0/24")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def signed_in(database: Database, account: Account) -> str:
    with database.writing() as connection:
        token = sessions.begin_session(connection, BROWSER, NOW)
        sessions.name_account(connection, token, account.id)
        return sessions.complete_session(connection, token, account.id, NOW)


def test_a_sign_in_is_of_nobody_until_it_is_complete_and_changes_the_token(
    database: Database, account: Account
) -> None:
    with database.writing() as connection:
        first = sessions.begin_session(connection, BROWSER, NOW)
        sessions.name_account(connection, first, account.id)
        begun = sessions.read_console_session(connection, first, NOW)
        assert begun is not None
        assert (begun.account_id, begun.signed_in_id) == (account.id, None)
        assert sessions.list_sessions(connection, account.id, NOW) == []
        second = sessions.complete_session(connection, first, account.id, NOW)
        assert sessions.read_console_session(connection, first, NOW) is None
        done = sessions.read_console_session(connection, second, NOW)
        assert done is not None
        assert done.signed_in_id == account.id
        assert (done.user_agent, done.network) == ("A browser", "192.0.2.0/24")


def test_a_sign_in_of_another_account_or_one_that_is_over_is_not_completed(
    database: Database, account: Account
) -> None:
    bob = make_account(database, "bob@example.org", Grant(Role.VIEWER))
    with database.writing() as connection:
        token = sessions.begin_session(connection, BROWSER, NOW)
        sessions.name_account(connection, token, account.id)
        with pytest.raises(AccountError, match="begin again"):
            sessions.complete_session(connection, token, bob.id, NOW)
        with pytest.raises(AccountError, match="begin again"):
            sessions.complete_session(connection, token, account.id, NOW + HOUR)
        assert sessions.list_sessions(connection, bob.id, NOW) == []


def test_tokens_are_not_stored(database: Database, account: Account) -> None:
    token = signed_in(database, account)
    with database.reading() as connection:
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
    database: Database,
    account: Account,
    seen: list[timedelta],
    asked: timedelta,
    *,
    counts: bool,
) -> None:
    token = signed_in(database, account)
    with database.writing() as connection:
        for after in seen:
            sessions.touch_session(connection, token, NOW + after)
        found = sessions.read_console_session(connection, token, NOW + asked)
        assert (found is not None) is counts
        # The next one that begins clears up.
        sessions.begin_session(connection, BROWSER, NOW + asked)
        assert len(connection.execute(select(console_session_table)).all()) == 1 + counts


def test_a_sign_in_that_is_not_completed_ends_soon(database: Database) -> None:
    with database.writing() as connection:
        token = sessions.begin_session(connection, BROWSER, NOW)
        assert sessions.read_console_session(connection, token, NOW + 29 * MINUTE) is not None
        assert sessions.read_console_session(connection, token, NOW + 30 * MINUTE) is None


def test_a_factor_shown_again_makes_a_session_fresh_and_no_younger(
    database: Database, account: Account
) -> None:
    token = signed_in(database, account)
    later = NOW + HOUR
    with database.writing() as connection:
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


@pytest.mark.usefixtures("account")
def test_sessions_of_a_disabled_account_end_at_once(database: Database) -> None:
    bob = make_account(database, "bob@example.org", Grant(Role.VIEWER))
    token = signed_in(database, bob)
    with database.writing() as connection:
        disable_account(connection, bob.id, NOW)
        assert sessions.read_console_session(connection, token, NOW) is None


def test_sessions_are_listed_and_ended_one_by_one_or_all_but_one(
    database: Database, account: Account
) -> None:
    tokens = [signed_in(database, account) for _ in range(3)]
    bob = make_account(database, "bob@example.org", Grant(Role.VIEWER))
    with database.writing() as connection:
        listed = sessions.list_sessions(connection, account.id, NOW)
        first = sessions.read_console_session(connection, tokens[0], NOW)
        assert first is not None
        assert first in listed
        assert not sessions.end_listed_session(connection, bob.id, first.id)
        assert sessions.end_listed_session(connection, account.id, first.id)
        sessions.end_sessions(connection, account.id, but=tokens[2])
        left = [sessions.read_console_session(connection, one, NOW) for one in tokens]
        assert [one is not None for one in left] == [False, False, True]
        sessions.end_console_session(connection, tokens[2])
        assert sessions.list_sessions(connection, account.id, NOW) == []


def test_a_challenge_is_of_one_session_and_one_purpose_and_used_once(
    database: Database,
) -> None:
    with database.writing() as connection:
        keep_challenge(connection, "mine", "sign-in", b"old", NOW)
        keep_challenge(connection, "mine", "sign-in", b"new", NOW)
        assert take_challenge(connection, "other", "sign-in", NOW) is None
        assert take_challenge(connection, "mine", "register", NOW) is None
        assert take_challenge(connection, "mine", "sign-in", NOW) == b"new"
        assert take_challenge(connection, "mine", "sign-in", NOW) is None
        keep_challenge(connection, "mine", "sign-in", b"late", NOW)
        assert take_challenge(connection, "mine", "sign-in", NOW + 5 * MINUTE) is None
