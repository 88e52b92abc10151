"""A leaving in the history of consent: find it, and take it back on the subscriber's word.

The transaction belongs to the caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from subscribers.changes import store_change
from subscribers.consent import may_receive_mail, take_back_leaving
from subscribers.errors import RefusedTransitionError
from subscribers.history import load_numbered_events
from subscribers.interruptions import (
    LONGEST_CADENCE,
    add_interruptions,
    load_consent_times,
    of_subscriber,
)
from subscribers.model import ConsentSource, SubscriberStatus
from subscribers.store import load_subscriber

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Connection

    from subscribers.model import Subscriber, SubscriberEvent


class UndoOutcome(Enum):
    """What came of an undo."""

    UNDONE = "undone"
    # The subscriber has it all again already.
    ALREADY = "already"
    # Too late, decided differently meanwhile, complained, or erased.
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Leaving:
    """What ended at once because the subscriber left. `id` is that of its last event."""

    id: int
    events: tuple[SubscriberEvent, ...]
    # Whether a later change is about the same.
    is_past: bool

    @property
    def newsletter(self) -> str | None:
        """The newsletter that was left, None for all."""
        return self.events[0].newsletter

    @property
    def at(self) -> datetime:
        """When."""
        return self.events[0].at


def last_leaving(
    connection: Connection, subscriber_id: int, newsletter: str | None
) -> Leaving | None:
    """Return the last leaving of a newsletter, or of all (None), unless a later change is about it."""
    found = [
        one
        for one in _leavings(load_numbered_events(connection, subscriber_id))
        if one.newsletter == newsletter
    ]
    return found[-1] if found and not found[-1].is_past else None


def load_leaving(connection: Connection, subscriber_id: int, leaving_id: int) -> Leaving | None:
    """Return a leaving of a subscriber on record, or None."""
    found = _leavings(load_numbered_events(connection, subscriber_id))
    return next((one for one in found if one.id == leaving_id), None)


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
        after = take_back_leaving(person, leaving.events)
    except RefusedTransitionError:
        return UndoOutcome.ENDED
    # Storing the change makes `now` the time of the consent, before which nothing is owed.
    begun = load_consent_times(connection, person.id)
    store_change(connection, (person, after), now, ConsentSource.SUBSCRIBER, "")
    for name in {*after.newsletters} - {*person.newsletters}:
        since = max(leaving.at - LONGEST_CADENCE, begun[name])
        add_interruptions(connection, of_subscriber(person.id), name, since, now)
    return UndoOutcome.UNDONE


def _has_again(person: Subscriber, leaving: Leaving) -> bool:
    states = person.subscriptions
    ended = [one for one in leaving.events if one.newsletter and one.before]
    return may_receive_mail(person.status) and all(
        may_receive_mail(states[str(one.newsletter)]) for one in ended
    )


def _leavings(events: Sequence[tuple[int, SubscriberEvent]]) -> Iterator[Leaving]:
    """Yield each leaving. Leaving all is the record's event, then those of its subscriptions."""
    for place, (number, event) in enumerate(events):
        if not _is_leaving(event) or _belongs_to_record(events, place):
            continue
        group = [(number, event)]
        if event.newsletter is None:
            for other in events[place + 1 :]:
                if other[1].newsletter is None or other[1].at != event.at:
                    break
                group.append(other)
        last = group[-1][0]
        names = {one.newsletter for _, one in group} | {None}
        later = [one for number, one in events if number > last]
        is_past = any(one.newsletter in names or event.newsletter is None for one in later)
        yield Leaving(last, tuple(one for _, one in group), is_past)


def _is_leaving(event: SubscriberEvent) -> bool:
    is_own = event.source in {ConsentSource.SUBSCRIBER, ConsentSource.MAIL}
    return is_own and event.after is SubscriberStatus.UNSUBSCRIBED


def _belongs_to_record(events: Sequence[tuple[int, SubscriberEvent]], place: int) -> bool:
    """Return whether an event was stored with the end of the whole record."""
    at = events[place][1].at
    if events[place][1].newsletter is None:
        return False
    for _, other in reversed(events[:place]):
        if other.at != at:
            return False
        if other.newsletter is None:
            return _is_leaving(other)
    return False
