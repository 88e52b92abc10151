"""Change the consent of one subscriber, and record what changed.

`subscribers.consent` decides which changes are allowed. The transaction belongs to the caller, who
has locked the database for writing: what is read here still holds when it is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, insert, update

from subscribers.consent import close_record, leave_newsletter, reopen_record, with_choice
from subscribers.history import append_events, events_between, load_events
from subscribers.join_requests import cancel_requests
from subscribers.model import ConsentSource, Subscriber, SubscriberStatus
from subscribers.store import known_subscriber, load_subscriber
from subscribers.tables import subscriber, subscription

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from subscribers.model import SubscriberEvent

# Values of a name that is no column's: those of columns are the new ones.
_RECORD = update(subscriber).where(subscriber.c.id == bindparam("number"))
_NEW_SUBSCRIPTION = insert(subscription)
_SUBSCRIPTION = update(subscription).where(
    subscription.c.subscriber_id == bindparam("number"),
    subscription.c.newsletter == bindparam("name"),
)


def unsubscribe(
    connection: Connection,
    email: str,
    newsletter: str | None,
    now: datetime,
    *,
    source: ConsentSource = ConsentSource.SUBSCRIBER,
    note: str = "",
) -> bool:
    """Unsubscribe from one newsletter, or from all (None). Return whether anything changed.

    Doing so twice is no error. The wish is stored even for a newsletter that the subscriber does
    not get, so that no later import adds it. Raise `UnknownSubscriberError` or `BadAddressError`.
    """
    person = known_subscriber(connection, email)
    return unsubscribe_subscriber(connection, person, newsletter, now, source=source, note=note)


def unsubscribe_subscriber(
    connection: Connection,
    before: Subscriber,
    newsletter: str | None,
    now: datetime,
    *,
    source: ConsentSource = ConsentSource.SUBSCRIBER,
    note: str = "",
) -> bool:
    """Do the same for a subscriber who was read in this transaction."""
    # A request of before is no consent any more, also if there is nothing else to end.
    cancel_requests(connection, before.id, newsletter, now)
    if newsletter is None:
        after = close_record(before, SubscriberStatus.UNSUBSCRIBED, source)
    else:
        after = leave_newsletter(before, newsletter, source)
    return store_change(connection, (before, after), now, source, note)


def resubscribe(
    connection: Connection,
    email: str,
    newsletter: str | None,
    now: datetime,
    *,
    note: str = "",
) -> bool:
    """Undo an unsubscription or a bounce, on the owner's word. Return whether anything changed.

    With `newsletter`, it is subscribed; without (None), what ended with the record comes back.
    Raise `RefusedTransitionError` after a complaint and before a confirmation,
    `LostSubscriptionsError` if the history shows none, and `UnknownSubscriberError` or
    `BadAddressError`.
    """
    before = known_subscriber(connection, email)
    after = reopen_record(before, newsletter, load_events(connection, before.id))
    return store_change(connection, (before, after), now, ConsentSource.OWNER, note)


def choose_newsletters(
    connection: Connection, subscriber_id: int, wanted: Mapping[str, bool], now: datetime
) -> bool:
    """Subscribe (True) and leave (False) newsletters, as a subscriber on record chose by a mailed link.

    Return whether anything changed. Raise `RefusedTransitionError` after a complaint.
    """
    before = load_subscriber(connection, subscriber_id)
    if before is None:
        return False
    for name, is_wanted in wanted.items():
        if not is_wanted:
            cancel_requests(connection, subscriber_id, name, now)
    return store_change(
        connection, (before, with_choice(before, wanted)), now, ConsentSource.SUBSCRIBER, ""
    )


def suppress(
    connection: Connection,
    email: str,
    status: SubscriberStatus,
    now: datetime,
    *,
    note: str = "",
) -> bool:
    """Record that an address bounced for good, or that the subscriber complained.

    A complaint that nobody proves is `UNSUBSCRIBED`, which can be undone. Return whether the status
    changed; a bounce after an unsubscription changes nothing. Raise `RefusedTransitionError` for any
    status but those, and `UnknownSubscriberError` or
    `BadAddressError`.
    """
    before = known_subscriber(connection, email)
    after = close_record(before, status, ConsentSource.MAIL)
    if status is not SubscriberStatus.BOUNCED:
        cancel_requests(connection, before.id, None, now)
    return store_change(connection, (before, after), now, ConsentSource.MAIL, note)


def store_change(
    connection: Connection,
    change: tuple[Subscriber, Subscriber],
    now: datetime,
    source: ConsentSource,
    note: str = "",
) -> bool:
    """Store the consent of `after`, and an event for each difference. Return whether there is one."""
    before, after = change
    events = list(events_between(before, after, now, source, note))
    for event in events:
        if event.newsletter is not None:
            _store_subscription(connection, after.id, event)
    if events:
        values = {"number": after.id, "status": after.status, "updated_at": now}
        connection.execute(_RECORD, values)
        append_events(connection, [(after.id, event) for event in events])
    return bool(events)


def _store_subscription(
    connection: Connection, subscriber_id: int, event: SubscriberEvent
) -> None:
    values = {"status": event.after}
    if event.after is SubscriberStatus.ACTIVE:
        consent = {"source": event.source, "consented_at": event.at}
    else:
        # The source and the time of the former consent stay on record.
        consent = {}
    if event.before is None:
        key = {"subscriber_id": subscriber_id, "newsletter": event.newsletter}
        new = key | {"source": event.source} | consent | values
        connection.execute(_NEW_SUBSCRIPTION, new)
        return
    key = {"number": subscriber_id, "name": event.newsletter}
    connection.execute(_SUBSCRIPTION, key | values | consent)
