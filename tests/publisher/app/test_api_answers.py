"""What is on record of a request of the API that had an Idempotency-Key, also after a kill."""

from __future__ import annotations

from datetime import timedelta

import pytest

from publisher.accounts import audit
from publisher.accounts.actor import terminal_actor
from publisher.accounts.api_keys import KeyRequest, add_api_key
from publisher.accounts.model import Grant, Permission, Role
from publisher.accounts.store import NewAccount, add_account
from publisher.accounts.tables import api_answer_table
from publisher.app.api_answers import (
    IssueRevision,
    RequestKey,
    begin_request,
    finish_request,
    guarded_state,
    request_key,
)
from publisher.app.console_keys import find_key_actor
from publisher.app.editing_state import Actor, EditingState
from publisher.app.issue_reading import read_issue
from publisher.app.issues import require_issue
from publisher.errors import ApiRequestError, IssueError
from publisher.issues import store
from publisher.issues.model import IssueState
from tests.publisher.conftest import NOW, PublicationFolder, editing_state
from tests.publisher.delivery.mailing import ready


@pytest.fixture
def actor(publication: PublicationFolder) -> Actor:
    new = NewAccount("ann@example.org", "Ann", "en", (Grant(Role.ADMINISTRATOR),))
    wanted = KeyRequest("ci", frozenset({Permission.VIEW}), None, timedelta(days=90))
    with publication.database.writing() as connection:
        account = add_account(connection, new, NOW)
        key = add_api_key(connection, account.id, wanted, NOW)
    found = find_key_actor(editing_state(publication), key, "")
    assert found is not None
    return found


@pytest.fixture
def key(actor: Actor) -> RequestKey:
    return request_key(actor, "k")


def begin(publication: PublicationFolder, key: RequestKey, after: timedelta) -> int | None:
    """Begin the request at a time after the first. Give the status that was stored."""
    state = editing_state(publication.at(NOW + after))
    found = begin_request(state, key, "hash")
    return None if found is None else found.status


def test_an_answer_is_kept_for_a_day(publication: PublicationFolder, key: RequestKey) -> None:
    assert begin(publication, key, timedelta(0)) is None
    finish_request(editing_state(publication), key, 200, "{}", None)
    assert begin(publication, key, timedelta(hours=24)) == 200
    assert begin(publication, key, timedelta(hours=24, seconds=1)) is None


def test_a_request_that_was_killed_before_its_change_is_carried_out_later(
    publication: PublicationFolder, key: RequestKey
) -> None:
    assert begin(publication, key, timedelta(0)) is None
    with pytest.raises(ApiRequestError, match="is being carried out"):
        begin(publication, key, timedelta(seconds=59))
    assert begin(publication, key, timedelta(seconds=60)) is None


def test_a_request_that_was_killed_after_its_change_is_never_carried_out_again(
    publication: PublicationFolder, actor: Actor, key: RequestKey
) -> None:
    begin(publication, key, timedelta(0))
    with guarded_state(editing_state(publication), request=key).changing(
        actor, "pause", "an issue"
    ):
        pass
    for minutes in (0, 5, 60 * 24):
        with pytest.raises(ApiRequestError, match="its answer was lost"):
            begin(publication, key, timedelta(minutes=minutes))


def test_a_change_that_fails_does_not_mark_its_request(
    publication: PublicationFolder, actor: Actor, key: RequestKey
) -> None:
    begin(publication, key, timedelta(0))
    with pytest.raises(IssueError):
        _fail(publication, actor, key)
    assert publication.rows(api_answer_table)[0]["changed_at"] is None
    finish_request(editing_state(publication), key, 500, "{}", None)
    assert publication.rows(api_answer_table) == []


def _fail(publication: PublicationFolder, actor: Actor, key: RequestKey) -> None:
    with guarded_state(editing_state(publication), request=key).changing(
        actor, "pause", "an issue"
    ):
        raise IssueError("no")


def test_a_key_with_another_request_is_refused(
    publication: PublicationFolder, key: RequestKey
) -> None:
    begin(publication, key, timedelta(0))
    with pytest.raises(ApiRequestError, match="another request") as refused:
        begin_request(editing_state(publication), key, "another hash")
    assert refused.value.status == 422


def test_an_issue_that_was_changed_since_it_was_read_is_not_changed(
    publication: PublicationFolder, actor: Actor
) -> None:
    ready(publication)
    name = "weekly-en-2026-01-09"
    state = editing_state(publication)
    number = read_issue(state, name).status.issue.epoch
    same = guarded_state(state, revision=IssueRevision(name, number))
    with same.changing(terminal_actor(), "edit", name) as change:
        one = require_issue(change.connection, name)
        store.move_issue(change.connection, one, IssueState.ASSEMBLING)
    with pytest.raises(ApiRequestError, match="was changed since") as refused:
        _change(same, actor, name)
    assert refused.value.status == 412
    with state.database.reading() as connection:
        assert len(audit.read_log(connection)) == 1


def _change(state: EditingState, actor: Actor, name: str) -> None:
    with state.changing(actor, "edit", name):
        pytest.fail("the change was begun")
