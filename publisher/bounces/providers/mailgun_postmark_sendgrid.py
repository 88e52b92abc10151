"""Mailgun, Postmark and SendGrid: what proves that a request is theirs, and the events in it.

Mailgun: HMAC over time and token, not over the body, so each token counts once. Postmark signs nothing: the secret in
the path and a password are the proof. SendGrid: ECDSA over time and body.
"""

import hmac
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from publisher.bounces.model import BounceKind
from publisher.bounces.providers import events
from publisher.bounces.providers.events import FeedbackRefusedError, ProviderEvent
from publisher.delivery import causes

# Their own lists: no news of the mailbox.
_LISTED = frozenset({"suppress-bounce", "suppress-complaint", "suppress-unsubscribe"})


def read_mailgun_request(
    request: events.FeedbackRequest, key: str, now: datetime
) -> list[ProviderEvent]:
    message = request.json()
    stamp, token, signature = events.texts_of(
        events.table_in(message, "signature"), "timestamp", "token", "signature"
    )
    expected = hmac.new(key.encode(), f"{stamp}{token}".encode(), "sha256").hexdigest()
    if not token or not hmac.compare_digest(expected.encode(), signature.encode()):
        raise FeedbackRefusedError("the signature is not valid")
    events.check_age(stamp, now)
    return [
        replace(one, once=token)
        for one in _mailgun_events(events.table_in(message, "event-data"))
    ]


def _mailgun_events(data: dict[str, object]) -> list[ProviderEvent]:
    what, event_id, address, severity, reason = events.texts_of(
        data, "event", "id", "recipient", "severity", "reason"
    )
    at = data.get("timestamp")
    (message_id,) = events.texts_of(
        events.table_in(events.table_in(data, "message"), "headers"), "message-id"
    )
    marks = f"<{message_id}>"
    event = ProviderEvent(event_id, BounceKind.UNKNOWN, address, at=events.instant_of(at))
    if what == "complained":
        return [replace(event, kind=BounceKind.COMPLAINT, identifiers=marks)]
    if what != "failed":
        return []
    if severity == "temporary":
        return [replace(event, kind=BounceKind.DELAYED)]
    if reason in _LISTED:
        return [event]
    code, status, text, description = events.texts_of(
        events.table_in(data, "delivery-status"),
        "code",
        "enhanced-code",
        "message",
        "description",
    )
    words = f"{code} {text or description}"
    return [events.failure_event(event_id, address, status, words, at=at, identifiers=marks)]


# By Type. Others are read by their words.
_POSTMARK_KINDS = {
    "SpamComplaint": (BounceKind.COMPLAINT, None),
    # Refused as spam by the server: no person has complained.
    "SpamNotification": (BounceKind.BLOCKED, causes.SPAM),
    "Blocked": (BounceKind.BLOCKED, causes.BLOCKED),
    "DMARCPolicy": (BounceKind.BLOCKED, causes.UNPROVEN),
    "AutoResponder": (BounceKind.AUTO_REPLY, None),
    "ChallengeVerification": (BounceKind.CHALLENGE, None),
    "AddressChange": (BounceKind.SOFT, causes.MOVED),
    "Transient": (BounceKind.DELAYED, None),
    # Their own list, not news of the mailbox.
    "ManuallyDeactivated": (BounceKind.UNKNOWN, None),
}


def read_postmark_request(request: events.FeedbackRequest, login: str) -> list[ProviderEvent]:
    """Return the event, if it is a bounce or complaint; `login` is `user:password`, or empty if none is asked for."""
    expected = b"Basic " + b64encode(login.encode())
    given = request.header.get("authorization", "").encode("utf-8", "replace")
    if login and not hmac.compare_digest(expected, given):
        raise FeedbackRefusedError("the user or password of the request is missing or wrong")
    message = request.json()
    record, kind, number, address, details, content = events.texts_of(
        message, "RecordType", "Type", "ID", "Email", "Details", "Content"
    )
    if record not in {"Bounce", "SpamComplaint"}:
        return []
    at = events.texts_of(message, "BouncedAt")[0]
    if record == "SpamComplaint":
        kind = record
    if kind in _POSTMARK_KINDS:
        found, cause = _POSTMARK_KINDS[kind]
        key = cause.key if cause else None
        return [
            ProviderEvent(
                number, found, address, key, "", details, events.instant_of(at), content
            )
        ]
    return [events.failure_event(number, address, "", details, at=at, identifiers=content)]


_SIGNATURE = "x-twilio-email-event-webhook-signature"
_STAMP = "x-twilio-email-event-webhook-timestamp"
_SENDGRID_KINDS = {
    "spamreport": BounceKind.COMPLAINT,
    "deferred": BounceKind.DELAYED,
    "dropped": BounceKind.UNKNOWN,  # their own lists: no news of the mailbox
}


def read_sendgrid_request(
    request: events.FeedbackRequest, public_key: str, now: datetime
) -> list[ProviderEvent]:
    from publisher.bounces.providers.signatures import is_signed_with_ecdsa

    stamp, signature = request.header.get(_STAMP, ""), request.header.get(_SIGNATURE, "")
    if not is_signed_with_ecdsa(public_key, signature, stamp.encode() + request.body):
        raise FeedbackRefusedError("the signature is not valid")
    events.check_age(stamp, now)
    found = request.json()
    return list(_sendgrid_events(found if isinstance(found, list) else []))


def _sendgrid_events(messages: list[object]) -> Iterator[ProviderEvent]:
    for message in messages:
        what, event_id, address, status, reason, smtp_id = events.texts_of(
            message, "event", "sg_event_id", "email", "status", "reason", "smtp-id"
        )
        at = message.get("timestamp") if isinstance(message, dict) else None
        if what == "bounce":
            yield events.failure_event(
                event_id, address, status, reason, at=at, identifiers=smtp_id
            )
        elif what in _SENDGRID_KINDS:
            yield ProviderEvent(
                event_id,
                _SENDGRID_KINDS[what],
                address,
                words=reason,
                at=events.instant_of(at),
                identifiers=smtp_id,
            )
