"""Facts make events, which arrive, signed; they are tried again by the table; a kill loses none."""

import base64
import json
import socket
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event as Signal
from typing import Any

import pytest
from sqlalchemy import select, update
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from publisher.clock import FixedClock, SystemClock
from publisher.database.retry_queue import load_items, queue_item
from publisher.issues import store as issues
from publisher.issues.model import Issue, IssueState
from publisher.webhooks import store
from publisher.webhooks.client import REQUEST_SECONDS, Answer, Caller
from publisher.webhooks.events import EventType, event_body
from publisher.webhooks.sender import WebhookReport, WebhookSender
from publisher.webhooks.store import (
    RETRY_DELAYS,
    Event,
    WebhookDelivery,
    queue_events,
    webhook_table,
)
from publisher.webhooks.targets import TargetRun
from subscribers.changes import choose_newsletters, suppress
from subscribers.model import ConsentSource, SubscriberStatus
from subscribers.store import find_subscriber
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of
from tests.publisher.webhooks.receiver import Receiver, Reply, receiving
from tests.sizes import PATIENCE
from tests.subscribers.leaving import unsubscribe

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
        self,
        secret: str = SECRET,
        timer: Callable[[], float] = time.monotonic,
        seconds: float = REQUEST_SECONDS,
    ) -> WebhookReport:
        caller = Caller(allow_loopback=True, seconds=seconds)
        clock = FixedClock(self.now)
        return WebhookSender(self.database, clock, caller, secret, timer).run()

    def rows(self) -> list[WebhookDelivery]:
        with self.database.reading() as connection:
            items = load_items(connection, select(queue_item).order_by(queue_item.c.id))
        return [store.webhook_delivery(item) for item in items]

    def webhook(self, number: int) -> store.Webhook:
        with self.database.reading() as connection:
            return store.webhook_by_id(connection, number)

    def due_at(self) -> datetime:
        (row,) = self.rows()
        assert row.due_at is not None
        return row.due_at


@pytest.fixture
def hooks(publication: PublicationFolder) -> Hooks:
    return Hooks(publication)


def test_receivers_verify_events_with_the_library_of_the_specification(
    hooks: Hooks, receiver: Receiver
) -> None:
    hooks.now = SystemClock().now()
    _number, secret = hooks.add(receiver.url)
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
    number, secret = hooks.add("https://example.org/")
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    with hooks.database.reading() as connection:
        row = connection.execute(select(webhook_table)).one()
    assert secret not in str(row)
    assert store.signing_secrets(hooks.webhook(number), SECRET, NOW) == [secret]
    assert store.signing_secrets(hooks.webhook(number), "another", NOW) == []


def test_an_event_without_an_answer_is_tried_ten_times_in_three_days(
    hooks: Hooks, receiver: Receiver
) -> None:
    number, _secret = hooks.add(receiver.url)
    receiver.reply = Reply(500)
    hooks.queue()
    hooks.run()
    assert RETRY_DELAYS[0] <= hooks.due_at() - hooks.now <= RETRY_DELAYS[0] * 1.1
    _make_last_attempt(hooks)
    hooks.now = hooks.due_at()
    assert hooks.run().failed == 1
    (row,) = hooks.rows()
    assert (row.state, row.attempts, row.last_answer) == (
        "failed",
        10,
        "500 Internal Server Error",
    )
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
    # One that arrives begins the count anew.
    for status, failures in ((500, 1), (500, 2), (204, 0), (500, 1), (500, 2), (500, 3)):
        assert hooks.webhook(number).disabled_at is None
        receiver.reply = Reply(status)
        hooks.queue()
        _make_last_attempt(hooks)
        hooks.run()
        assert hooks.webhook(number).failures == failures
    assert hooks.webhook(number).disabled_at is not None
    assert (
        hooks.webhook(number).disabled_reason
        == "3 events in a row were given up; the last answer: 500 Internal Server Error"
    )


def _make_last_attempt(hooks: Hooks) -> None:
    with hooks.database.writing() as connection:
        last = update(queue_item).values(attempts=len(RETRY_DELAYS))
        connection.execute(last.where(queue_item.c.next_at.is_not(None)))


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


