"""Change a subscriber's address: asked for in a session, confirmed from the new one, undone from the old.

The pages and answers are the same whether the new address is known or not. If it is, the two records
are merged when the new mailbox confirms.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from publisher.app.join_protection import personal_address
from publisher.app.personal_tables import MOVED_TABLES
from publisher.app.subscribers import address_digest
from publisher.errors import DeliveryError
from publisher.mail.signed_links import read_link
from publisher.notices.kinds import NoticeKind
from publisher.notices.queue import cancel_notices, enqueue_notice
from publisher.request_limits import Limit, LimitKeys, check_limit
from subscribers import (
    AddressChange,
    SubscriberStatus,
    confirm_address_change,
    current_id,
    find_subscriber,
    load_address_change,
    mask_address,
    request_address_change,
    undo_address_change,
)
from subscribers.erasure import refused_among

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Literal

    from sqlalchemy import Connection

    from publisher.config import Settings
    from subscribers import Subscriber

# Mails that one subscriber can have sent to new addresses, and that one new address gets.
_ADDRESS_LIMIT: Final = Limit(per=5, burst=3, period=timedelta(days=1))


def request_new_address(
    connection: Connection,
    settings: Settings,
    secret: str,
    person: Subscriber,
    new_address: str,
    now: datetime,
) -> bool:
    """Mail the new address a link that confirms it. Return False if there were too many requests.

    An address that complained or refused all mail gets none, and the answer is the same. Raise
    BadAddressError for what is no address.
    """
    address = personal_address(settings, new_address)
    keys = LimitKeys(secret)
    for name, who in (("address of", str(person.id)), ("address to", address.identity)):
        if check_limit(connection, keys.key(name, who), _ADDRESS_LIMIT, now) is not None:
            return False
    cancel_notices(connection, person.id, [NoticeKind.CONFIRM_ADDRESS], now)
    number = request_address_change(connection, person, address.address, now)
    known = find_subscriber(connection, address.identity)
    complained = known is not None and known.status is SubscriberStatus.COMPLAINED
    refused = refused_among(connection, [address.identity], address_digest(settings))
    if address.identity != person.email and not complained and not refused:
        enqueue_notice(
            connection,
            NoticeKind.CONFIRM_ADDRESS,
            person.id,
            now,
            to=address.address,
            values={"number": number},
        )
    return True


def read_address_link(
    connection: Connection,
    secret: str,
    kind: Literal["address", "undo-address"],
    token: str,
    now: datetime,
) -> AddressChange | None:
    """Return the change that a link confirms or undoes, or None if it is damaged or long over.

    The generation is not compared: an undo must work after the change, and each change has a state.
    """
    try:
        link = read_link(secret, kind, token)
    except DeliveryError:
        return None
    change = load_address_change(connection, link.number, now)
    owner = current_id(connection, link.subscriber_id)
    return change if change and change.subscriber_id == owner else None


def confirm_new_address(
    connection: Connection, settings: Settings, change: AddressChange, now: datetime
) -> bool:
    """Give a subscriber the new address, and tell the old one how to undo it.

    Return False if there is nothing to confirm, or if she has left meanwhile.
    """
    digest = address_digest(settings)
    if not confirm_address_change(connection, change, now, moved=MOVED_TABLES, digest=digest):
        return False
    enqueue_notice(
        connection,
        NoticeKind.ADDRESS_CHANGED,
        change.subscriber_id,
        now,
        to=change.old_address,
        values={"number": change.id, "changed": mask_address(change.new_address)},
    )
    return True


def undo_new_address(
    connection: Connection, settings: Settings, change: AddressChange, now: datetime
) -> bool:
    """Give a subscriber the old address again. Return False if there is nothing to undo."""
    digest = address_digest(settings)
    return undo_address_change(connection, change, now, moved=MOVED_TABLES, digest=digest)
