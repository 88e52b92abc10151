"""Find, list and count subscribers, and change their consent.

`subscribers.consent` decides which changes are allowed. The transaction belongs to the caller.
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

# Rows fetched at a time when the whole list is read, so that memory stays flat.
_PAGE = 1_000


def count_subscribers_by_language(connection: Connection) -> dict[str, int]:
    """Return the number of active subscribers, of any newsletter or none, by stored language."""
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
    """Yield all subscribers, or the first `limit`, in the order of their ids.

    Rows are fetched a page at a time: don't write to the tables while iterating.
    """
    return _read(connection, select(subscriber).order_by(subscriber.c.id).limit(limit))


def find_subscriber(connection: Connection, email: str) -> Subscriber | None:
    """Return the subscriber with this address, in any spelling, or None.

    Raise `BadAddressError` for an invalid address.
    """
    return find_subscribers(connection, [normalise_address(email).identity]).get(
        normalise_address(email).identity
    )


def find_subscribers(
    connection: Connection, identities: Collection[str]
) -> dict[str, Subscriber]:
    """Return the subscribers among `identities` (at most 30,000), by identity."""
    chosen = select(subscriber).where(subscriber.c.email.in_(identities))
    return {person.email: person for person in _read(connection, chosen)}


def unsubscribe(
    connection: Connection, email: str, newsletter: str | None, now: datetime
) -> bool:
    """Unsubscribe from one newsletter, or from all (None). Return whether anything changed.

    Doing so twice is no error. The wish is stored even for a newsletter that the subscriber does
    not get, so that no later import adds it. Raise `UnknownSubscriberError` or `BadAddressError`.
    """
    person = _known(connection, email)
    if newsletter is None:
        return _set_status(
            connection, person, SubscriberStatus.UNSUBSCRIBED, ConsentSource.SUBSCRIBER, now
        )
    current = person.subscriptions.get(newsletter)
    if current is None:
        connection.execute(
            insert(subscription).values(
                subscriber_id=person.id,
                newsletter=newsletter,
                status=SubscriberStatus.UNSUBSCRIBED,
                source=ConsentSource.SUBSCRIBER,
            )
        )
    elif (
        next_status(current, SubscriberStatus.UNSUBSCRIBED, ConsentSource.SUBSCRIBER) is current
    ):
        return False
    else:
        _withdraw(connection, person, newsletter)
    _touch(connection, person, now)
    return True


def suppress(
    connection: Connection, email: str, status: SubscriberStatus, now: datetime
) -> bool:
    """Record that an address bounced for good, or that the subscriber complained.

    Return whether the status changed; a bounce after an unsubscription changes nothing. Raise
    `RefusedTransitionError` for any status but those two, and `UnknownSubscriberError` or
    `BadAddressError`.
    """
    return _set_status(connection, _known(connection, email), status, ConsentSource.MAIL, now)


def _known(connection: Connection, email: str) -> Subscriber:
    person = find_subscriber(connection, email)
    if person is None:
        raise UnknownSubscriberError(email)
    return person


def _set_status(
    connection: Connection,
    person: Subscriber,
    wanted: SubscriberStatus,
    source: ConsentSource,
    now: datetime,
) -> bool:
    status = next_status(person.status, wanted, source)
    withdrawn = status in WITHDRAWN_STATUSES and _withdraw(connection, person)
    if status is person.status and not withdrawn:
        return False
    _touch(connection, person, now, status)
    return True


def _withdraw(
    connection: Connection, person: Subscriber, newsletter: str | None = None
) -> bool:
    ended = (
        update(subscription)
        .where(
            subscription.c.subscriber_id == person.id,
            subscription.c.status != SubscriberStatus.UNSUBSCRIBED,
        )
        .values(status=SubscriberStatus.UNSUBSCRIBED)
    )
    if newsletter is not None:
        ended = ended.where(subscription.c.newsletter == newsletter)
    return connection.execute(ended).rowcount > 0


def _touch(
    connection: Connection,
    person: Subscriber,
    now: datetime,
    status: SubscriberStatus | None = None,
) -> None:
    connection.execute(
        update(subscriber)
        .where(subscriber.c.id == person.id)
        .values(status=status or person.status, updated_at=now)
    )


def _read(connection: Connection, chosen: Select[*tuple[Any, ...]]) -> Iterator[Subscriber]:
    people = chosen.subquery()
    statement = (
        select(people, subscription.c.newsletter, subscription.c.status.label("state"))
        .outerjoin_from(people, subscription, subscription.c.subscriber_id == people.c.id)
        .order_by(people.c.id)
    )
    rows = connection.execute(statement, execution_options={"yield_per": _PAGE})
    for _, group in groupby(rows, key=attrgetter("id")):
        yield _subscriber(list(group))


def _subscriber(rows: list[Row[*tuple[Any, ...]]]) -> Subscriber:
    first = rows[0]
    without = Subscriber(
        id=first.id,
        email=first.email,
        address=first.address,
        name=first.name,
        language=first.language,
        timezone=first.timezone,
        newsletters=(),
        status=SubscriberStatus(first.status),
    )
    return without.with_subscriptions(
        {
            row.newsletter: SubscriberStatus(row.state)
            for row in rows
            if row.newsletter is not None
        }
    )
