"""The links in a subscriber's mails: read the one to her preferences, and mail it when she asks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from publisher.app.join_protection import exceeded_limit
from publisher.app.subscribers import address_digest
from publisher.errors import DeliveryError
from publisher.mail.signed_links import read_link, sign_link
from publisher.notices.kinds import NoticeKind
from publisher.notices.queue import enqueue_notice
from publisher.request_limits import Limit, check_limit
from subscribers import (
    JoinWish,
    SubscriberStatus,
    add_nobody,
    find_subscriber,
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

_NOTHING: Final = JoinWish(("",), "en")
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
    person = load_subscriber(connection, link.subscriber_id)
    if person is None or person.id != link.subscriber_id or link.has_ended(person.generation):
        return None
    return link, person


def unsubscribe_token(secret: str, link: SignedLink) -> str:
    """Return the token that unsubscribes whoever has a link, from any newsletter."""
    return sign_link(secret, "unsubscribe", link.subscriber_id, generation=link.generation)


def send_own_links(  # the parts of a request
    connection: Connection,
    settings: Settings,
    keys: LimitKeys,
    address: str,
    now: datetime,
    *,
    client: str = "",
) -> None:
    """Mail a subscriber the links to her preferences. Nobody else gets anything, nor an answer.

    `client` is the IP address that the request came from, empty if it came by mail. The limits of
    [joining] count, per address, domain and network, and each address is asked the same work. Raise
    BadAddressError for what is no address.
    """
    identity = normalise_address(address).identity
    # Counted for unknown addresses too, so that the answer takes as long.
    exceeded = exceeded_limit(connection, settings, "links", identity, client, now)
    is_often = bool(exceeded) or any(
        check_limit(connection, keys.key(name, identity), limit, now) is not None
        for name, limit in _LINKS_LIMITS.items()
    )
    refused = refused_among(connection, [identity], address_digest(settings))
    person = find_subscriber(connection, identity)
    _enqueue_links(connection, None if is_often or refused else person, now)


def _enqueue_links(connection: Connection, person: Subscriber | None, now: datetime) -> None:
    """Enqueue the mail to a subscriber, or to nobody, which is undone: it takes as long."""
    is_sent = person is not None and person.status is not SubscriberStatus.COMPLAINED
    savepoint = connection.begin_nested()
    number = add_nobody(connection, _NOTHING, now)
    if person is not None and is_sent:
        savepoint.rollback()
        number = person.id
    enqueue_notice(connection, NoticeKind.LINKS, number, now)
    if savepoint.is_active:
        savepoint.rollback()
