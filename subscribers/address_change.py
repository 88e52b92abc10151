"""Change a subscriber's address, and merge two records of one person.

A change is requested, confirmed from the new address, undone from the old one. If the new address belongs to another
record, it is the same person's, and the two are merged when the new mailbox confirms. A former address is kept for
seven days; then only its keyed hash is, so that no import adds it again.

Merged subscriptions are united, and the stronger refusal is kept. The record that stays keeps its
preferences, and gets the history of the other, whose row is deleted. Its id stays on record as an
alias, since ledger rows and old links have it. The transaction belongs to the caller.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, Table, delete, insert, select, update

from subscribers import store
from subscribers.addresses import normalise_address
from subscribers.changes import store_change
from subscribers.consent import WITHDRAWN_STATUSES, merged_record
from subscribers.model import ConsentSource, Subscriber, SubscriberStatus
from subscribers.pending_requests import cancel_requests, end_access
from subscribers.tables import (
    address_change,
    insert_row,
    subscriber,
    subscriber_alias,
    subscription,
)


def merge_subscribers(
    connection: Connection,
    records: tuple[Subscriber, Subscriber],
    moved: Collection[Table],
    now: datetime,
    source: ConsentSource = ConsentSource.SUBSCRIBER,
) -> Subscriber:
    """Merge the first of two records into the second, and return the result.

    The rows of `moved`, tables with a column `subscriber_id`, are moved to the second. All other
    rows of the first end with it.
    """
    former, kept = records
    is_confirmed = source is ConsentSource.SUBSCRIBER
    after = merged_record(kept, former, is_confirmed=is_confirmed)
    for table in moved:
        connection.execute(
            update(table)
            .where(table.c.subscriber_id == former.id)
            .values(subscriber_id=kept.id)
        )
    others = former.subscriptions.keys() - kept.subscriptions.keys()
    connection.execute(
        update(subscription)
        .where(subscription.c.subscriber_id == former.id, subscription.c.newsletter.in_(others))
        .values(subscriber_id=kept.id)
    )
    _record_alias(connection, former.id, kept.id, now)
    connection.execute(delete(subscriber).where(subscriber.c.id == former.id))
    united = kept.with_subscriptions(former.subscriptions | kept.subscriptions)
    store_change(
        connection, (united, after), now, source, f"merged with subscriber {former.id}"
    )
    return after


def _record_alias(connection: Connection, former: int, kept: int, now: datetime) -> None:
    earlier = subscriber_alias.c.subscriber_id == former
    connection.execute(update(subscriber_alias).where(earlier).values(subscriber_id=kept))
    connection.execute(
        insert(subscriber_alias).values(former_id=former, subscriber_id=kept, merged_at=now)
    )


_CONFIRM_WITHIN = timedelta(hours=72)
_UNDO_WITHIN = timedelta(days=7)


class AddressChangeState(StrEnum):
    """What a link about a change of address finds."""

    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    UNDONE = "undone"
    ENDED = "ended"  # too old, replaced by another, or the subscriber has left


@dataclass(frozen=True, slots=True)
class AddressChange:
    """A change of address on record. `subscriber_id` is that of the record which has it now."""

    id: int
    subscriber_id: int
    old_address: str
    new_address: str
    state: AddressChangeState


def request_address_change(
    connection: Connection, person: Subscriber, new_address: str, now: datetime
) -> int:
    """Store a request, in place of earlier ones that wait. Return its id. Raise `BadAddressError`."""
    address = normalise_address(new_address).address
    _forget_waiting(connection, person.id)
    forget_old_changes(connection, now)
    return insert_row(
        connection,
        address_change,
        subscriber_id=person.id,
        old_address=person.address,
        new_address=address,
        requested_at=now,
        expires_at=now + _CONFIRM_WITHIN,
    )


def load_address_change(
    connection: Connection, number: int, now: datetime
) -> AddressChange | None:
    """Return a change by its id, or None if it was replaced or has ended long ago."""
    row = connection.execute(
        select(address_change).where(address_change.c.id == number)
    ).one_or_none()
    if row is None:
        return None
    if row.undone_at:
        state = AddressChangeState.UNDONE
    elif row.confirmed_at:
        is_recent = now < row.confirmed_at + _UNDO_WITHIN
        state = AddressChangeState.CONFIRMED if is_recent else AddressChangeState.ENDED
    else:
        is_recent = now < row.expires_at
        state = AddressChangeState.REQUESTED if is_recent else AddressChangeState.ENDED
    return AddressChange(row.id, row.subscriber_id, row.old_address, row.new_address, state)


def confirm_address_change(
    connection: Connection,
    change: AddressChange,
    now: datetime,
    *,
    moved: Collection[Table],
    digest: store.AddressDigest,
) -> bool:
    """Give the subscriber the new address, and end all links but those that unsubscribe.

    Return False, and change nothing, if the change does not wait or if the subscriber has left.
    `moved` is as in `merge_subscribers`.
    """
    person = store.load_subscriber(connection, change.subscriber_id)
    waits = change.state is AddressChangeState.REQUESTED
    if person is None or not waits or person.status in WITHDRAWN_STATUSES:
        return False
    row = address_change.c.id == change.id
    connection.execute(update(address_change).where(row).values(confirmed_at=now))
    _forget_waiting(connection, person.id)
    _move(connection, person, change.new_address, now, moved, digest)
    return True


def undo_address_change(
    connection: Connection,
    change: AddressChange,
    now: datetime,
    *,
    moved: Collection[Table],
    digest: store.AddressDigest,
) -> bool:
    """Undo a change and those that came later. Return False, and change nothing, if there is nothing to undo."""
    person = store.load_subscriber(connection, change.subscriber_id)
    if person is None or change.state is not AddressChangeState.CONFIRMED:
        return False
    later = (address_change.c.subscriber_id == person.id) & (address_change.c.id >= change.id)
    connection.execute(update(address_change).where(later).values(undone_at=now))
    _forget_waiting(connection, person.id)
    _move(connection, person, change.old_address, now, moved, digest)
    return True


def forget_old_changes(connection: Connection, now: datetime) -> None:
    """Delete changes that can be neither confirmed nor undone any more, with their addresses."""
    confirmed = address_change.c.confirmed_at
    is_over = (confirmed <= now - _UNDO_WITHIN) | (
        confirmed.is_(None) & (address_change.c.expires_at <= now)
    )
    connection.execute(delete(address_change).where(is_over))


def _forget_waiting(connection: Connection, subscriber_id: int) -> None:
    connection.execute(
        delete(address_change).where(
            address_change.c.subscriber_id == subscriber_id,
            address_change.c.confirmed_at.is_(None),
            address_change.c.undone_at.is_(None),
        )
    )


def _move(
    connection: Connection,
    person: Subscriber,
    new_address: str,
    now: datetime,
    moved: Collection[Table],
    digest: store.AddressDigest,
) -> None:
    address = normalise_address(new_address)
    # Their mails went to the other mailbox.
    cancel_requests(connection, person.id, None, now)
    other = store.find_subscriber(connection, address.identity)
    if other is not None and other.id != person.id:
        person = merge_subscribers(connection, (other, person), moved, now)
    elif person.status is SubscriberStatus.BOUNCED:
        # The mailbox that bounced is not the one that opened the link.
        opened = replace(person, status=SubscriberStatus.ACTIVE)
        store_change(connection, (person, opened), now, ConsentSource.SUBSCRIBER)
    connection.execute(
        update(subscriber)
        .where(subscriber.c.id == person.id)
        .values(
            email=address.identity,
            address=address.address,
            generation=subscriber.c.generation + 1,
            updated_at=now,
        )
    )
    end_access(connection, person.id)
    store.readmit(connection, [address.identity], digest)
    if person.email != address.identity:
        store.remember_erased(connection, person.email, digest, now)
