"""One function for each question about a person, and for each change of her consent.

What may change is decided in `subscribers.consent`; here it is looked up and written down. The
transaction is the caller's. How an address came to be asked for (a link, a bounce, a command) is
not known here.
"""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from subscribers.addresses import normalise_address
from subscribers.consent import WITHDRAWN_STATUSES, next_status
from subscribers.errors import UnknownSubscriberError
from subscribers.model import ConsentSource, Subscriber, SubscriberStatus
from subscribers.tables import subscriber, subscription

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from sqlalchemy import Connection, Row, Select

# Rows fetched at a time where a whole list is walked through: memory stays flat.
_PAGE = 1_000


def count_subscribers_by_language(connection: Connection) -> dict[str, int]:
    """Count the active readers, whatever they subscribe to, by stored language."""
    rows = connection.execute(
        select(subscriber.c.language, func.count())
        .where(subscriber.c.status == SubscriberStatus.ACTIVE)
        .group_by(subscriber.c.language)
        .order_by(subscriber.c.language)
    )
    return dict(rows.all())


def list_subscribers(
    connection: Connection, *, limit: int | None = None
) -> Iterator[Subscriber]:
    """Walk through all readers, or the first `limit`, in the order of their ids.

    They are read a page at a time; don't write to the tables before the walk is over.
    """
    return _read(connection, select(subscriber).order_by(subscriber.c.id).limit(limit))


def find_subscriber(connection: Connection, email: str) -> Subscriber | None:
    """Return the reader with this address, in whatever spelling, or None.

    Raises `BadAddressError` for what is no address.
    """
    return find_subscribers(connection, [normalise_address(email).identity]).get(
        normalise_address(email).identity
    )


def find_subscribers(
    connection: Connection, identities: Collection[str]
) -> dict[str, Subscriber]:
    """Return those on record among `identities` (at most 30,000), by identity."""
    chosen = select(subscriber).where(subscriber.c.email.in_(identities))
    return {reader.email: reader for reader in _read(connection, chosen)}


def unsubscribe(
    connection: Connection, email: str, newsletter: str | None, now: datetime
) -> bool:
    """Write down that a reader leaves one newsletter, or all of them (None).

    Returns whether anything changed; asking twice is no error. The wish to be left alone is
    kept even for a newsletter that she does not get, so that no later import adds her.
    Raises `UnknownSubscriberError` or `BadAddressError`.
    """
    reader = _known(connection, email)
    if newsletter is None:
        return _set_status(
            connection, reader, SubscriberStatus.UNSUBSCRIBED, ConsentSource.READER, now
        )
    current = reader.subscriptions.get(newsletter)
    if current is None:
        connection.execute(
            insert(subscription).values(
                subscriber_id=reader.id,
                newsletter=newsletter,
                status=SubscriberStatus.UNSUBSCRIBED,
                source=ConsentSource.READER,
            )
        )
    elif next_status(current, SubscriberStatus.UNSUBSCRIBED, ConsentSource.READER) is current:
        return False
    else:
        _withdraw(connection, reader, newsletter)
    _touch(connection, reader, now)
    return True


def suppress(
    connection: Connection, email: str, status: SubscriberStatus, now: datetime
) -> bool:
    """Write down that mail to this address bounced for good, or that its reader complained.

    Returns whether the status changed: a bounce that arrives after the reader left is no news.
    Raises `RefusedTransitionError` for any status but those two, and `UnknownSubscriberError`
    or `BadAddressError`.
    """
    return _set_status(connection, _known(connection, email), status, ConsentSource.MAIL, now)


def _known(connection: Connection, email: str) -> Subscriber:
    reader = find_subscriber(connection, email)
    if reader is None:
        raise UnknownSubscriberError(email)
    return reader


def _set_status(
    connection: Connection,
    reader: Subscriber,
    wanted: SubscriberStatus,
    cause: ConsentSource,
    now: datetime,
) -> bool:
    status = next_status(reader.status, wanted, cause)
    withdrawn = status in WITHDRAWN_STATUSES and _withdraw(connection, reader)
    if status is reader.status and not withdrawn:
        return False
    _touch(connection, reader, now, status)
    return True


def _withdraw(
    connection: Connection, reader: Subscriber, newsletter: str | None = None
) -> bool:
    ended = (
        update(subscription)
        .where(
            subscription.c.subscriber_id == reader.id,
            subscription.c.status != SubscriberStatus.UNSUBSCRIBED,
        )
        .values(status=SubscriberStatus.UNSUBSCRIBED)
    )
    if newsletter is not None:
        ended = ended.where(subscription.c.newsletter == newsletter)
    return connection.execute(ended).rowcount > 0


def _touch(
    connection: Connection,
    reader: Subscriber,
    now: datetime,
    status: SubscriberStatus | None = None,
) -> None:
    connection.execute(
        update(subscriber)
        .where(subscriber.c.id == reader.id)
        .values(status=status or reader.status, updated_at=now)
    )


def _read(connection: Connection, chosen: Select[*tuple[Any, ...]]) -> Iterator[Subscriber]:
    readers = chosen.subquery()
    statement = (
        select(readers, subscription.c.newsletter, subscription.c.status.label("wish"))
        .outerjoin_from(readers, subscription, subscription.c.subscriber_id == readers.c.id)
        .order_by(readers.c.id)
    )
    rows = connection.execute(statement, execution_options={"yield_per": _PAGE})
    for _, group in groupby(rows, key=attrgetter("id")):
        yield _subscriber(list(group))


def _subscriber(rows: list[Row[*tuple[Any, ...]]]) -> Subscriber:
    first = rows[0]
    alone = Subscriber(
        id=first.id,
        email=first.email,
        address=first.address,
        name=first.name,
        language=first.language,
        timezone=first.timezone,
        newsletters=(),
        status=SubscriberStatus(first.status),
    )
    return alone.with_subscriptions(
        {
            row.newsletter: SubscriberStatus(row.wish)
            for row in rows
            if row.newsletter is not None
        }
    )
