"""Erase a subscriber, and recognise the address if somebody imports it again.

What stays is a keyed hash of the address. `AddressDigest` is the caller's: this package reads no secrets.
Without the key nobody can find out which address a hash belongs to, nor try addresses. The
transaction belongs to the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, insert, select

from subscribers.addresses import normalise_address
from subscribers.store import known_subscriber
from subscribers.tables import erased_address, subscriber

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

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

    Raise `UnknownSubscriberError` or
    `BadAddressError`.
    """
    person = known_subscriber(connection, email)
    connection.execute(delete(subscriber).where(subscriber.c.id == person.id))
    remember_erased(connection, person.email, digest, now)


def remember_erased(
    connection: Connection,
    identity: str,
    digest: AddressDigest,
    now: datetime,
    why: ErasureReason = ErasureReason.ERASED,
) -> None:
    """Store the hash of an address that is not on record any more.

    An address that refused all mail refuses it until it is readmitted.
    """
    if identity in refused_among(connection, [identity], digest):
        why = ErasureReason.REFUSED
    readmit(connection, [identity], digest)
    row = {"digest": digest(identity), "erased_at": now, "reason_key": why}
    connection.execute(insert(erased_address).values(row))


def erased_at(connection: Connection, email: str, digest: AddressDigest) -> datetime | None:
    """Return when the subscriber with this address was erased, or None. Raise `BadAddressError`."""
    identity = normalise_address(email).identity
    found = erased_among(connection, [identity], digest).get(identity)
    return found.erased_at if found else None


def erased_among(
    connection: Connection, identities: Collection[str], digest: AddressDigest
) -> dict[str, ErasedAddress]:
    """Return which of some identities (at most 30,000) were erased, when and why."""
    hashes = {digest(one): one for one in identities}
    rows = connection.execute(select(erased_address).where(erased_address.c.digest.in_(hashes)))
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
    return connection.execute(select(erased_address.c.digest).limit(1)).first() is not None


def readmit(connection: Connection, identities: Collection[str], digest: AddressDigest) -> None:
    """Forget that these addresses were erased: their subscribers came back."""
    hashes = [digest(one) for one in identities]
    connection.execute(delete(erased_address).where(erased_address.c.digest.in_(hashes)))
