"""Mailgun: HMAC over time and token, which does not cover the body. So each token counts once."""

from __future__ import annotations

import hmac
from dataclasses import replace
from datetime import datetime

from publisher.bounces.model import BounceKind
from publisher.bounces.providers.events import (
    FeedbackRefusedError,
    FeedbackRequest,
    ProviderEvent,
    check_age,
    failure_event,
    instant_of,
    table_in,
    texts_of,
)

# Their own lists: no news of the mailbox.
_LISTED = frozenset({"suppress-bounce", "suppress-complaint", "suppress-unsubscribe"})


def read_mailgun_request(
    request: FeedbackRequest, key: str, now: datetime
) -> list[ProviderEvent]:
    """Return the event, if it is one of bounces and complaints. Raise FeedbackRefusedError."""
    message = request.json()
    stamp, token, signature = texts_of(
        table_in(message, "signature"), "timestamp", "token", "signature"
    )
    expected = hmac.new(key.encode(), f"{stamp}{token}".encode(), "sha256").hexdigest()
    if not token or not hmac.compare_digest(expected.encode(), signature.encode()):
        raise FeedbackRefusedError("the signature is not valid")
    check_age(stamp, now)
    return [replace(one, once=token) for one in _events(table_in(message, "event-data"))]


def _events(data: dict[str, object]) -> list[ProviderEvent]:
    what, event_id, address, severity, reason = texts_of(
        data, "event", "id", "recipient", "severity", "reason"
    )
    at = data.get("timestamp")
    (message_id,) = texts_of(table_in(table_in(data, "message"), "headers"), "message-id")
    marks = f"<{message_id}>"
    if what == "complained":
        complaint = BounceKind.COMPLAINT
        return [
            ProviderEvent(event_id, complaint, address, at=instant_of(at), identifiers=marks)
        ]
    if what != "failed":
        return []
    if severity == "temporary":
        return [ProviderEvent(event_id, BounceKind.DELAYED, address, at=instant_of(at))]
    if reason in _LISTED:
        return [ProviderEvent(event_id, BounceKind.UNKNOWN, address, at=instant_of(at))]
    code, status, text, description = texts_of(
        table_in(data, "delivery-status"), "code", "enhanced-code", "message", "description"
    )
    words = f"{code} {text or description}"
    return [failure_event(event_id, address, status, words, at=at, identifiers=marks)]