def test_a_webhook_that_the_program_fails_at_is_named_and_stops_no_other(
    hooks: Hooks, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _secret = hooks.add("http://127.0.0.1:9/")
    hooks.add(receiver.url)
    hooks.queue()
    plain = WebhookSender.send

    def fails(sender: WebhookSender, one: store.Webhook, *event: Any) -> Answer:
        if one.id == first:
            raise ZeroDivisionError
        return plain(sender, one, *event)

    monkeypatch.setattr(WebhookSender, "send", fails)
    report = hooks.run()
    assert report.delivered == len(receiver.requests) == 1
    assert [one[:35] for one in report.problems] == [
        f"webhook {first}: a fault of the program: "[:35]
    ]


def test_webhooks_that_accept_nothing_delay_no_other(
    hooks: Hooks, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TargetRun, "threads", 1)
    receiver.answer = lambda request: Reply(500 if request.path == "/dead" else 204)
    hooks.add(receiver.url.replace("/hook", "/dead"))
    hooks.add(receiver.url)
    hooks.queue()
    hooks.run()
    hooks.now += timedelta(hours=1)
    hooks.queue()
    # Each answer takes so long that it is the last of a run.
    before = len(receiver.requests)
    hooks.run(timer=lambda: 30.0 * (len(receiver.requests) - before))
    assert [one.path for one in receiver.requests[before:]] == ["/hook"]


def test_a_receiver_whose_name_is_looked_up_for_too_long_is_tried_again_and_holds_no_run(
    hooks: Hooks, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks.add("http://localhost/slow")
    hooks.add(receiver.url)
    hooks.queue()
    over, plain = Signal(), socket.getaddrinfo

    def slow(host: str, *others: Any, **options: Any) -> Any:
        if host == "localhost":
            over.wait(PATIENCE)
        return plain(host, *others, **options)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    assert hooks.run(seconds=1).delivered == 1
    over.set()
    first, second = hooks.rows()
    assert (first.state, first.attempts, second.state) == ("pending", 1, "delivered")
    assert first.last_answer == "no answer within 1 seconds"


def _wait_for(receiver: Receiver) -> bool:
    ends = time.monotonic() + 30
    while not receiver.requests and time.monotonic() < ends:
        time.sleep(0.01)
    return bool(receiver.requests)


def test_a_run_ends_however_many_webhooks_there_are_and_the_next_one_begins_with_the_rest(
    hooks: Hooks, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TargetRun, "threads", 1)
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


def _die(*_arguments: object, **_values: object) -> bool:
    raise KeyboardInterrupt


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
    assert "rotate the webhook's secret" in (hooks.rows()[0].last_answer or "")


def test_a_run_with_nothing_to_do_writes_nothing(
    hooks: Hooks, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks.add(receiver.url)
    hooks.queue()
    hooks.run()
    monkeypatch.setattr(hooks.database, "writing", _die)
    assert hooks.run() == WebhookReport()


def test_no_body_is_as_long_as_receivers_take() -> None:
    data = dict.fromkeys(("story", "language", "title", "url", "day"), "🌊" * 10000)
    assert len(event_body("article.published", NOW, data)) < 20_000


# --- which facts make events, each queued with its fact, and that none has an address of a subscriber


ANN, BOB = "ann@example.com", "bob@example.com"


def add_webhook(publication: PublicationFolder, *events: EventType) -> None:
    with publication.database.writing() as connection:
        store.insert_webhook(connection, "secret", "https://example.org/", events, NOW)


def queued(publication: PublicationFolder) -> list[tuple[str, dict[str, Any]]]:
    with publication.database.writing() as connection:
        store.take_new_events(connection)
        items = load_items(connection, select(queue_item).order_by(queue_item.c.id))
        found = [(item.payload["type"], item.payload["data"]) for item in items]
    assert not any("@" in str(data) for _type, data in found)
    return found


def test_an_issue_makes_events_on_its_way(publication: PublicationFolder) -> None:
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    subscribe(publication, (ANN, "en"))
    add_webhook(publication, EventType.ISSUE_SENDING, EventType.ISSUE_SENT)
    pipeline = pipeline_of(publication)
    pipeline.prepare()
    pipeline.deliver()
    issue = {
        "issue": "weekly-en-2026-01-09",
        "newsletter": "weekly",
        "language": "en",
        "day": "2026-01-09",
    }
    assert queued(publication) == [
        ("issue.sending", {**issue, "state": "sending"}),
        ("issue.sent", {**issue, "state": "sent"}),
    ]


@pytest.mark.parametrize(
    ("way", "kinds"),
    [
        ("awaiting_approval ready", "awaiting_approval approved"),
        ("ready", ""),
        ("ready sending paused", "sending paused"),
        ("ready sending partial", "sending sent"),
        ("ready sending failed", "sending failed"),
        ("cancelled", "cancelled"),
    ],
)
def test_each_change_of_state_makes_the_event_that_its_name_says(
    publication: PublicationFolder, way: str, kinds: str
) -> None:
    add_webhook(publication)
    with publication.database.writing() as connection:
        planned = Issue(newsletter="weekly", language="en", day=NOW.date(), due_at=NOW)
        issues.add_occurrence(connection, planned)
        one = issues.issue_by_name(connection, "weekly-en-2026-01-09")
        assert one is not None
        for target in ("assembling", *way.split()):
            one = issues.move_issue(connection, one, IssueState(target))
    found = queued(publication)
    assert [kind for kind, _data in found] == [f"issue.{kind}" for kind in kinds.split()]
    assert not found or found[-1][1]["state"] == one.state


def test_a_published_article_makes_an_event_with_its_address(
    publication: PublicationFolder,
) -> None:
    add_webhook(publication)
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    pipeline_of(publication).prepare()
    found = dict(queued(publication))
    url = publication.settings.publication.url
    assert found["article.published"] == {
        "story": "tides",
        "language": "en",
        "title": "Tides",
        "url": f"{url}/en/stories/tides/",
    }


def test_an_article_makes_its_event_when_its_embargo_ends_and_only_once(
    publication: PublicationFolder,
) -> None:
    add_webhook(publication, EventType.ARTICLE_PUBLISHED)
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-10")
    pipeline_of(publication).prepare()
    assert queued(publication) == []
    publication.at(NOW + timedelta(days=2))
    pipeline_of(publication).prepare()
    publication.write("en/tides.md", "The tide waits not.", title="Tides", date="2026-01-10")
    pipeline_of(publication).prepare()
    assert [kind for kind, _data in queued(publication)] == ["article.published"]


def test_changes_of_consent_make_events_with_the_subscriber_s_number_and_their_own_time(
    publication: PublicationFolder,
) -> None:
    subscribe(publication, (ANN, "en"), (BOB, "en"))
    add_webhook(publication)
    with publication.database.writing() as connection:
        ann = find_subscriber(connection, ANN)
        assert ann is not None
        unsubscribe(connection, ANN, "weekly", NOW - timedelta(minutes=5))
        choose_newsletters(connection, ann.id, {"weekly": True}, NOW)
        suppress(connection, ANN, SubscriberStatus.COMPLAINED, NOW)
        # Neither is the wish of anybody.
        suppress(connection, BOB, SubscriberStatus.BOUNCED, NOW)
        unsubscribe(connection, BOB, None, NOW, source=ConsentSource.IMPORT)
    about = {"subscriber": ann.id, "newsletter": "weekly"}
    assert queued(publication) == [
        ("subscriber.unsubscribed", {**about, "by": "subscriber"}),
        ("subscriber.subscribed", {**about, "by": "subscriber"}),
        ("subscriber.unsubscribed", {**about, "by": "mail"}),
    ]
    assert len(queued(publication)) == 3
    assert publication.rows(queue_item)[0]["due_at"] == NOW - timedelta(minutes=5)


def test_what_happened_before_a_webhook_was_added_or_while_it_was_disabled_makes_no_event(
    publication: PublicationFolder,
) -> None:
    subscribe(publication, (ANN, "en"), (BOB, "en"))
    with publication.database.writing() as connection:
        unsubscribe(connection, ANN, None, NOW)
    add_webhook(publication)
    with publication.database.writing() as connection:
        store.close_webhook(connection, 1, "it answered 410 Gone", NOW)
        unsubscribe(connection, BOB, None, NOW)
        store.reopen_webhook(connection, 1, NOW)
    assert queued(publication) == []


def test_more_changes_than_one_portion_take_are_queued_in_the_next_runs(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_PORTION", 2)
    people = [f"reader{number}@example.com" for number in range(5)]
    subscribe(publication, *((one, "en") for one in people))
    add_webhook(publication)
    with publication.database.writing() as connection:
        for one in people:
            unsubscribe(connection, one, None, NOW)
    counts = [len(queued(publication)) for _run in range(6)]
    assert counts[-1] == 5
    assert counts == sorted(counts)
    assert counts[0] < 5


def test_a_translation_whose_original_changes_makes_an_event_each_time(
    publication: PublicationFolder,
) -> None:
    add_webhook(publication, EventType.TRANSLATION_STALE)
    matter = {"title": "Tides", "date": "2026-01-05"}
    publication.write("en/tides.md", "The tide waits.", **matter)
    publication.pick_up_file("ar/tides.md", "Translated.", **matter)
    assert queued(publication) == []
    for hour, words in ((1, "The tide waits not."), (2, "It waits for nobody.")):
        publication.write("en/tides.md", words, **matter)
        publication.at(NOW + timedelta(hours=hour)).pick_up()
    event = ("translation.stale", {"story": "tides", "language": "ar"})
    assert queued(publication) == [event, event]
