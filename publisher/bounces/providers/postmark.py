"""Postmark: signs nothing, so that the secret in the path is the proof (`app.feedback`)."""

from __future__ import annotations

from publisher.bounces.model import BounceKind
from publisher.bounces.providers.events import (
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


def read_postmark_request(request: FeedbackRequest) -> list[ProviderEvent]:
    """Return the event, if it is one of bounces and complaints."""
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
