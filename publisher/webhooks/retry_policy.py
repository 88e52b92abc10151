"""When a delivery is tried again, and when a webhook is disabled. Pure.

The delays are those that Standard Webhooks 1.0 recommends: the last attempt comes three days after the
first.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from publisher.webhooks.client import GONE

if TYPE_CHECKING:
    from publisher.webhooks.client import Answer
    from publisher.webhooks.queue import WebhookDelivery

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
