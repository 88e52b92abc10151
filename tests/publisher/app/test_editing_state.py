"""Who acts at the state, and what the audit log has of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from publisher.accounts import audit
from publisher.accounts.actor import account_actor, key_actor, terminal_actor
from publisher.accounts.api_keys import KeyRequest, add_api_key, read_api_key
from publisher.accounts.store import NewAccount, add_account, disable_account
from publisher.app.editing_state import (
    EditingState,
    Grant,
    Permission,
    Role,
    find_terminal_actor,
    open_editing_state,
)
from publisher.errors import ForbiddenError, UsageError
from tests.publisher.conftest import NOW, PublicationFolder


@pytest.fixture
def state(publication: PublicationFolder) -> Iterator[EditingState]:
    with open_editing_state(publication.settings, publication.clock) as state:
        yield state


def _add(state: EditingState, email: str, *grants: Grant) -> None:
    with state.database.writing() as connection:
        add_account(connection, NewAccount(email, "Ann", "en", grants), NOW)


def test_a_change_and_who_made_it_are_stored_together(state: EditingState) -> None:
    actor = terminal_actor()
    with state.changing(actor, "approve", "weekly-en-2026-01-09", {"note": "good"}) as change:
        change.details["manifest"] = "abc"
    with state.database.reading() as connection:
        ((_number, entry),) = audit.read_log(connection)
        assert audit.find_fault(connection, state.secret) is None
    assert (entry.actor, entry.verb, entry.object) == (
        "terminal",
        "approve",
        "weekly-en-2026-01-09",
    )
    assert entry.details == {"note": "good", "manifest": "abc", "via": "terminal"}


def test_a_change_that_fails_leaves_no_entry(state: EditingState) -> None:
    with (
        pytest.raises(RuntimeError, match="no"),
        state.changing(terminal_actor(), "approve", "weekly-en-2026-01-09"),
    ):
        raise RuntimeError("no")
    with state.database.reading() as connection:
        assert audit.read_log(connection) == []


def test_the_terminal_may_do_all_and_for_an_account_what_that_may(state: EditingState) -> None:
    _add(state, "ann@example.org", Grant(Role.APPROVER, "ar"))
    assert find_terminal_actor(state, None).permits(Permission.APPROVE, "en")
    ann = find_terminal_actor(state, "Ann@example.org")
    assert ann.permits(Permission.APPROVE, "ar")
    with pytest.raises(ForbiddenError, match=r"ann@example\.org: .* permits approve in en"):
        ann.require(Permission.APPROVE, "en")


def test_nobody_acts_for_an_account_that_is_not_there_or_disabled(state: EditingState) -> None:
    _add(state, "root@example.org", Grant(Role.ADMINISTRATOR))
    _add(state, "ann@example.org", Grant(Role.VIEWER))
    with state.database.writing() as connection:
        disable_account(connection, 2, NOW)
    for email in ("ann@example.org", "bob@example.org"):
        with pytest.raises(UsageError, match=email):
            find_terminal_actor(state, email)


def test_a_key_permits_its_scopes_only(state: EditingState) -> None:
    _add(state, "ann@example.org", Grant(Role.ADMINISTRATOR))
    wanted = KeyRequest("ci", frozenset({Permission.VIEW}), None, timedelta(days=1))
    with state.database.writing() as connection:
        written = add_api_key(connection, 1, wanted, NOW)
        holder = read_api_key(connection, written, NOW)
    assert holder is not None
    actor = key_actor(holder, "192.0.2.0/24")
    assert actor.permits(Permission.VIEW)
    assert not actor.permits(Permission.MANAGE_ACCOUNTS)
    assert account_actor(holder.account, "192.0.2.0/24").permits(Permission.MANAGE_ACCOUNTS)
    assert (actor.name, actor.via, actor.network) == (
        "ann@example.org",
        "api",
        "192.0.2.0/24",
    )
