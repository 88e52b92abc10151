"""What is known of a subscriber's returned mail, and how a bounce is undone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from publisher.app.editing_state import record_by_owner
from publisher.app.subscribers import ConsentChange, SubscriberRecord, find_record
from publisher.bounces import store
from publisher.bounces.intake import score_of
from publisher.bounces.model import BounceEvent
from publisher.bounces.scoring import BounceScore
from publisher.errors import ConsentError
from subscribers import SubscriberStatus, known_subscriber, resubscribe

if TYPE_CHECKING:
    from datetime import datetime

    from publisher.config import Settings
    from publisher.database import Database
    from subscribers import Subscriber

# What callers import, with the values of other packages that they get.
__all__ = ["BounceEvent", "ReturnedMail", "read_returned_mail", "revive_address"]

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


def _check_revivable(person: Subscriber) -> None:
    why = {
        SubscriberStatus.COMPLAINED: "reported the mail as spam, which is final",
        SubscriberStatus.UNSUBSCRIBED: "has unsubscribed; if the subscriber asks for it, "
        "use `publisher subscribers resubscribe`",
    }.get(person.status)
    if why:
        raise ConsentError(f"{person.address}: {why}")
