"""Find, list, count and erase subscribers, and rename the newsletters that they have.

`subscribers.changes` changes their consent. What stays of an erased subscriber is a keyed hash of the address, by which
it is recognised if somebody imports it again. `AddressDigest` is the caller's: this package reads no secrets. Without
the key nobody can find out which address a hash belongs to, nor try addresses.

What is stored under a newsletter's former name moves to its present one; `name` may also be the key
of a digest. Proof of consent stays as it was given. The transaction belongs to the caller.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from subscribers.addresses import normalise_address
from subscribers.errors import UnknownSubscriberError
from subscribers.model import Subscriber, SubscriberStatus
from subscribers.tables import (
    erased_address,
    interruption,
    join_request,
    newsletter_alias,
    preference,
    subscriber,
    subscriber_alias,
    subscriber_event,
    subscription,
)

_PAGE = 1_000  # rows fetched at a time when the whole list is read, so that memory stays flat

# Statements that pages run are made once: making one takes longer than running it.
_NUMBER = sa.bindparam("number", type_=sa.Integer)
_COLUMNS = (
    *("id", "email", "address", "name", "language", "timezone", "status"),
    *("generation", "feed_generation", "fields"),
)
_WITH_SUBSCRIPTIONS = sa.select(
    *subscriber.c[_COLUMNS], subscription.c.newsletter, subscription.c.status.label("state")
).outerjoin_from(subscriber, subscription, subscription.c.subscriber_id == subscriber.c.id)
_MERGED_INTO = sa.select(subscriber_alias.c.subscriber_id).where(
    subscriber_alias.c.former_id == _NUMBER
)
_BY_ID = _WITH_SUBSCRIPTIONS.where(
    subscriber.c.id == sa.func.coalesce(_MERGED_INTO.scalar_subquery(), _NUMBER)
)
_BY_EMAIL = _WITH_SUBSCRIPTIONS.where(
    subscriber.c.email.in_(sa.bindparam("identities", expanding=True))
).order_by(subscriber.c.id)


def count_all_subscribers(connection: Connection) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(subscriber)).scalar_one()


def count_subscribers_by_languages(connection: Connection) -> dict[tuple[str, ...], int]:
    """Return the number of active subscribers by all their languages, each one's best first."""
    more = sa.cast(preference.c.more_languages, sa.Text)
    rows = connection.execute(
        sa.select(subscriber.c.language, more, sa.func.count())
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
    """Yield all or `limit` subscribers by id, fetched by pages: don't write to the tables meanwhile."""
    return _read(connection, sa.select(subscriber).order_by(subscriber.c.id).limit(limit))


def search_subscribers(connection: Connection, text: str, limit: int) -> list[Subscriber]:
    """Return the subscribers whose addresses begin with a text, in any letter case, by address."""
    chosen = (
        sa.select(subscriber)
        .where(subscriber.c.email.startswith(text.lower(), autoescape=True))
        .order_by(subscriber.c.email)
        .limit(limit)
    )
    return sorted(_read(connection, chosen), key=attrgetter("email"))


def find_subscriber(connection: Connection, email: str) -> Subscriber | None:
    """Return the subscriber of an address in any spelling, or None. Raise `BadAddressError` for an invalid one."""
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
    merged_into = connection.execute(
        _MERGED_INTO, {"number": subscriber_id}
    ).scalar_one_or_none()
    return subscriber_id if merged_into is None else merged_into


def find_subscribers(
    connection: Connection, identities: Collection[str]
) -> dict[str, Subscriber]:
    """Return the subscribers among `identities` (at most 30,000), by identity."""
    rows = connection.execute(_BY_EMAIL, {"identities": list(identities)}).all()
    people = (_subscriber(list(group)) for _, group in groupby(rows, key=attrgetter("id")))
    return {person.email: person for person in people}


def _read(connection: Connection, chosen: sa.Select[*tuple[Any, ...]]) -> Iterator[Subscriber]:
    people = chosen.subquery()
    statement = (
        sa.select(people, subscription.c.newsletter, subscription.c.status.label("state"))
        .outerjoin_from(people, subscription, subscription.c.subscriber_id == people.c.id)
        .order_by(people.c.id)
    )
    rows = connection.execute(statement, execution_options={"yield_per": _PAGE})
    for _, group in groupby(rows, key=attrgetter("id")):
        yield _subscriber(list(group))


def _subscriber(rows: Sequence[sa.Row[*tuple[Any, ...]]]) -> Subscriber:
    first = rows[0]
    values = {name: getattr(first, name) for name in _COLUMNS}
    values |= {"newsletters": (), "status": SubscriberStatus(first.status)}
    values["fields"] = first.fields or {}
    without = Subscriber(**values)
    return without.with_subscriptions(
        {
            row.newsletter: SubscriberStatus(row.state)
            for row in rows
            if row.newsletter is not None
        }
    )


_PRESENT_NAME = sa.select(newsletter_alias.c.name).where(
    newsletter_alias.c.former == sa.bindparam("name")
)
_WANTED = (SubscriberStatus.ACTIVE, SubscriberStatus.PENDING)


def count_subscriptions(connection: Connection) -> dict[str, int]:
    """Return how many want each newsletter, by its name; without those who have left it."""
    table = subscription.c
    query = sa.select(table.newsletter, sa.func.count()).where(table.status.in_(_WANTED))
    rows = connection.execute(query.group_by(table.newsletter)).all()
    return {row[0]: row[1] for row in rows}


def rename_newsletter(connection: Connection, former: str, name: str) -> None:
    """Move subscriptions, their history and requests. Who has both names keeps the present one's."""
    present = sa.select(subscription.c.subscriber_id).where(subscription.c.newsletter == name)
    connection.execute(
        sa.delete(subscription).where(
            subscription.c.newsletter == former, subscription.c.subscriber_id.in_(present)
        )
    )
    for table in (subscription, subscriber_event, interruption):
        connection.execute(
            sa.update(table).where(table.c.newsletter == former).values(newsletter=name)
        )
    _rename_in_requests(connection, former, name)
    _store_alias(connection, former, name)


def present_newsletter(connection: Connection, name: str) -> str:
    """Return the present name of a newsletter that was renamed; any other name as it is."""
    return connection.execute(_PRESENT_NAME, {"name": name}).scalar() or name


def _store_alias(connection: Connection, former: str, name: str) -> None:
    table = newsletter_alias
    # A name that is in use again is nobody's former one.
    connection.execute(sa.delete(table).where(table.c.former.in_([former, name])))
    connection.execute(sa.update(table).where(table.c.name == former).values(name=name))
    connection.execute(sa.insert(table).values(former=former, name=name))


def _rename_in_requests(connection: Connection, former: str, name: str) -> None:
    open_requests = sa.select(join_request.c.id, join_request.c.newsletters).where(
        join_request.c.confirmed_at.is_(None), join_request.c.cancelled_at.is_(None)
    )
    for number, names in connection.execute(open_requests).all():
        if former in names:
            renamed = dict.fromkeys(name if asked == former else asked for asked in names)
            request = join_request.c.id == number
            connection.execute(
                sa.update(join_request).where(request).values(newsletters=[*renamed])
            )


AddressDigest = Callable[[str], str]
"""Returns the keyed hash of an identity (see `subscribers.addresses`), always the same."""


class ErasureReason(StrEnum):
    """Why an address was erased: the subscriber wished it, or never asked for mail and refuses all."""

    ERASED = "erased"
    REFUSED = "refused"


class ErasedAddress(NamedTuple):
    """When an address was erased, and why."""

    erased_at: datetime
    why: ErasureReason


def erase(connection: Connection, email: str, digest: AddressDigest, now: datetime) -> None:
    """Delete a subscriber with all subscriptions and the history, and store the address's hash.

    Raise `UnknownSubscriberError` or `BadAddressError`.
    """
    person = known_subscriber(connection, email)
    connection.execute(sa.delete(subscriber).where(subscriber.c.id == person.id))
    remember_erased(connection, person.email, digest, now)


def remember_erased(
    connection: Connection,
    identity: str,
    digest: AddressDigest,
    now: datetime,
    why: ErasureReason = ErasureReason.ERASED,
) -> None:
    """Store the hash of an address no longer on record. One that refused all mail refuses it until it is readmitted."""
    if identity in refused_among(connection, [identity], digest):
        why = ErasureReason.REFUSED
    readmit(connection, [identity], digest)
    row = {"digest": digest(identity), "erased_at": now, "reason_key": why}
    connection.execute(sa.insert(erased_address).values(row))


def erased_at(connection: Connection, email: str, digest: AddressDigest) -> datetime | None:
    """Return when the subscriber with this address was erased, or None. Raise `BadAddressError`."""
    identity = normalise_address(email).identity
    erased = erased_among(connection, [identity], digest).get(identity)
    return erased.erased_at if erased else None


def erased_among(
    connection: Connection, identities: Collection[str], digest: AddressDigest
) -> dict[str, ErasedAddress]:
    """Return which of some identities (at most 30,000) were erased, when and why."""
    hashes = {digest(identity): identity for identity in identities}
    rows = connection.execute(
        sa.select(erased_address).where(erased_address.c.digest.in_(hashes))
    )
    return {
        hashes[row.digest]: ErasedAddress(row.erased_at, ErasureReason(row.reason_key))
        for row in rows
    }


def refused_among(
    connection: Connection, identities: Collection[str], digest: AddressDigest
) -> frozenset[str]:
    """Return which of some identities asked never to be written to."""
    found = erased_among(connection, identities, digest)
    return frozenset(
        identity for identity, one in found.items() if one.why is ErasureReason.REFUSED
    )


def is_anybody_erased(connection: Connection) -> bool:
    """Return whether there is any hash to compare with; most lists have none."""
    return connection.execute(sa.select(erased_address.c.digest).limit(1)).first() is not None


def readmit(connection: Connection, identities: Collection[str], digest: AddressDigest) -> None:
    """Forget that these addresses were erased: their subscribers came back."""
    hashes = [digest(identity) for identity in identities]
    connection.execute(sa.delete(erased_address).where(erased_address.c.digest.in_(hashes)))
