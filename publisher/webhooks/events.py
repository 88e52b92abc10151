"""The kinds of events, the body of a request, and its signature (Standard Webhooks 1.0)."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from subscribers.model import ConsentSource, SubscriberEvent, SubscriberStatus

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
TEST_EVENT = "webhook.test"  # what `publisher api testWebhook` sends


def subscriber_event_type(event: SubscriberEvent) -> EventType | None:
    """Return the kind of a change of consent; None for one that is no wish, as of a bouncing mailbox, or of an import."""
    was, becomes = event.before, event.after
    if event.newsletter is None or event.source is ConsentSource.IMPORT or was is becomes:
        return None
    if becomes is SubscriberStatus.ACTIVE:
        return EventType.SUBSCRIBER_SUBSCRIBED
    return EventType.SUBSCRIBER_UNSUBSCRIBED if was is SubscriberStatus.ACTIVE else None


def event_body(kind: str, occurred_at: datetime, data: EventData) -> bytes:
    value = {
        "type": kind,
        "timestamp": occurred_at.isoformat().replace("+00:00", "Z"),
        "data": {name: _bounded(one) for name, one in data.items()},
    }
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _bounded(value: str | int | None) -> str | int | None:
    return value[:LONGEST_VALUE] if isinstance(value, str) else value


# Bytes; the specification asks for 24 to 64.
_SECRET_BYTES = 32
_PREFIX = "whsec_"


def new_webhook_secret() -> str:
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signed_headers(
    signing_secrets: Sequence[str], event_id: str, second: int, body: bytes
) -> dict[str, str]:
    """Return the header fields that name and sign an event.

    `second` is the time of this attempt, in seconds since 1970. Each secret makes a signature: while
    a secret is replaced, receivers that know either accept the event.
    """
    content = b"%b.%d.%b" % (event_id.encode(), second, body)
    signatures = [_signature(one, content) for one in signing_secrets]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(second),
        "webhook-signature": " ".join(signatures),
    }


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    digest = hmac.new(key, content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
