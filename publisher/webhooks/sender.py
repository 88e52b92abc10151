"""Send the events that are due, each webhook in a thread of its own, and try again later.

Threads use the network, the calling thread uses the database. A process that is killed between an
answer and its row sends the event again, under the same id. A webhook that does not accept an event
gets no other one in this run, so that a dead address costs one timeout a run. A run is bounded,
whatever the number of webhooks: what it has no time for is due in the next one, and comes first
then.

When a delivery is tried again, and when a webhook is disabled, is decided by pure functions. The
delays are those that Standard Webhooks 1.0 recommends: the last attempt comes three days after the
first.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
from sqlalchemy import Connection

from publisher.clock import Clock
from publisher.database import Database
from publisher.fault_isolation import isolated
from publisher.webhooks import store
from publisher.webhooks.client import GONE, Answer, Caller
from publisher.webhooks.events import signed_headers
from publisher.webhooks.store import (
    Webhook,
    WebhookDelivery,
    close_webhook,
    count_failure,
    find_webhook,
    load_webhooks,
    signing_secrets,
)

# Before the second attempt, the third, and so on.
RETRY_DELAYS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)
# A delay is longer by up to this part of it, so that not all come at once after an outage.
_JITTER = 0.1
# A webhook is disabled when so many deliveries in a row were given up.
MOST_FAILURES = 3


def after_answer(one: WebhookDelivery, answer: Answer, now: datetime) -> dict[str, Any]:
    """Return the new values of a delivery's row."""
    tried = {"attempts": one.attempts + 1, "last_answer": answer.text}
    if answer.is_accepted:
        return tried | {"state": "delivered", "finished_at": now}
    if answer.status == GONE or one.attempts >= len(RETRY_DELAYS):
        return tried | {"state": "failed", "finished_at": now}
    return tried | {"due_at": now + _delay(one)}


def reason_to_disable(answer: Answer, failures: int) -> str | None:
    """Return why a webhook is to be disabled after an answer, or None.

    `failures` is the number of deliveries in a row that were given up, with this one.
    """
    if answer.status == GONE:
        return "it answered 410 Gone"
    if failures >= MOST_FAILURES:
        return f"{failures} events in a row were given up; the last answer: {answer.text}"
    return None


def _delay(one: WebhookDelivery) -> timedelta:
    """Return the delay before the next attempt. A hash sets the jitter, so it is reproducible."""
    seed = hashlib.sha256(f"{one.event_id}\n{one.id}\n{one.attempts}".encode()).digest()
    fraction = int.from_bytes(seed[:4], "big") / 2**32
    return RETRY_DELAYS[one.attempts] * (1 + _JITTER * fraction)


log = structlog.get_logger()

# In one run: events to one webhook, and seconds after which no further one is begun. So a run ends after 35
# seconds at the latest.
_MOST_EVENTS = 100
_MOST_SECONDS = 20.0
_MOST_THREADS = 8


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
    # Seconds from any instant on.
    timer: Callable[[], float] = time.monotonic
    # Why nothing may be sent from the database that a transaction reads; empty if it may.
    why_old: Callable[[Connection], str] = lambda _connection: ""

    def run(self) -> WebhookReport:
        """Send what is due; return when all of it was answered or put off."""
        self._prepare()
        now, ends = self.clock.now(), self.timer() + _MOST_SECONDS
        with self.database.reading() as connection:
            if problem := self.why_old(connection):
                return WebhookReport(problems=[problem])
            due = [
                (one, store.due_deliveries(connection, one.id, now, _MOST_EVENTS))
                for one in load_webhooks(connection, enabled_only=True)
            ]
        report = WebhookReport()
        due = sorted(
            ((one, some) for one, some in due if some), key=lambda pair: _waits_since(pair[1])
        )
        if due:
            with ThreadPoolExecutor(min(len(due), _MOST_THREADS)) as threads:
                begun = {
                    threads.submit(self._send_all, one, some, ends): one for one, some in due
                }
                for done in as_completed(begun):
                    one = begun[done]
                    with isolated(f"webhook {one.id}", report.problems.append):
                        self._record(one, done.result(), report)
        return report

    def send(self, one: Webhook, delivery: WebhookDelivery) -> Answer:
        """Send one event, and change nothing in the database."""
        now = self.clock.now()
        secrets = signing_secrets(one, self.secret, now)
        if not secrets:
            return _unsigned()
        body = delivery.body()
        headers = signed_headers(secrets, delivery.event_id, int(now.timestamp()), body)
        return self.caller.post(one.url, headers, body)

    def _prepare(self) -> None:
        """Queue new events and forget old ones. Usually there are none, and nothing is written."""
        now = self.clock.now()
        with self.database.reading() as connection:
            is_due = store.has_new_events(connection)
            is_old = store.has_old_deliveries(connection, now)
        if is_due or is_old:
            with self.database.writing() as connection:
                store.take_new_events(connection, now)
                store.forget_old_deliveries(connection, now)

    def _send_all(
        self, one: Webhook, deliveries: Sequence[WebhookDelivery], ends: float
    ) -> list[tuple[WebhookDelivery, Answer]]:
        answers: list[tuple[WebhookDelivery, Answer]] = []
        for delivery in deliveries:
            if self.timer() > ends:
                break
            answer = self.send(one, delivery)
            answers.append((delivery, answer))
            if not answer.is_accepted:
                break
        return answers

    def _record(
        self,
        one: Webhook,
        answers: Sequence[tuple[WebhookDelivery, Answer]],
        report: WebhookReport,
    ) -> None:
        if not answers:
            return
        with self.database.writing() as connection:
            # Removed meanwhile, and its deliveries with it.
            for delivery, answer in answers if find_webhook(connection, one.id) else ():
                self._record_answer(connection, (delivery, answer), report)
        _log(one, answers)

    def _record_answer(
        self,
        connection: Connection,
        answered: tuple[WebhookDelivery, Answer],
        report: WebhookReport,
    ) -> None:
        delivery, answer = answered
        now = self.clock.now()
        values = after_answer(delivery, answer, now)
        state = values.get("state")
        if not store.update_delivery(connection, delivery, **values) or state is None:
            return
        failures = count_failure(connection, delivery.webhook_id, is_failure=state == "failed")
        report.failed += state == "failed"
        report.delivered += state == "delivered"
        reason = reason_to_disable(answer, failures) if state == "failed" else None
        if reason:
            close_webhook(connection, delivery.webhook_id, reason, now)
            report.problems.append(f"webhook {delivery.webhook_id} was disabled: {reason}")


def _waits_since(deliveries: Sequence[WebhookDelivery]) -> datetime:
    due_at = deliveries[0].due_at
    assert due_at is not None  # noqa: S101  # only rows that are due are sent
    return due_at


def _unsigned() -> Answer:
    return Answer(None, "not sent: PUBLISHER_SECRET has changed; rotate the webhook's secret")


def _log(one: Webhook, answers: Sequence[tuple[WebhookDelivery, Answer]]) -> None:
    # Not the address: its path may be a secret of the receiver's.
    line = log.bind(webhook=one.id, host=urlsplit(one.url).hostname)
    for delivery, answer in answers:
        if not answer.is_accepted:
            line.warning(
                "a webhook did not accept an event", id=delivery.event_id, answer=answer.text
            )
    line.info("webhook called", events=len(answers))
