"""Write an unsubscription, or another change of one subscriber's consent, with its history; take one back.

`subscribers.consent` decides which changes are allowed. An unsubscription is found in the history
of consent, and taken back on the subscriber's word. The transaction belongs to the caller, who has
locked the database for writing: what is read here still holds when it is written.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from sqlalchemy import Connection, bindparam, insert, update

from subscribers import audiences, consent_records
from subscribers import consent as consents
from subscribers.errors import RefusedTransitionError
from subscribers.model import ConsentSource, Subscriber, SubscriberEvent, SubscriberStatus
from subscribers.pending_requests import cancel_requests
from subscribers.store import known_subscriber, load_subscriber
from subscribers.tables import subscriber, subscription

# Values of a name that is no column's: those of columns are the new ones.
_RECORD = update(subscriber).where(subscriber.c.id == bindparam("number"))
_NEW_SUBSCRIPTION = insert(subscription)
_SUBSCRIPTION = update(subscription).where(
    subscription.c.subscriber_id == bindparam("number"),
    subscription.c.newsletter == bindparam("name"),
)


def unsubscribe_subscriber(
    connection: Connection,
    before: Subscriber,
    newsletter: str | None,
    now: datetime,
    *,
    source: ConsentSource = ConsentSource.SUBSCRIBER,
    note: str = "",
) -> bool:
    """Write the row of an unsubscribe from one newsletter, or from all (None). Return whether anything changed.

    `before` was read in this transaction. Doing so twice is no error. The wish is stored even for a newsletter that she
    does not get, so that no later import adds it.
    """
    # A request of before is no consent any more, also if there is nothing else to end.
    cancel_requests(connection, before.id, newsletter, now)
    if newsletter is None:
        after = consents.close_record(before, SubscriberStatus.UNSUBSCRIBED, source)
    else:
        after = consents.leave_newsletter(before, newsletter, source)
    return store_change(connection, (before, after), now, source, note)


def resubscribe(
    connection: Connection, email: str, newsletter: str | None, now: datetime, *, note: str = ""
) -> bool:
    """Undo an unsubscription or a bounce, on the owner's word. Return whether anything changed.

    With `newsletter`, it is subscribed; without (None), what ended with the record comes back. Raise
    `RefusedTransitionError` after a complaint and before a confirmation, `LostSubscriptionsError` if the history shows
    none, and `UnknownSubscriberError` or `BadAddressError`.
    """
    before = known_subscriber(connection, email)
    after = consents.reopen_record(
        before, newsletter, consent_records.load_events(connection, before.id)
    )
    return store_change(connection, (before, after), now, ConsentSource.OWNER, note)


def choose_newsletters(
    connection: Connection, subscriber_id: int, wanted: Mapping[str, bool], now: datetime
) -> bool:
    """Subscribe (True) or leave (False); return whether anything changed. `RefusedTransitionError`: after a complaint."""
    before = load_subscriber(connection, subscriber_id)
    if before is None:
        return False
    for name, is_wanted in wanted.items():
        if not is_wanted:
            cancel_requests(connection, subscriber_id, name, now)
    return store_change(
        connection,
        (before, consents.with_choice(before, wanted)),
        now,
        ConsentSource.SUBSCRIBER,
        "",
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

    A complaint that nobody proves is `UNSUBSCRIBED`, which can be undone. Return whether the status changed; a bounce
    after an unsubscription changes nothing. Raise `RefusedTransitionError` for any status but those, and
    `UnknownSubscriberError` or `BadAddressError`.
    """
    before = known_subscriber(connection, email)
    after = consents.close_record(before, status, ConsentSource.MAIL)
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
    events = list(consent_records.events_between(before, after, now, source, note))
    for event in events:
        if event.newsletter is not None:
            _store_subscription(connection, after.id, event)
    if events:
        values = {"number": after.id, "status": after.status, "updated_at": now}
        connection.execute(_RECORD, values)
        consent_records.append_events(connection, events)
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


class UndoOutcome(Enum):
    """What came of an undo."""

    UNDONE = "undone"
    ALREADY = "already"  # the subscriber has it all again already
    ENDED = "ended"  # too late, decided differently meanwhile, complained, or erased


