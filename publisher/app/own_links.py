"""The links in a subscriber's mails: read the one to her preferences, and mail it when she asks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from publisher.app.subscribers import address_digest
from publisher.errors import DeliveryError
from publisher.mail.signed_links import read_link, sign_link
from publisher.notices.kinds import NoticeKind
from publisher.notices.queue import enqueue_notice
from publisher.request_limits import Limit, check_limit
from subscribers import (
    SubscriberStatus,
    find_subscriber,
    load_recipients,
    load_subscriber,
    normalise_address,
)
from subscribers.erasure import refused_among

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from publisher.config import Settings
    from publisher.mail.signed_links import LinkKind, SignedLink
    from publisher.request_limits import LimitKeys
    from subscribers import Subscriber

# Mails that one address gets because somebody asked for its links: one at a time, and a few a day.
_LINKS_LIMITS: Final = {
    "links by address": Limit(per=3, burst=1, period=timedelta(hours=1)),
    "links by address and day": Limit(per=5, burst=5, period=timedelta(days=1)),
}


def read_preferences_link(connection: Connection, secret: str, token: str) -> Subscriber | None:
    """Return whose link it is, or None if it is damaged or has ended."""
    found = read_own_link(connection, secret, "preferences", token)
    return found[1] if found else None


def read_own_link(
    connection: Connection, secret: str, kind: LinkKind, token: str
) -> tuple[SignedLink, Subscriber] | None:
    """Return what a token says and who has it, or None if it is damaged or has ended.

    Links of a record that was merged into another have ended.
    """
    try:
        link = read_link(secret, kind, token)
    except DeliveryError:
        return None
    recipients = load_recipients(connection, [link.subscriber_id])
    if not recipients or link.has_ended(recipients[0].generation):
        return None
    person = load_subscriber(connection, link.subscriber_id)
    return (link, person) if person else None


def unsubscribe_token(secret: str, link: SignedLink) -> str:
    """Return the token that unsubscribes whoever has a link, from any newsletter."""
    return sign_link(secret, "unsubscribe", link.subscriber_id, generation=link.generation)


def send_own_links(
    connection: Connection, settings: Settings, keys: LimitKeys, address: str, now: datetime
) -> None:
    """Mail a subscriber the links to her preferences. Nobody else gets anything, nor an answer.

    Raise BadAddressError for what is no address.
    """
    identity = normalise_address(address).identity
    # Counted for unknown addresses too, so that the answer takes as long.
    is_often = any(
        check_limit(connection, keys.key(name, identity), limit, now) is not None
        for name, limit in _LINKS_LIMITS.items()
    )
    refused = refused_among(connection, [identity], address_digest(settings))
    person = find_subscriber(connection, address)
    if is_often or refused or person is None or person.status is SubscriberStatus.COMPLAINED:
        return
    enqueue_notice(connection, NoticeKind.LINKS, person.id, now)
