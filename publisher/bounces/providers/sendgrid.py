"""SendGrid: ECDSA over time and body; the request holds a list of events."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from publisher.bounces.model import BounceKind
from publisher.bounces.providers.events import (
    FeedbackRefusedError,
    FeedbackRequest,
    ProviderEvent,
    check_age,
    failure_event,
    instant_of,
    texts_of,
)

_SIGNATURE = "x-twilio-email-event-webhook-signature"
_STAMP = "x-twilio-email-event-webhook-timestamp"
_KINDS = {
    "spamreport": BounceKind.COMPLAINT,
    "deferred": BounceKind.DELAYED,
    # Their own lists: no news of the mailbox.
    "dropped": BounceKind.UNKNOWN,
}


def read_sendgrid_request(
    request: FeedbackRequest, public_key: str, now: datetime
) -> list[ProviderEvent]:
    """Return the events of bounces and complaints. Raise FeedbackRefusedError."""
    from publisher.bounces.providers.signatures import is_signed_with_ecdsa

    stamp, signature = request.header.get(_STAMP, ""), request.header.get(_SIGNATURE, "")
    if not is_signed_with_ecdsa(public_key, signature, stamp.encode() + request.body):
        raise FeedbackRefusedError("the signature is not valid")
    check_age(stamp, now)
    found = request.json()
    return list(_events(found if isinstance(found, list) else []))


def _events(messages: list[object]) -> Iterator[ProviderEvent]:
    for message in messages:
        what, event_id, address, status, reason, smtp_id = texts_of(
            message, "event", "sg_event_id", "email", "status", "reason", "smtp-id"
        )
        at = message.get("timestamp") if isinstance(message, dict) else None
        if what == "bounce":
            yield failure_event(event_id, address, status, reason, at=at, identifiers=smtp_id)
        elif what in _KINDS:
            yield ProviderEvent(
                event_id,
                _KINDS[what],
                address,
                words=reason,
                at=instant_of(at),
                identifiers=smtp_id,
            )
