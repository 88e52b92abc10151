"""Read feedback reports of mail providers (ARF, RFC 5965). Pure."""

from __future__ import annotations

from email.message import Message
from typing import Final

from publisher.bounces.incoming_mail import field, fields, status_groups
from publisher.bounces.model import BounceKind, RecipientVerdict

FEEDBACK_TYPE: Final = "message/feedback-report"
# Reports about authentication (RFC 6591) are no complaints, and neither is "not-spam".
_COMPLAINTS = frozenset({"abuse", "fraud", "opt-out", "opt-out-list", "virus", "other", ""})


def feedback_recipients(part: Message) -> list[RecipientVerdict]:
    """Return what a feedback report says of each recipient that it names, or of one unnamed."""
    groups = status_groups(part)
    if not groups:
        return []
    kind = _kind(field(groups[0], "Feedback-Type").lower())
    values = (
        *fields(groups[0], "Original-Rcpt-To"),
        *fields(groups[0], "Removal-Recipient"),
    )
    named = dict.fromkeys(value.strip(" <>") for value in values if "@" in value)
    return [RecipientVerdict(address, kind) for address in named or [""]]


def _kind(name: str) -> BounceKind:
    if name == "not-spam":
        return BounceKind.NOT_SPAM
    return BounceKind.COMPLAINT if name in _COMPLAINTS else BounceKind.UNKNOWN
