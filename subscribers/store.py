"""Find, list and count subscribers. `subscribers.changes` changes their consent."""

from __future__ import annotations

import json
from collections import Counter
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, Text, bindparam, cast, func, select

from subscribers.addresses import normalise_address
from subscribers.errors import UnknownSubscriberError
from subscribers.model import Subscriber, SubscriberStatus
from subscribers.tables import preference, subscriber, subscriber_alias, subscription

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sqlalchemy import Connection, Row, Select

# Rows fetched at a time when the whole list is read, so that memory stays flat.
_PAGE = 1_000

# Statements that pages run are made once: making one takes longer than running it.
_NUMBER = bindparam("number", type_=Integer)
_WITH_SUBSCRIPTIONS = select(
    *subscriber.c["id", "email", "address", "name", "language", "timezone", "status"],
    *subscriber.c["generation", "feed_generation"],
    subscription.c.newsletter,
    subscription.c.status.label("state"),
).outerjoin_from(subscriber, subscription, subscription.c.subscriber_id == subscriber.c.id)
_MERGED_INTO = select(subscriber_alias.c.subscriber_id).where(
    subscriber_alias.c.former_id == _NUMBER
)
_BY_ID = _WITH_SUBSCRIPTIONS.where(
    subscriber.c.id == func.coalesce(_MERGED_INTO.scalar_subquery(), _NUMBER)
)
_BY_EMAIL = _WITH_SUBSCRIPTIONS.where(
    subscriber.c.email.in_(bindparam("identities", expanding=True))
).order_by(subscriber.c.id)


def count_all_subscribers(connection: Connection) -> int:
    """Return the number of subscribers, whatever became of them."""
    return connection.execute(select(func.count()).select_from(subscriber)).scalar_one()


def count_subscribers_by_language(connection: Connection) -> dict[str, int]:
    """Return the number of active subscribers, of any newsletter or none, by stored language."""
    rows = connection.execute(
        select(subscriber.c.language, func.count())
        .where(subscriber.c.status == SubscriberStatus.ACTIVE)
        .group_by(subscriber.c.language)
        .order_by(subscriber.c.language)
    )
    return dict(rows.all())


def count_subscribers_by_languages(connection: Connection) -> dict[tuple[str, ...], int]:
    """Return the number of active subscribers by all their languages, each one's best first."""
    more = cast(preference.c.more_languages, Text)
    rows = connection.execute(
        select(subscriber.c.language, more, func.count())
        .select_from(subscriber.outerjoin(preference))
        .where(subscriber.c.status == SubscriberStatus.ACTIVE)
        .group_by(subscriber.c.language, more)
        .order_by(subscriber.c.language, more)
    )
    counts: Counter[tuple[str, ...]] = Counter()
    for language, others, count in rows:
        counts[language, *json.loads(others or "[]")] += count
    return counts


def list_subscribers(
    connection: Connection, *, limit: int | None = None
) -> Iterator[Subscriber]:
    """Yield all subscribers, or the first `limit`, in the order of their ids.

    Rows are fetched a page at a time: don't write to the tables while iterating.
    """
    return _read(connection, select(subscriber).order_by(subscriber.c.id).limit(limit))


def search_subscribers(connection: Connection, text: str, limit: int) -> list[Subscriber]:
    """Return the subscribers whose addresses begin with a text, in any letter case, by address."""
    chosen = (
        select(subscriber)
        .where(subscriber.c.email.startswith(text.lower(), autoescape=True))
        .order_by(subscriber.c.email)
        .limit(limit)
    )
    return sorted(_read(connection, chosen), key=attrgetter("email"))


def find_subscriber(connection: Connection, email: str) -> Subscriber | None:
    """Return the subscriber with this address, in any spelling, or None.

    Raise `BadAddressError` for an invalid address.
    """
    identity = normalise_address(email).identity
    return find_subscribers(connection, [identity]).get(identity)


def known_subscriber(connection: Connection, email: str) -> Subscriber:
    """Return the subscriber with this address. Raise `UnknownSubscriberError` or `BadAddressError`."""
    person = find_subscriber(connection, email)
    if person is None:
        raise UnknownSubscriberError(email)
    return person


def load_subscriber(connection: Connection, subscriber_id: int) -> Subscriber | None:
    """Return the subscriber with this id, or the one into whom it was merged, or None."""
    rows = connection.execute(_BY_ID, {"number": subscriber_id}).all()
    return _subscriber(rows) if rows else None


def current_id(connection: Connection, subscriber_id: int) -> int:
    """Return the id of the subscriber into whom this one was merged, else the same id."""
    found = connection.execute(_MERGED_INTO, {"number": subscriber_id}).scalar_one_or_none()
    return subscriber_id if found is None else found


def find_subscribers(
    connection: Connection, identities: Collection[str]
) -> dict[str, Subscriber]:
    """Return the subscribers among `identities` (at most 30,000), by identity."""
    rows = connection.execute(_BY_EMAIL, {"identities": list(identities)}).all()
    found = (_subscriber(list(group)) for _, group in groupby(rows, key=attrgetter("id")))
    return {person.email: person for person in found}


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


def _subscriber(rows: Sequence[Row[*tuple[Any, ...]]]) -> Subscriber:
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
        generation=first.generation,
        feed_generation=first.feed_generation,
    )
    return without.with_subscriptions(
        {
            row.newsletter: SubscriberStatus(row.state)
            for row in rows
            if row.newsletter is not None
        }
    )
