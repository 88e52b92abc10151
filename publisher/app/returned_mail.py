"""What is known of a subscriber's returned mail, and how a bounce and forged mail are undone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from publisher.app.editing_state import record_by_owner
from publisher.app.subscribers import (
    ConsentChange,
    SubscriberRecord,
    find_record,
    resubscribe_person,
)
from publisher.bounces import store
from publisher.bounces.intake import score_of
from publisher.bounces.model import BounceEvent
from publisher.bounces.scoring import BounceScore
from publisher.errors import ConsentError, UsageError
from publisher.notices.kinds import NoticeKind
from publisher.notices.queue import cancel_notices
from subscribers import (
    ConsentSource,
    SubscriberStatus,
    known_subscriber,
    load_subscriber,
    resubscribe,
)
from subscribers.history import load_events, load_leavings_since

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from publisher.config import Settings
    from publisher.database import Database
    from subscribers import Subscriber, SubscriberEvent

# What callers import, with the values of other packages that they get.
__all__ = [
    "BounceEvent",
    "ReturnedMail",
    "read_returned_mail",
    "revive_address",
    "undo_left_by_mail",
]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ReturnedMail:
    """A subscriber's events, the oldest first, and what they add up to."""

    events: tuple[BounceEvent, ...]
    score: BounceScore


def read_returned_mail(
    database: Database, record: SubscriberRecord, now: datetime
) -> ReturnedMail:
    """Return what is known of the mail that a subscriber did not get, or complained about."""
    subscriber_id = record.subscriber.id
    with database.reading() as connection:
        events = store.events_of(connection, subscriber_id)
        return ReturnedMail(tuple(events), score_of(connection, subscriber_id, events, now))


def revive_address(
    settings: Settings, database: Database, address: str, now: datetime, *, note: str = ""
) -> ConsentChange:
    """Write again to an address that bounced. Doing so twice is no error.

    Earlier events do not count any more. Raise ConsentError for somebody who left or complained,
    and what `find_record` raises.
    """
    find_record(settings, database, address)
    with database.writing() as connection:
        before = known_subscriber(connection, address)
        _check_revivable(before)
        if before.status is not SubscriberStatus.BOUNCED:
            return ConsentChange(before, before)
        resubscribe(connection, address, None, now, note=note or "revived")
        change = ConsentChange(before, known_subscriber(connection, address))
        record_by_owner(connection, settings, "revive", f"subscriber {before.id}", now)
    log.info("address revived", subscriber=change.after.id)
    return change


def undo_left_by_mail(
    settings: Settings, database: Database, since: datetime, now: datetime
) -> tuple[list[ConsentChange], list[str]]:
    """Subscribe again whom mails without our token unsubscribed since an instant. Return changes and refusals.

    These are leavings in mails that our server authenticated, and complaints that are not final. What
    somebody left once more, by a link, stays. Doing so twice is no error.
    """
    changes, refusals = [], []
    with database.writing() as connection:
        left = load_leavings_since(connection, since)
        for number in dict.fromkeys(one for one, event in left if _is_by_mail(event)):
            try:
                changes += _undo_one(connection, settings, number, since, now)
            except (ConsentError, UsageError) as error:
                refusals.append(str(error))
        if changes:
            what = f"{len(changes)} subscribers"
            record_by_owner(
                connection, settings, "undo-mail", what, now, since=since.isoformat()
            )
    return changes, refusals


def _undo_one(
    connection: Connection, settings: Settings, number: int, since: datetime, now: datetime
) -> list[ConsentChange]:
    """Undo what a subscriber left by mail; nothing if another change is later."""
    before = load_subscriber(connection, number)
    if before is None:
        return []
    last = {one.newsletter: one for one in load_events(connection, number)}
    names = [name for name, one in last.items() if one.at >= since and _is_by_mail(one)]
    # With the whole record, its newsletters come back.
    names = [None] if None in names else names
    if None not in names and before.status is not SubscriberStatus.ACTIVE:
        return []
    for name in names:
        resubscribe_person(connection, settings, before, name, now, note="forged mail undone")
    if names:
        cancel_notices(connection, number, [NoticeKind.GOODBYE], now)
    return (
        [ConsentChange(before, known_subscriber(connection, before.address))] if names else []
    )


def _is_by_mail(event: SubscriberEvent) -> bool:
    """Return whether a mail without our token ended something."""
    return event.source is ConsentSource.MAIL and event.after is SubscriberStatus.UNSUBSCRIBED


def _check_revivable(person: Subscriber) -> None:
    why = {
        SubscriberStatus.COMPLAINED: "reported the mail as spam, which is final",
        SubscriberStatus.UNSUBSCRIBED: "has unsubscribed; if the subscriber asks for it, "
        "use `publisher subscribers resubscribe`",
    }.get(person.status)
    if why:
        raise ConsentError(f"{person.address}: {why}")
