"""What editors do about webhooks: who may, what the audit log has of it, and what is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from publisher.accounts import audit
from publisher.accounts.actor import account_actor, key_actor, terminal_actor
from publisher.accounts.api_keys import ApiKey, KeyHolder
from publisher.accounts.model import Account
from publisher.app import webhooks
from publisher.app.editing_state import (
    Actor,
    EditingState,
    Grant,
    Permission,
    Role,
    open_editing_state,
)
from publisher.app.pipeline import open_pipeline
from publisher.config.webhooks import WebhookSettings
from publisher.delivery.lineage.state import set_lineage
from publisher.errors import ForbiddenError, UsageError, WebhookError
from publisher.webhooks import queue, store
from publisher.webhooks.events import EventType
from publisher.webhooks.queue import Event
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.webhooks.receiver import Reply, receiving

URL = "https://example.org/hook/AB12?key=hidden"


@pytest.fixture
def state(publication: PublicationFolder) -> Iterator[EditingState]:
    settings = replace(publication.settings, webhooks=WebhookSettings(loopback=True))
    with open_editing_state(settings, publication.clock) as state:
        yield state


def _audit(state: EditingState) -> list[tuple[str, str, Any]]:
    with state.database.reading() as connection:
        log = audit.read_log(connection)
    return [(one.verb, one.object, one.details) for _number, one in reversed(log)]


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
    number, _secret = webhooks.add_webhook(state, terminal_actor(), URL)
    before = _audit(state)
    for role in {*Role} - {Role.ADMINISTRATOR}:
        with pytest.raises(ForbiddenError):
            VERBS[verb](state, _actor(role))
    with pytest.raises(ForbiddenError):
        VERBS[verb](state, _actor(Role.ADMINISTRATOR, by_key=True))
    assert _audit(state) == before
    if verb != "test":
        VERBS[verb](state, _actor(Role.ADMINISTRATOR))
    assert number == 1


def _actor(role: Role, *, by_key: bool = False) -> Actor:
    account = Account(
        id=1,
        email="ann@example.org",
        name="Ann",
        language="en",
        created_at=NOW,
        grants=(Grant(role),),
    )
    if not by_key:
        return account_actor(account, "")
    key = ApiKey(
        id=1,
        account_id=1,
        label="a program",
        scopes=frozenset({Permission.MANAGE_WEBHOOKS}),
        languages=None,
        created_at=NOW,
        expires_at=NOW,
        used_at=None,
        revoked_at=None,
    )
    return key_actor(KeyHolder(key, account), "")


def test_the_audit_log_has_the_host_and_neither_the_address_nor_the_secret(
    state: EditingState,
) -> None:
    actor = terminal_actor()
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
    number, first = webhooks.add_webhook(state, terminal_actor(), URL)
    second = webhooks.rotate_webhook(state, terminal_actor(), number)
    before = _audit(state)
    with pytest.raises(WebhookError, match=r"signs until .*; to end both now, remove"):
        webhooks.rotate_webhook(state, terminal_actor(), number)
    assert _audit(state) == before
    one = webhooks.list_webhooks(state, terminal_actor())[0].webhook
    assert store.signing_secrets(one, state.secret, state.clock.now()) == [second, first]
    with state.database.writing() as connection:
        later = state.clock.now() + store.ROTATION_PERIOD
        assert store.rotate_secret(connection, state.secret, one, later) != second


def test_a_new_secret_of_the_publication_lets_that_of_a_webhook_be_replaced_at_once(
    state: EditingState,
) -> None:
    number, _secret = webhooks.add_webhook(state, terminal_actor(), URL)
    webhooks.rotate_webhook(state, terminal_actor(), number)
    other = replace(state, secret="another secret of the publication")  # a test's
    assert webhooks.rotate_webhook(other, terminal_actor(), number)


@pytest.mark.parametrize("url", ["http://example.org/", "http://10.0.0.1/", "https://a@b.org/"])
def test_an_address_that_no_webhook_may_have_is_refused_at_once(
    state: EditingState, url: str
) -> None:
    with pytest.raises(WebhookError):
        webhooks.add_webhook(state, terminal_actor(), url)
    assert webhooks.list_webhooks(state, terminal_actor()) == []


def test_an_unknown_type_of_event_is_refused_with_those_that_there_are(
    state: EditingState,
) -> None:
    with pytest.raises(UsageError, match=r"issue\.gone: no such event; .*issue\.sent"):
        webhooks.add_webhook(state, terminal_actor(), URL, ["issue.gone"])


@pytest.mark.parametrize("verb", ["rotate", "enable", "test", "remove", "deliveries"])
def test_a_webhook_that_is_not_there_is_named(state: EditingState, verb: str) -> None:
    with pytest.raises(UsageError, match="1: no such webhook"):
        VERBS[verb](state, terminal_actor())


def test_a_test_goes_to_a_disabled_webhook_too_and_shows_the_answer(
    state: EditingState,
) -> None:
    with receiving() as receiver:
        number, _secret = webhooks.add_webhook(state, terminal_actor(), receiver.url)
        with state.database.writing() as connection:
            store.close_webhook(connection, number, "it answered 410 Gone", NOW)
        receiver.reply = Reply(418)
        answer = webhooks.send_test_event(state, terminal_actor(), number)
        assert answer.text == "418 I'm a Teapot"
        assert b'"type":"webhook.test"' in receiver.requests[0].body


def test_what_failed_is_listed_and_sent_again_once_the_webhook_is_enabled(
    state: EditingState,
) -> None:
    actor = terminal_actor()
    number, _secret = webhooks.add_webhook(state, actor, URL)
    with state.database.writing() as connection:
        queue.queue_events(connection, Event(EventType.ISSUE_SENT, {"issue": "a"}))
        store.close_webhook(connection, number, "it answered 410 Gone", NOW)
    (listed,) = webhooks.list_webhooks(state, actor)
    assert listed.deliveries == {"pending": 0, "delivered": 0, "failed": 1}
    assert listed.webhook.disabled_reason == "it answered 410 Gone"
    (failed,) = webhooks.list_webhook_deliveries(state, actor, number, "failed", 10)
    assert failed.last_answer == "the webhook is disabled: it answered 410 Gone"
    assert webhooks.enable_webhook(state, actor, number) == 1
    assert webhooks.list_webhook_deliveries(state, actor, number, "failed", 10) == []
    assert len(webhooks.list_webhook_deliveries(state, actor, number, "pending", 10)) == 1


def test_a_webhook_that_is_disabled_by_hand_gets_nothing_until_it_is_enabled(
    state: EditingState,
) -> None:
    actor = terminal_actor()
    number, _secret = webhooks.add_webhook(state, actor, URL)
    webhooks.disable_webhook(state, actor, number)
    (listed,) = webhooks.list_webhooks(state, actor)
    assert listed.webhook.disabled_reason == "disabled by hand"
    with state.database.writing() as connection:
        queue.queue_events(connection, Event(EventType.ISSUE_SENT, {"issue": "a"}))
    assert webhooks.list_webhook_deliveries(state, actor, number, None, 10) == []


def test_no_event_leaves_when_another_server_takes_over_after_a_turn_has_looked(
    state: EditingState, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhooks.add_webhook(state, terminal_actor(), URL)
    with state.database.writing() as connection:
        queue.queue_events(connection, Event(EventType.ISSUE_SENT, {}))

    def look_too_early(*_parts: object) -> None:
        with state.database.writing() as connection:
            set_lineage(connection, server="the one that failed")

    with open_pipeline(state.settings, state.clock) as pipeline:
        monkeypatch.setattr("publisher.app.pipeline.find_quarantine", look_too_early)
        (problem,) = pipeline.call_webhooks().problems
    assert "it is on another server" in problem
    (event,) = webhooks.list_webhook_deliveries(state, terminal_actor(), 1, None, 10)
    assert (event.state, event.attempts) == ("pending", 0)