@dataclass(frozen=True, slots=True)
class Leaving:
    """What ended at once because the subscriber left."""

    events: tuple[SubscriberEvent, ...]
    is_past: bool  # whether a later change is about the same

    @property
    def id(self) -> int:
        return self.events[-1].id

    @property
    def newsletter(self) -> str | None:
        """The newsletter that was left, None for all."""
        return self.events[0].newsletter

    @property
    def at(self) -> datetime:
        return self.events[0].at


def last_leaving(
    connection: Connection, subscriber_id: int, newsletter: str | None
) -> Leaving | None:
    """Return the last leaving of a newsletter, or of all (None), unless a later change is about it."""
    leavings = _leavings(consent_records.load_events(connection, subscriber_id))
    last = [leaving for leaving in leavings if leaving.newsletter == newsletter][-1:]
    return last[0] if last and not last[0].is_past else None


def load_leaving(connection: Connection, subscriber_id: int, leaving_id: int) -> Leaving | None:
    leavings = _leavings(consent_records.load_events(connection, subscriber_id))
    return next((leaving for leaving in leavings if leaving.id == leaving_id), None)


def undo_leaving(
    connection: Connection,
    subscriber_id: int,
    leaving_id: int,
    now: datetime,
    *,
    within: timedelta,
) -> UndoOutcome:
    """Give a subscriber back what ended with one leaving, and owe her what she missed by it.

    It is the subscriber's own wish: only her mailbox, and the page right after leaving, have the link.
    """
    person = load_subscriber(connection, subscriber_id)
    if person is None:
        return UndoOutcome.ENDED
    leaving = load_leaving(connection, person.id, leaving_id)
    if leaving is None or now - leaving.at > within:
        return UndoOutcome.ENDED
    if _has_again(person, leaving):
        return UndoOutcome.ALREADY
    if leaving.is_past:
        return UndoOutcome.ENDED
    try:
        after = consents.take_back_leaving(person, leaving.events)
    except RefusedTransitionError:
        return UndoOutcome.ENDED
    # Storing the change makes `now` the time of the consent, before which nothing is owed.
    begun = audiences.load_consent_times(connection, person.id)
    store_change(connection, (person, after), now, ConsentSource.SUBSCRIBER, "")
    for name in {*after.newsletters} - {*person.newsletters}:
        since = max(leaving.at - audiences.LONGEST_CADENCE, begun[name])
        audiences.add_interruptions(
            connection, audiences.of_subscriber(person.id), name, since, now
        )
    return UndoOutcome.UNDONE


def _has_again(person: Subscriber, leaving: Leaving) -> bool:
    states = person.subscriptions
    ended = [event for event in leaving.events if event.newsletter and event.before]
    return consents.may_receive_mail(person.status) and all(
        consents.may_receive_mail(states[str(event.newsletter)]) for event in ended
    )


def _leavings(events: Sequence[SubscriberEvent]) -> Iterator[Leaving]:
    """Yield each leaving. Leaving all is the record's event, then those of its subscriptions."""
    for place, event in enumerate(events):
        if not _is_leaving(event) or _belongs_to_record(events, place):
            continue
        group = [event]
        if event.newsletter is None:
            for other in events[place + 1 :]:
                if other.newsletter is None or other.at != event.at:
                    break
                group.append(other)
        names = {ended.newsletter for ended in group} | {None}
        later = events[place + len(group) :]
        is_past = any(event.newsletter is None or other.newsletter in names for other in later)
        yield Leaving(tuple(group), is_past)


def _is_leaving(event: SubscriberEvent) -> bool:
    is_own = event.source in {ConsentSource.SUBSCRIBER, ConsentSource.MAIL}
    return is_own and event.after is SubscriberStatus.UNSUBSCRIBED


def _belongs_to_record(events: Sequence[SubscriberEvent], place: int) -> bool:
    """Return whether an event was stored with the end of the whole record."""
    event = events[place]
    if event.newsletter is None:
        return False
    for other in reversed(events[:place]):
        if other.at != event.at:
            return False
        if other.newsletter is None:
            return _is_leaving(other)
    return False
