"""What editors do about webhooks, and what is on record of requests of the API, also after a kill."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from publisher import errors
from publisher.accounts.api_keys import KeyRequest, RequestKey, add_api_key
from publisher.accounts.model import (
    Actor,
    Grant,
    KeyHolder,
    Permission,
    Role,
    account_actor,
    key_actor,
)
from publisher.accounts.store import NewAccount, add_account
from publisher.accounts.tables import api_answer_table
from publisher.app.accounts.keys import find_key_actor
from publisher.app.editing_state import EditingState, open_editing_state
from publisher.app.operation import api_answers, webhooks
from publisher.app.operation.cycle import open_pipeline
from publisher.config.web import WebhookSettings
from publisher.delivery.lineage.witness import set_lineage
from publisher.webhooks import store
from publisher.webhooks.events import EventType
from publisher.webhooks.store import Event
from tests.publisher.app.editing import ROOT, account_with, api_key, audit_log
from tests.publisher.conftest import NOW, PublicationFolder, editing_state
from tests.publisher.webhooks.receiver import Reply, receiving

URL = "https://example.org/hook/AB12?key=hidden"


@pytest.fixture
def state(publication: PublicationFolder) -> Iterator[EditingState]:
    settings = replace(publication.settings, webhooks=WebhookSettings(loopback=True))
    with open_editing_state(settings, publication.clock) as state:
        yield state


def _audit(state: EditingState) -> list[tuple[str, str, Any]]:
    return [(one.verb, one.object, one.details) for one in reversed(audit_log(state))]


VERBS: dict[str, Callable[[EditingState, Actor], object]] = {
    "add": lambda state, actor: webhooks.add_webhook(state, actor, URL),
    "list": webhooks.list_webhooks,
    "deliveries": lambda state, actor: webhooks.list_webhook_deliveries(
        state, actor, 1, None, 10
    ),
    "rotate": lambda state, actor: webhooks.rotate_webhook(state, actor, 1),
    "enable": lambda state, actor: webhooks.enable_webhook(state, actor, 1),
    "test": lambda state, actor: webhooks.send_test_event(state, actor, 1),
    "remove": lambda state, actor: webhooks.remove_webhook(state, actor, 1),
}


@pytest.mark.parametrize("verb", VERBS)
def test_only_administrators_manage_webhooks_and_no_key_does(
    state: EditingState, verb: str
) -> None:
    number, _secret = webhooks.add_webhook(state, ROOT, URL)
    before = _audit(state)
    for role in {*Role} - {Role.ADMINISTRATOR}:
        with pytest.raises(errors.ForbiddenError):
            VERBS[verb](state, _actor(role))
    with pytest.raises(errors.ForbiddenError):
        VERBS[verb](state, _actor(Role.ADMINISTRATOR, by_key=True))
    assert _audit(state) == before
    if verb != "test":
        VERBS[verb](state, _actor(Role.ADMINISTRATOR))
    assert number == 1


def _actor(role: Role, *, by_key: bool = False) -> Actor:
    account = account_with(role)
    if not by_key:
        return account_actor(account, "")
    key = api_key(frozenset({Permission.MANAGE_WEBHOOKS}), None)
    return key_actor(KeyHolder(key, account), "")


def test_the_audit_log_has_the_host_and_neither_the_address_nor_the_secret(
    state: EditingState,
) -> None:
    actor = ROOT
    number, secret = webhooks.add_webhook(state, actor, URL, ["issue.sent", "issue.failed"])
    new = webhooks.rotate_webhook(state, actor, number)
    assert new != secret
    webhooks.remove_webhook(state, actor, number)
    events = ["issue.sent", "issue.failed"]
    about = {"webhook": number, "via": "terminal"}
    assert _audit(state) == [
        ("add-webhook", "webhook at example.org", {"events": events, **about}),
        ("rotate-webhook", "webhook at example.org", about),
        ("remove-webhook", "webhook at example.org", about),
    ]
    assert webhooks.list_webhooks(state, actor) == []


def test_the_secret_is_not_replaced_again_while_the_former_one_signs(
    state: EditingState,
) -> None:
    number, first = webhooks.add_webhook(state, ROOT, URL)
    second = webhooks.rotate_webhook(state, ROOT, number)
    before = _audit(state)
    with pytest.raises(errors.WebhookError, match=r"signs until .*; to end both now, remove"):
        webhooks.rotate_webhook(state, ROOT, number)
    assert _audit(state) == before
    one = webhooks.list_webhooks(state, ROOT)[0].webhook
    assert store.signing_secrets(one, state.secret, state.clock.now()) == [second, first]
    with state.database.writing() as connection:
        later = state.clock.now() + store.ROTATION_PERIOD
        assert store.rotate_secret(connection, state.secret, one, later) != second
    # A new secret of the publication lets it be replaced at once.
    other = replace(state, secret="another secret of the publication")  # a test\'s
    assert webhooks.rotate_webhook(other, ROOT, number)


@pytest.mark.parametrize("verb", ["rotate", "enable", "test", "remove", "deliveries"])
def test_a_webhook_that_is_not_there_is_named(state: EditingState, verb: str) -> None:
    with pytest.raises(errors.UsageError, match="1: no such webhook"):
        VERBS[verb](state, ROOT)


def test_a_test_goes_to_a_disabled_webhook_too_and_shows_the_answer(
    state: EditingState,
) -> None:
    with receiving() as receiver:
        number, _secret = webhooks.add_webhook(state, ROOT, receiver.url)
        with state.database.writing() as connection:
            store.close_webhook(connection, number, "it answered 410 Gone", NOW)
        receiver.reply = Reply(418)
        answer = webhooks.send_test_event(state, ROOT, number)
        assert answer.text == "418 I'm a Teapot"
        assert b'"type":"webhook.test"' in receiver.requests[0].body


def test_a_webhook_that_is_disabled_by_hand_gets_nothing_until_it_is_enabled(
    state: EditingState,
) -> None:
    actor = ROOT
    number, _secret = webhooks.add_webhook(state, actor, URL)
    webhooks.disable_webhook(state, actor, number)
    (listed,) = webhooks.list_webhooks(state, actor)
    assert listed.webhook.disabled_reason == "disabled by hand"
    with state.database.writing() as connection:
        store.queue_events(connection, Event(EventType.ISSUE_SENT, {"issue": "a"}))
    assert webhooks.list_webhook_deliveries(state, actor, number, None, 10) == []


def test_no_event_leaves_when_another_server_takes_over_after_a_turn_has_looked(
    state: EditingState, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhooks.add_webhook(state, ROOT, URL)
    with state.database.writing() as connection:
        store.queue_events(connection, Event(EventType.ISSUE_SENT, {}))

    def look_too_early(*_parts: object) -> None:
        with state.database.writing() as connection:
            set_lineage(connection, server="the one that failed")

    with open_pipeline(state.settings, state.clock) as pipeline:
        monkeypatch.setattr("publisher.app.operation.cycle.find_quarantine", look_too_early)
        (problem,) = pipeline.call_webhooks().problems
    assert "it is on another server" in problem
    (event,) = webhooks.list_webhook_deliveries(state, ROOT, 1, "pending", 10)
    assert (event.state, event.attempts) == ("pending", 0)


# --- requests of the API that had an Idempotency-Key


@pytest.fixture
def key_holder(publication: PublicationFolder) -> Actor:
    new = NewAccount("ann@example.org", "Ann", "en", (Grant(Role.ADMINISTRATOR),))
    wanted = KeyRequest("ci", frozenset({Permission.VIEW}), None, timedelta(days=90))
    with publication.database.writing() as connection:
        account = add_account(connection, new, NOW)
        key = add_api_key(connection, account.id, wanted, NOW)
    found = find_key_actor(editing_state(publication), key, "")
    assert found is not None
    return found


@pytest.fixture
def key(key_holder: Actor) -> RequestKey:
    return api_answers.request_key(key_holder, "k")


def begin(publication: PublicationFolder, key: RequestKey, after: timedelta) -> int | None:
    """Begin the request at a time after the first. Give the status that was stored."""
    state = editing_state(publication.at(NOW + after))
    found = api_answers.begin_request(state, key, "hash")
    return None if found is None else found.status


def test_an_answer_is_kept_for_a_day(publication: PublicationFolder, key: RequestKey) -> None:
    assert begin(publication, key, timedelta(0)) is None
    api_answers.finish_request(editing_state(publication), key, 200, "{}", None)
    assert begin(publication, key, timedelta(hours=24)) == 200
    assert begin(publication, key, timedelta(hours=24, seconds=1)) is None


def test_a_request_that_was_killed_before_its_change_is_carried_out_later(
    publication: PublicationFolder, key: RequestKey
) -> None:
    assert begin(publication, key, timedelta(0)) is None
    with pytest.raises(errors.ApiRequestError, match="is being carried out"):
        begin(publication, key, timedelta(seconds=59))
    assert begin(publication, key, timedelta(seconds=60)) is None


def test_a_request_that_was_killed_after_its_change_is_never_carried_out_again(
    publication: PublicationFolder, key_holder: Actor, key: RequestKey
) -> None:
    begin(publication, key, timedelta(0))
    guarded = api_answers.guarded_state(editing_state(publication), request=key)
    with guarded.changing(key_holder, "pause", "an issue"):
        pass
    for minutes in (0, 5, 60 * 24):
        with pytest.raises(errors.ApiRequestError, match="its answer was lost"):
            begin(publication, key, timedelta(minutes=minutes))


def test_a_change_that_fails_does_not_mark_its_request(
    publication: PublicationFolder, key_holder: Actor, key: RequestKey
) -> None:
    begin(publication, key, timedelta(0))
    guarded = api_answers.guarded_state(editing_state(publication), request=key)
    with pytest.raises(errors.IssueError), guarded.changing(key_holder, "pause", "an issue"):
        raise errors.IssueError("no")
    assert publication.rows(api_answer_table)[0]["changed_at"] is None
    api_answers.finish_request(editing_state(publication), key, 500, "{}", None)
    assert publication.rows(api_answer_table) == []
