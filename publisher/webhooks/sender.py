"""Send the events that are due, several webhooks at once, and try again later.

A webhook that does not accept an event gets no other one in this run, so that a dead address costs one timeout a run.
What a run has no time for comes first in the next one.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

from sqlalchemy import Connection

from publisher.clock import Clock, shared_clock
from publisher.database import Database, retry_queue
from publisher.database.retry_queue import FAILED, QueueItem, Settlement, retry_later
from publisher.log import log
from publisher.webhooks import store
from publisher.webhooks.client import GONE, Answer, Caller
from publisher.webhooks.events import event_body, signed_headers
from publisher.webhooks.targets import TargetRun

MOST_FAILURES = 3  # a webhook is disabled when so many deliveries in a row were given up


def reason_to_disable(answer: Answer, failures: int) -> str | None:
    """Return why a webhook is to be disabled after an answer, or None.

    `failures` is the number of deliveries in a row that were given up, with this one.
    """
    if answer.status == GONE:
        return "it answered 410 Gone"
    if failures >= MOST_FAILURES:
        return f"{failures} events in a row were given up; the last answer: {answer.text}"
    return None


# In one run: events to one webhook, and seconds after which no further one is begun. So a run ends after 35 seconds.
_MOST_EVENTS = 100
_MOST_SECONDS = 20.0


@dataclass(slots=True)
class WebhookReport:
    """What one run did."""

    delivered: int = 0
    failed: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """Sends events. `secret` is the publication's, which opens those of the webhooks."""

    database: Database
    clock: Clock
    caller: Caller
    secret: str = field(repr=False)
    timer: Callable[[], float] = time.monotonic  # seconds from any instant on
    # Why nothing may be sent from the database that a transaction reads; empty if it may.
    why_old: Callable[[Connection], str] = lambda _connection: ""

    def run(self) -> WebhookReport:
        clock = shared_clock(self.clock, self.database.timer)
        now = clock.now()
        with self.database.reading() as connection:
            if not (
                store.has_new_events(connection)
                or retry_queue.has_work(connection, store.WEBHOOK_POLICY, now)
            ):
                return WebhookReport()
        with self.database.writing() as connection:
            if problem := self.why_old(connection):
                return WebhookReport(problems=[problem])
            store.take_new_events(connection)
            webhooks = store.load_webhooks(connection, enabled_only=True)
            items = retry_queue.reserve_by_target(
                connection, store.WEBHOOK_POLICY, now, _MOST_EVENTS
            )
        ends = self.timer() + _MOST_SECONDS
        run = _WebhookRun(self.database, clock.now, self.timer, ends, self, webhooks)
        run.run(items)
        return run.report

    def send(self, webhook: store.Webhook, event_id: str, body: bytes) -> Answer:
        now = self.clock.now()
        secrets = store.signing_secrets(webhook, self.secret, now)
        if not secrets:
            text = "not sent: PUBLISHER_SECRET has changed; rotate the webhook's secret"
            return Answer(None, text)
        headers = signed_headers(secrets, event_id, int(now.timestamp()), body)
        return self.caller.post(webhook.url, headers, body)


@dataclass
class _WebhookRun(TargetRun):
    """One run: one event of a webhook after the other, until it does not accept one."""

    sender: WebhookSender
    enabled: Sequence[store.Webhook]
    report: WebhookReport = field(default_factory=WebhookReport)

    def _webhook(self, item: QueueItem) -> store.Webhook:
        return next(webhook for webhook in self.enabled if str(webhook.id) == item.target)

    def send(self, item: QueueItem) -> Answer:
        event = item.payload
        body = event_body(event["type"], item.date, event["data"])
        return self.sender.send(self._webhook(item), event["event"], body)

    def answer_of_fault(self, item: QueueItem, why: str) -> Answer:
        self.report.problems.append(f"webhook {item.target}: {why}")
        return Answer(None, f"not sent: {why}")

    def settlement(self, item: QueueItem, answer: Answer, now: datetime) -> Settlement:
        if answer.is_accepted:
            return Settlement("delivered", reason=answer.text)
        if answer.status == GONE:
            return Settlement(FAILED, reason=answer.text)
        return retry_later(store.WEBHOOK_POLICY, item, now, answer.text)

    def effect(self, answer: Answer) -> Literal["answered", "stop"]:
        return "answered" if answer.is_accepted else "stop"

    def note(
        self, connection: Connection, item: QueueItem, answer: Answer, settlement: Settlement
    ) -> None:
        webhook = self._webhook(item)
        # Not the address: its path may be a secret of the receiver's.
        line = log.bind(webhook=webhook.id, host=urlsplit(webhook.url).hostname)
        line = line.bind(id=item.payload["event"], answer=answer.text)
        if answer.is_accepted:
            line.info("webhook called")
            self.report.delivered += 1
            store.count_failure(connection, webhook.id, is_failure=False)
            return
        line.warning("a webhook did not accept an event")
        if settlement.next_at is None:
            self._give_up(connection, webhook, answer)

    def _give_up(self, connection: Connection, webhook: store.Webhook, answer: Answer) -> None:
        self.report.failed += 1
        failures = store.count_failure(connection, webhook.id, is_failure=True)
        if reason := reason_to_disable(answer, failures):
            store.close_webhook(connection, webhook.id, reason, self.now())
            self.report.problems.append(f"webhook {webhook.id} was disabled: {reason}")
