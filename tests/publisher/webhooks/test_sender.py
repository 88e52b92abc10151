"""Events arrive, signed; they are tried again by the table; and nothing is lost by a kill."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from publisher.clock import FixedClock, SystemClock
from publisher.webhooks import queue, store
from publisher.webhooks.client import Caller
from publisher.webhooks.events import EventType
from publisher.webhooks.queue import Event, queue_events
from publisher.webhooks.retry_policy import RETRY_DELAYS
from publisher.webhooks.sender import WebhookReport, WebhookSender
from publisher.webhooks.tables import webhook_delivery_table, webhook_table
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.webhooks.receiver import Receiver, Reply, receiving

SECRET = "a secret of the publication"
EVENT = Event(EventType.ISSUE_SENT, {"issue": "weekly-en-2026-01-09"})


class Hooks:
    """A publication with webhooks."""

    def __init__(self, publication: PublicationFolder) -> None:
        self.database = publication.database
        self.now = NOW

    def add(self, url: str, *events: EventType) -> tuple[int, str]:
        with self.database.writing() as connection:
            return store.insert_webhook(connection, SECRET, url, events, self.now)

    def queue(self, *events: Event) -> None:
        with self.database.writing() as connection:
            queue_events(connection, *(events or (EVENT,)))

    def run(
        self, secret: str = SECRET, timer: Callable[[], float] = time.monotonic
    ) -> WebhookReport:
        caller, clock = Caller(allow_loopback=True), FixedClock(self.now)
        return WebhookSender(self.database, clock, caller, secret, timer).run()

    def rows(self) -> list[Any]:
        with self.database.reading() as connection:
            return list(
                connection.execute(
                    select(webhook_delivery_table).order_by(webhook_delivery_table.c.id)
                )
            )

    def webhook(self, number: int) -> store.Webhook:
        with self.database.reading() as connection:
            return store.webhook_by_id(connection, number)

    def due_at(self) -> datetime:
        (row,) = self.rows()
        due = row.due_at
        assert isinstance(due, datetime)
        return due


@pytest.fixture
def hooks(publication: PublicationFolder) -> Hooks:
    return Hooks(publication)


def test_receivers_verify_events_with_the_library_of_the_specification(
    hooks: Hooks, receiver: Receiver
) -> None:
    hooks.now = SystemClock().now()
    number, secret = hooks.add(receiver.url)
    hooks.queue(Event(EventType.ARTICLE_PUBLISHED, {"title": "\u6f6e\u6c50"}, hooks.now))
    assert hooks.run().delivered == 1
    (request,) = receiver.requests
    event = Verifier(secret).verify(request.body, dict(request.headers))
    assert event["type"] == "article.published"
    assert event["data"] == {"title": "\u6f6e\u6c50"}
    assert datetime.fromisoformat(event["timestamp"]) == hooks.now
    assert request.headers["webhook-id"] == hooks.rows()[0].event_id
    with pytest.raises(WebhookVerificationError):
        Verifier(secret).verify(request.body + b" ", dict(request.headers))
    del number


def test_for_a_day_the_former_secret_signs_as_well(hooks: Hooks, receiver: Receiver) -> None:
    hooks.now = SystemClock().now()
    number, former = hooks.add(receiver.url)
    with hooks.database.writing() as connection:
        one = store.webhook_by_id(connection, number)
        new = store.rotate_secret(connection, SECRET, one, hooks.now - timedelta(hours=23))
    hooks.queue()
    hooks.run()
    for secret in (former, new):
        assert Verifier(secret).verify(
            receiver.requests[0].body, dict(receiver.requests[0].headers)
        )
    with hooks.database.writing() as connection:
        values = {"former_secret_until": hooks.now}
        connection.execute(update(webhook_table).values(values))
    hooks.queue()
    hooks.run()
    latest = receiver.requests[-1]
    assert Verifier(new).verify(latest.body, dict(latest.headers))
    with pytest.raises(WebhookVerificationError):
        Verifier(former).verify(latest.body, dict(latest.headers))


def test_secrets_have_32_bytes_and_are_not_in_the_database(hooks: Hooks) -> None:
    import base64

    number, secret = hooks.add("https://example.org/")
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    with hooks.database.reading() as connection:
        row = connection.execute(select(webhook_table)).one()
    assert secret not in str(row)
    assert store.signing_secrets(hooks.webhook(number), SECRET, NOW) == [secret]
    assert store.signing_secrets(hooks.webhook(number), "another", NOW) == []


def test_an_event_without_an_answer_is_tried_again_by_the_table(
    hooks: Hooks, receiver: Receiver
) -> None:
    number, _secret = hooks.add(receiver.url)
    receiver.reply = Reply(500)
    hooks.queue()
    for attempt, delay in enumerate(RETRY_DELAYS, 1):
        hooks.run()
        assert len(receiver.requests) == attempt
        wait = hooks.due_at() - hooks.now
        assert delay <= wait <= delay * 1.1
        hooks.now = hooks.due_at() - timedelta(seconds=1)
        hooks.run()
        assert len(receiver.requests) == attempt
        hooks.now = hooks.due_at()
    report = hooks.run()
    assert (report.failed, len(receiver.requests)) == (1, 10)
    (row,) = hooks.rows()
    assert (row.state, row.attempts, row.last_answer) == (
        "failed",
        10,
        "500 Internal Server Error",
    )
    assert len({one.headers["webhook-id"] for one in receiver.requests}) == 1
    assert len({one.body for one in receiver.requests}) == 1
    assert hooks.webhook(number).disabled_at is None
    assert sum(RETRY_DELAYS, timedelta()) > timedelta(days=3)


def test_410_disables_a_webhook_and_what_waits_for_it_fails(
    hooks: Hooks, receiver: Receiver
) -> None:
    number, _secret = hooks.add(receiver.url)
    receiver.reply = Reply(410)
    hooks.queue(EVENT, EVENT)
    report = hooks.run()
    assert report.problems == ["webhook 1 was disabled: it answered 410 Gone"]
    assert hooks.webhook(number).disabled_reason == "it answered 410 Gone"
    assert [row.state for row in hooks.rows()] == ["failed", "failed"]
    assert hooks.rows()[1].last_answer == "the webhook is disabled: it answered 410 Gone"
    hooks.queue()
    hooks.run()
    assert len(receiver.requests) == 1
    assert len(hooks.rows()) == 2


def test_a_webhook_is_disabled_after_three_events_in_a_row_that_were_given_up(
    hooks: Hooks, receiver: Receiver
) -> None:
    number, _secret = hooks.add(receiver.url)
    receiver.reply = Reply(500)
    for expected in (False, False, True):
        hooks.queue()
        _make_last_attempt(hooks)
        hooks.run()
        assert (hooks.webhook(number).disabled_at is not None) is expected
    assert (
        hooks.webhook(number).disabled_reason
        == "3 events in a row were given up; the last answer: 500 Internal Server Error"
    )


def test_an_event_that_arrives_begins_the_count_anew(hooks: Hooks, receiver: Receiver) -> None:
    number, _secret = hooks.add(receiver.url)
    for status in (500, 500, 204, 500):
        receiver.reply = Reply(status)
        hooks.queue()
        _make_last_attempt(hooks)
        hooks.run()
    assert hooks.webhook(number).failures == 1
    assert hooks.webhook(number).disabled_at is None


def _make_last_attempt(hooks: Hooks) -> None:
    with hooks.database.writing() as connection:
        last = update(webhook_delivery_table).values(attempts=len(RETRY_DELAYS))
        connection.execute(last.where(webhook_delivery_table.c.state == "pending"))


def test_an_enabled_webhook_gets_what_failed(hooks: Hooks, receiver: Receiver) -> None:
    number, _secret = hooks.add(receiver.url)
    receiver.reply = Reply(410)
    hooks.queue()
    hooks.run()
    receiver.reply = Reply()
    with hooks.database.writing() as connection:
        assert store.reopen_webhook(connection, number, hooks.now) == 1
    assert hooks.run().delivered == 1
    assert hooks.webhook(number).disabled_at is None
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


def test_each_webhook_gets_the_types_that_it_asked_for(
    hooks: Hooks, receiver: Receiver
) -> None:
    with receiving() as other:
        hooks.add(receiver.url, EventType.ISSUE_SENT)
        hooks.add(other.url)
        hooks.queue(Event(EventType.ISSUE_FAILED, {"issue": "a"}), EVENT)
        assert hooks.run().delivered == 3
        assert [json.loads(one.body)["type"] for one in receiver.requests] == ["issue.sent"]
        assert len(other.requests) == 2
        sent = {one.headers["webhook-id"] for one in other.requests}
        assert receiver.requests[0].headers["webhook-id"] in sent


def test_after_a_refusal_the_other_events_of_a_webhook_wait_for_the_next_run(
    hooks: Hooks, receiver: Receiver
) -> None:
    hooks.add(receiver.url)
    receiver.reply = Reply(503)
    hooks.queue(EVENT, EVENT, EVENT)
    hooks.run()
    assert len(receiver.requests) == 1
    assert [row.attempts for row in hooks.rows()] == [1, 0, 0]


def test_a_webhook_that_does_not_answer_delays_no_other_webhook(
    hooks: Hooks, receiver: Receiver
) -> None:
    with receiving() as slow:
        hooks.add(slow.url)
        hooks.add(receiver.url)
        slow.answer = lambda _request: Reply(204 if _wait_for(receiver) else 500)
        hooks.queue()
        assert hooks.run().delivered == 2


def _wait_for(receiver: Receiver) -> bool:
    import time

    ends = time.monotonic() + 30
    while not receiver.requests and time.monotonic() < ends:
        time.sleep(0.01)
    return bool(receiver.requests)


def test_a_run_ends_however_many_webhooks_there_are_and_the_next_one_begins_with_the_rest(
    hooks: Hooks, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("publisher.webhooks.sender._MOST_THREADS", 1)
    numbers = [hooks.add(receiver.url)[0] for _ in range(3)]

    def timer() -> float:
        """Each answer takes 30 seconds."""
        return 30.0 * len(receiver.requests)

    def delivered() -> list[int]:
        return [row.webhook_id for row in hooks.rows() if row.state == "delivered"]

    hooks.queue()
    for count in range(1, 4):
        assert hooks.run(timer=timer).delivered == 1
        assert delivered() == numbers[:count]
        hooks.now += timedelta(seconds=5)
        hooks.queue()
    assert hooks.run().delivered == 9
    assert delivered() == numbers * 4


def test_a_process_that_is_killed_after_the_answer_sends_the_event_again_under_its_id(
    hooks: Hooks, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks.add(receiver.url)
    hooks.queue()
    with monkeypatch.context() as patched:
        patched.setattr(queue, "update_delivery", _die)
        with pytest.raises(KeyboardInterrupt):
            hooks.run()
    assert [row.state for row in hooks.rows()] == ["pending"]
    assert hooks.run().delivered == 1
    first, second = receiver.requests
    assert (first.headers["webhook-id"], first.body) == (
        second.headers["webhook-id"],
        second.body,
    )


def _die(*_arguments: object, **_values: object) -> bool:
    raise KeyboardInterrupt


def test_an_event_is_queued_with_its_fact_or_not_at_all(
    hooks: Hooks, receiver: Receiver
) -> None:
    hooks.add(receiver.url)
    with pytest.raises(RuntimeError):
        _queue_and_fail(hooks)
    hooks.run()
    assert receiver.requests == []


def _queue_and_fail(hooks: Hooks) -> None:
    with hooks.database.writing() as connection:
        queue_events(connection, EVENT)
        raise RuntimeError


def test_a_webhook_that_is_removed_while_it_answers_leaves_nothing(
    hooks: Hooks, receiver: Receiver
) -> None:
    number, _secret = hooks.add(receiver.url)
    hooks.queue()

    def remove(_request: object) -> Reply:
        with hooks.database.writing() as connection:
            store.delete_webhook(connection, number)
        return Reply()

    receiver.answer = remove
    assert hooks.run().delivered == 0
    assert hooks.rows() == []


def test_after_a_change_of_the_publications_secret_a_delivery_says_what_to_do(
    hooks: Hooks, receiver: Receiver
) -> None:
    hooks.add(receiver.url)
    hooks.queue()
    hooks.run("another secret")
    assert receiver.requests == []
    assert "rotate the webhook's secret" in hooks.rows()[0].last_answer


def test_deliveries_are_forgotten_after_30_days(hooks: Hooks, receiver: Receiver) -> None:
    hooks.add(receiver.url)
    hooks.queue()
    hooks.run()
    hooks.now += queue.KEPT_FOR
    hooks.run()
    assert len(hooks.rows()) == 1
    hooks.now += timedelta(seconds=1)
    hooks.run()
    assert hooks.rows() == []


def test_a_run_with_nothing_to_do_writes_nothing(
    hooks: Hooks, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks.add(receiver.url)
    hooks.queue()
    hooks.run()
    monkeypatch.setattr(hooks.database, "writing", _die)
    assert hooks.run() == WebhookReport()


def test_no_body_is_as_long_as_receivers_take() -> None:
    from publisher.webhooks.events import event_body

    data = dict.fromkeys(("story", "language", "title", "url", "day"), "🌊" * 10000)
    assert len(event_body("article.published", NOW, data)) < 20_000
