"""Store the events of a provider's webhook. The transaction belongs to the caller."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from publisher.bounces.attribution import attribute_report
from publisher.bounces.intake import MAX_DIAGNOSTIC_STORED, bounded_instant, receive_event
from publisher.bounces.model import BounceEvent, Evidence
from publisher.bounces.providers.events import (
    MAX_SIGNATURE_AGE,
    FeedbackRefusedError,
    ProviderEvent,
)
from publisher.delivery.transports.smtp.redact import redact_reply
from publisher.request_limits import Limit, LimitKeys, check_limit

# A token is remembered for longer than its time stamp is accepted.
_ONCE: Final = Limit(per=1, burst=1, period=2 * MAX_SIGNATURE_AGE + timedelta(minutes=1))


@dataclass(frozen=True, slots=True)
class FeedbackReceipt:
    """How many events came in, and how many of them were not stored before."""

    events: int
    new: int


def receive_feedback(
    connection: Connection,
    secret: str,
    provider: str,
    events: Iterable[ProviderEvent],
    now: datetime,
) -> FeedbackReceipt:
    """Store events, each once, and act on them.

    Raise FeedbackRefusedError if a token was used before; then nothing is stored.
    """
    found = list(events)
    for token in {one.once for one in found if one.once}:
        key = LimitKeys(secret).key(f"feedback {provider}", token)
        if check_limit(connection, key, _ONCE, now) is not None:
            raise FeedbackRefusedError("the token was used before")
    new = sum(_receive(connection, secret, provider, one, now) for one in found)
    return FeedbackReceipt(len(found), new)


def _content_id(secret: str, event: ProviderEvent) -> str:
    """Return an id for an event that has none: the keyed hash of all that the provider reports.

    The token of the request does not count: the same event that is sent again has another.
    """
    said = astuple(replace(event, once=""))
    return "content:" + hmac.digest(secret.encode(), repr(said).encode(), "sha256").hex()


def _receive(
    connection: Connection, secret: str, provider: str, event: ProviderEvent, now: datetime
) -> bool:
    addresses = [event.recipient] if event.recipient else []
    found = attribute_report(connection, secret, event.identifiers, addresses)
    if found is not None and found.evidence is Evidence.ADDRESS:
        # The provider knows to whom it sent, and has proved to be the provider.
        found = replace(found, evidence=Evidence.PROVIDER)
    stored = BounceEvent(
        source=provider,
        source_id=event.id or _content_id(secret, event),
        kind=event.kind,
        at=bounded_instant(event.at, now),
        received_at=now,
        cause=event.cause,
        status=event.status,
        diagnostic=redact_reply(event.words, event.recipient, MAX_DIAGNOSTIC_STORED),
    )
    return receive_event(connection, stored, found, now).is_new
