"""The kinds of events, and the body of a request. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from subscribers.model import ConsentSource, SubscriberStatus

if TYPE_CHECKING:
    from subscribers import SubscriberEvent

EventData = Mapping[str, str | int | None]

# Characters of one value: with it, the longest body is far below the 20 kB that receivers take.
LONGEST_VALUE = 500


class EventType(StrEnum):
    """What an event is about; a webhook asks for some of them, or for all."""

    ISSUE_AWAITING_APPROVAL = "issue.awaiting_approval"
    ISSUE_APPROVED = "issue.approved"
    ISSUE_SENDING = "issue.sending"
    ISSUE_PAUSED = "issue.paused"
    ISSUE_SENT = "issue.sent"
    ISSUE_FAILED = "issue.failed"
    ISSUE_CANCELLED = "issue.cancelled"
    ARTICLE_PUBLISHED = "article.published"
    TRANSLATION_STALE = "translation.stale"
    SUBSCRIBER_SUBSCRIBED = "subscriber.subscribed"
    SUBSCRIBER_UNSUBSCRIBED = "subscriber.unsubscribed"


SUBSCRIBER_EVENTS = frozenset(
    {EventType.SUBSCRIBER_SUBSCRIBED, EventType.SUBSCRIBER_UNSUBSCRIBED}
)
# What `publisher webhooks test` sends.
TEST_EVENT = "webhook.test"


def subscriber_event_type(event: SubscriberEvent) -> EventType | None:
    """Return the kind of a change of consent, or None for one that makes no event.

    Only changes of a subscription count: a mailbox that bounces is no wish. Nor does an import: it
    would make an event for each of its rows.
    """
    was, becomes = event.before, event.after
    if event.newsletter is None or event.source is ConsentSource.IMPORT or was is becomes:
        return None
    if becomes is SubscriberStatus.ACTIVE:
        return EventType.SUBSCRIBER_SUBSCRIBED
    return EventType.SUBSCRIBER_UNSUBSCRIBED if was is SubscriberStatus.ACTIVE else None


def event_body(kind: str, occurred_at: datetime, data: EventData) -> bytes:
    """Return the body of a request: the same bytes at each attempt."""
    value = {
        "type": kind,
        "timestamp": occurred_at.isoformat().replace("+00:00", "Z"),
        "data": {name: _bounded(one) for name, one in data.items()},
    }
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _bounded(value: str | int | None) -> str | int | None:
    return value[:LONGEST_VALUE] if isinstance(value, str) else value
