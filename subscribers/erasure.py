"""Erase a subscriber, and recognise the address if somebody imports it again.

What stays is a keyed hash of the address. `AddressDigest` is the caller's: this package reads no secrets.
Without the key nobody can find out which address a hash belongs to, nor try addresses. The
transaction belongs to the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from subscribers.addresses import normalise_address
from subscribers.store import known_subscriber
from subscribers.tables import erased_address, subscriber

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection

AddressDigest = Callable[[str], str]
"""Returns the keyed hash of an identity (see `subscribers.addresses`), always the same."""


def erase(connection: Connection, email: str, digest: AddressDigest, now: datetime) -> None:
    """Delete a subscriber with all subscriptions and the history, and store the address's hash.

    Raise `UnknownSubscriberError` or `BadAddressError`.
    """
    person = known_subscriber(connection, email)
    connection.execute(delete(subscriber).where(subscriber.c.id == person.id))
    remember_erased(connection, person.email, digest, now)


def remember_erased(
    connection: Connection, identity: str, digest: AddressDigest, now: datetime
) -> None:
    """Store the hash of an address that is not on record any more."""
    readmit(connection, [identity], digest)
    connection.execute(insert(erased_address).values(digest=digest(identity), erased_at=now))


def erased_at(connection: Connection, email: str, digest: AddressDigest) -> datetime | None:
    """Return when the subscriber with this address was erased, or None. Raise `BadAddressError`."""
    identity = normalise_address(email).identity
    return erased_among(connection, [identity], digest).get(identity)


def erased_among(
    connection: Connection, identities: Collection[str], digest: AddressDigest
) -> dict[str, datetime]:
    """Return which of some identities (at most 30,000) were erased, and when."""
    hashes = {digest(one): one for one in identities}
    rows = connection.execute(select(erased_address).where(erased_address.c.digest.in_(hashes)))
    return {hashes[row.digest]: row.erased_at for row in rows}


def is_anybody_erased(connection: Connection) -> bool:
    """Return whether there is any hash to compare with; most lists have none."""
    return connection.execute(select(erased_address.c.digest).limit(1)).first() is not None


def readmit(connection: Connection, identities: Collection[str], digest: AddressDigest) -> None:
    """Forget that these addresses were erased: their subscribers came back."""
    hashes = [digest(one) for one in identities]
    connection.execute(delete(erased_address).where(erased_address.c.digest.in_(hashes)))
