"""Postmark: signs nothing. The secret in the path is the proof (`app.feedback`), and a password."""

from __future__ import annotations

import hmac
from base64 import b64encode

from publisher.bounces.model import BounceKind
from publisher.bounces.providers.events import (
    FeedbackRefusedError,
    FeedbackRequest,
    ProviderEvent,
    failure_event,
    instant_of,
    texts_of,
)
from publisher.delivery import causes

# By Type. Others are read by their words.
_KINDS = {
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


def read_postmark_request(request: FeedbackRequest, login: str) -> list[ProviderEvent]:
    """Return the event, if it is one of bounces and complaints.

    `login` is `user:password`, empty if none is asked for. Raise FeedbackRefusedError for another.
    """
    expected = b"Basic " + b64encode(login.encode())
    given = request.header.get("authorization", "").encode("utf-8", "replace")
    if login and not hmac.compare_digest(expected, given):
        raise FeedbackRefusedError("the user or password of the request is missing or wrong")
    message = request.json()
    record, kind, number, address, details, content = texts_of(
        message, "RecordType", "Type", "ID", "Email", "Details", "Content"
    )
    if record not in {"Bounce", "SpamComplaint"}:
        return []
    at = texts_of(message, "BouncedAt")[0]
    if record == "SpamComplaint":
        kind = record
    if kind in _KINDS:
        found, cause = _KINDS[kind]
        key = cause.key if cause else None
        return [
            ProviderEvent(number, found, address, key, "", details, instant_of(at), content)
        ]
    return [failure_event(number, address, "", details, at=at, identifiers=content)]
