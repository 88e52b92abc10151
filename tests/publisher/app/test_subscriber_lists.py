"""Search, import and export of subscribers by editors: who may, and what the audit log has."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import pytest

from publisher.accounts.actor import terminal_actor
from publisher.app import subscriber_lists as lists
from publisher.app import subscriber_numbers as numbers
from publisher.app.audit_log import read_audit_log
from publisher.app.console_accounts import NewAccount, create_account
from publisher.app.editing_state import Actor, EditingState, Grant, Role, open_editing_state
from publisher.app.subscribers import newsletters_of, resubscribe_person
from publisher.errors import ConsentError, ForbiddenError, UsageError
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import subscribe

ROOT = terminal_actor()
ANN, ANNE = "ann@example.com", "anne@example.com"
FILE = [b"email,language\n", b"cyd@example.com,en\n", b"nobody,en\n"]


@pytest.fixture
def state(publication: PublicationFolder) -> Iterator[EditingState]:
    subscribe(publication, (ANN, "en"), (ANNE, "en"))
    with open_editing_state(publication.settings, publication.clock) as state:
        yield state


def test_an_address_or_its_beginning_is_found(state: EditingState) -> None:
    def found(text: str) -> list[str]:
        return [one.address for one in lists.search_by_address(state, ROOT, text)]

    assert found("Ann@EXAMPLE.com") == [ANN]
    assert found("ANN") == [ANN, ANNE]
    assert found("ann%") == found("_nn@") == []
    with pytest.raises(UsageError, match="three characters"):
        found(" an ")


def test_an_import_says_what_it_did_and_a_look_changes_nothing(state: EditingState) -> None:
    preview = lists.preview_list(state, ROOT, FILE)
    assert (preview.statuses["active"], preview.refused) == (1, 1)
    assert lists.search_by_address(state, ROOT, "cyd@") == []
    report = lists.import_list(state, ROOT, FILE)
    assert (report.added, report.refused) == (1, 1)
    exported = io.StringIO()
    assert lists.export_list(state, ROOT, exported) == 3
    assert "cyd@example.com" in exported.getvalue()
    entries = [entry for _number, entry in read_audit_log(state, ROOT)]
    assert [
        (one.verb, one.details.get("count", one.details.get("added"))) for one in entries
    ] == [
        ("export-subscribers", 3),
        ("import-subscribers", 1),
        ("begin-import", None),
    ]
    for run in (lists.preview_list, lists.import_list):
        with pytest.raises(UsageError):
            run(state, ROOT, [b"PK\x03\x04\x00"])


def test_a_record_has_the_history_and_what_was_returned(state: EditingState) -> None:
    numbers.unsubscribe_number(state, ROOT, 1, None, "by letter")
    record, returned = numbers.read_subscriber_record(state, ROOT, 1)
    assert record.history.events[-1].note == "by letter"
    assert returned.events == ()
    assert newsletters_of(state.settings, record.subscriber) == ["weekly"]
    assert numbers.resubscribe_number(state, ROOT, 1, None, "by letter").newsletters == (
        "weekly",
    )
    with pytest.raises(UsageError, match="no such newsletter"):
        numbers.resubscribe_number(state, ROOT, 1, "daily", "")


def test_nobody_is_brought_back_who_complained(
    state: EditingState, publication: PublicationFolder
) -> None:
    from subscribers import SubscriberStatus, known_subscriber, suppress

    with publication.database.writing() as connection:
        suppress(connection, ANN, SubscriberStatus.COMPLAINED, NOW)
        person = known_subscriber(connection, ANN)
        with pytest.raises(ConsentError):
            resubscribe_person(connection, state.settings, person, None, NOW)


@pytest.mark.parametrize(
    "verb",
    [
        lambda state, actor: lists.search_by_address(state, actor, ANN),
        lambda state, actor: lists.preview_list(state, actor, FILE),
        lambda state, actor: lists.import_list(state, actor, FILE),
        lambda state, actor: lists.export_list(state, actor, io.StringIO()),
        lambda state, actor: numbers.read_subscriber_record(state, actor, 1),
        lambda state, actor: numbers.resubscribe_number(state, actor, 1, None, ""),
    ],
)
def test_only_who_is_for_subscribers_sees_and_changes_them(
    state: EditingState, verb: Callable[[EditingState, Actor], object]
) -> None:
    from publisher.accounts.actor import account_actor

    grants = (Grant(Role.ADMINISTRATOR),)
    create_account(state, ROOT, NewAccount("root@example.org", "", "en", grants))
    others = tuple(
        Grant(role) for role in Role if role not in {Role.ADMINISTRATOR, Role.SUBSCRIBER_DESK}
    )
    new = NewAccount("bob@example.org", "", "en", others)
    bob = create_account(state, ROOT, new).account
    with pytest.raises(ForbiddenError, match=r"bob@example\.org"):
        verb(state, account_actor(bob, ""))
