"""Amazon SES by SNS: signed with RSA over some fields, by a certificate that the message names.

A valid signature proves only that some topic of anybody sent it, so the topic has to be one of the settings', before
anything else is believed. The certificate is fetched without redirects, in bounded time and size, and cached.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

from publisher.bounces.model import BounceKind
from publisher.bounces.providers import events
from publisher.bounces.providers.events import FeedbackRefusedError, ProviderEvent
from publisher.delivery import causes
from publisher.fetching.addresses import WebRequest
from publisher.fetching.client import GuardedClient
from publisher.fetching.limits import FetchError, FetchLimits

# Of a certificate, which has some 2,000 bytes.
_LIMITS: Final = FetchLimits(seconds=5, sent_bytes=20_000, body_bytes=20_000)


@lru_cache(maxsize=16)
def fetch_document(url: str) -> bytes:
    """Return what is at a URL, which the caller has checked. Raise FeedbackRefusedError."""
    try:
        with GuardedClient(_LIMITS).open(WebRequest(url)) as response:
            if response.status == HTTPStatus.OK:
                return response.read()
            why = f"status {response.status}"
    except FetchError as error:
        why = str(error)
    raise FeedbackRefusedError(f"the provider's certificate can't be fetched: {why}")


_HOST = r"https://sns\.[a-z0-9-]{1,40}\.amazonaws\.com(?:\.cn)?"
_CERTIFICATE = re.compile(rf"{_HOST}/SimpleNotificationService-[A-Za-z0-9_-]{{1,100}}\.pem")
_CONFIRMATION = re.compile(rf"{_HOST}/\?Action=ConfirmSubscription&[!-~]{{1,2000}}")
_NOTIFICATION, _CONFIRM = "Notification", "SubscriptionConfirmation"
# The fields that are signed, in order; Subject only if it is there.
_SIGNED = {
    _NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    _CONFIRM: (
        *("Message", "MessageId", "SubscribeURL"),
        *("Timestamp", "Token", "TopicArn", "Type"),
    ),
}
# Amazon's own lists: no news of the mailbox.
_LISTED = frozenset({"Suppressed", "OnAccountSuppressionList"})
_SUBTYPES = {
    "NoEmail": (BounceKind.DEAD, causes.NO_MAILBOX),
    "MailboxFull": (BounceKind.SOFT, causes.MAILBOX_FULL),
    "MessageTooLarge": (BounceKind.BLOCKED, causes.TOO_LARGE),
    "ContentRejected": (BounceKind.BLOCKED, causes.SPAM),
    "AttachmentRejected": (BounceKind.BLOCKED, causes.POLICY),
}


def read_ses_request(
    request: events.FeedbackRequest, topics: Collection[str], fetch: Callable[[str], bytes]
) -> list[ProviderEvent]:
    """Return the events, if topic and signature are right. A subscription to a topic of the settings is confirmed."""
    message = request.json()
    kind, topic, subscribe_url = events.texts_of(message, "Type", "TopicArn", "SubscribeURL")
    if topic not in topics:
        raise FeedbackRefusedError("the topic is not one of [feedback.ses] topics")
    if kind not in _SIGNED:
        return []
    _check_signature(message, kind, fetch)
    if kind == _NOTIFICATION:
        return list(_events(message))
    if not _CONFIRMATION.fullmatch(subscribe_url):
        raise FeedbackRefusedError("the address that confirms the subscription is not Amazon's")
    fetch(subscribe_url)
    return []


def _check_signature(message: Any, kind: str, fetch: Callable[[str], bytes]) -> None:
    from publisher.bounces.providers.signatures import is_signed_with_rsa

    version, url, signature = events.texts_of(
        message, "SignatureVersion", "SigningCertURL", "Signature"
    )
    if not _CERTIFICATE.fullmatch(url):
        raise FeedbackRefusedError("the certificate is not at Amazon's address")
    signed = "".join(f"{name}\n{message[name]}\n" for name in _SIGNED[kind] if name in message)
    is_valid = version in {"1", "2"} and is_signed_with_rsa(
        fetch(url), signature, signed.encode(), sha1=version == "1"
    )
    if not is_valid:
        raise FeedbackRefusedError("the signature is not valid")


def _events(message: Any) -> Iterator[ProviderEvent]:
    try:
        content = json.loads(str(message.get("Message")))
    except (ValueError, RecursionError):
        return
    (sns_id,) = events.texts_of(message, "MessageId")
    what = "".join(events.texts_of(content, "notificationType", "eventType"))
    marks = _identifiers(content)
    if what == "Bounce":
        yield from _bounces(sns_id, events.table_in(content, "bounce"), marks)
    elif what == "Complaint":
        yield from _complaints(sns_id, events.table_in(content, "complaint"), marks)


def _identifiers(content: Any) -> str:
    """Return the fields of the mail's header. Amazon replaces our Message-ID in the mail itself."""
    header = events.tables_in(events.table_in(content, "mail"), "headers")
    return "\n".join(": ".join(events.texts_of(one, "name", "value")) for one in header)


def _bounces(sns_id: str, bounce: dict[str, Any], marks: str) -> Iterator[ProviderEvent]:
    subtype, feedback_id = events.texts_of(bounce, "bounceSubType", "feedbackId")
    at = bounce.get("timestamp")
    for number, one in enumerate(events.tables_in(bounce, "bouncedRecipients")):
        address, status, words = events.texts_of(
            one, "emailAddress", "status", "diagnosticCode"
        )
        event_id = f"{base}:{number}" if (base := feedback_id or sns_id) else ""
        if subtype in _LISTED:
            yield ProviderEvent(event_id, BounceKind.UNKNOWN, address, at=events.instant_of(at))
        elif subtype in _SUBTYPES:
            kind, cause = _SUBTYPES[subtype]
            yield ProviderEvent(
                event_id, kind, address, cause.key, status, words, events.instant_of(at), marks
            )
        else:
            yield events.failure_event(
                event_id, address, status, words, at=at, identifiers=marks
            )


def _complaints(sns_id: str, complaint: dict[str, Any], marks: str) -> Iterator[ProviderEvent]:
    subtype, what, feedback_id = events.texts_of(
        complaint, "complaintSubType", "complaintFeedbackType", "feedbackId"
    )
    kind = BounceKind.NOT_SPAM if what == "not-spam" else BounceKind.COMPLAINT
    kind = BounceKind.UNKNOWN if subtype in _LISTED else kind
    at = events.instant_of(complaint.get("timestamp"))
    for number, one in enumerate(events.tables_in(complaint, "complainedRecipients")):
        (address,) = events.texts_of(one, "emailAddress")
        event_id = f"{base}:{number}" if (base := feedback_id or sns_id) else ""
        yield ProviderEvent(event_id, kind, address, at=at, identifiers=marks)
