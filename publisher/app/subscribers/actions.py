"""What editors do about one subscriber, and how bounces and forged mail are undone.

They name a subscriber by a number: no address is in a URL or in the log. The actor's key may be for some
languages only: then it is about subscribers of these languages only.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from publisher.app.editing_state import Actor, Change, EditingState, Permission
from publisher.app.subscribers import records
from publisher.app.subscribers.personal_tables import MOVED_TABLES
from publisher.app.subscribers.records import ConsentChange
from publisher.bounces import store
from publisher.bounces.intake import score_of
from publisher.bounces.model import BounceEvent
from publisher.bounces.store import BounceScore
from publisher.config import Settings
from publisher.database import Database
from publisher.errors import ConsentError, UsageError
from publisher.log import log
from publisher.notices.kinds import NoticeKind
from publisher.notices.ledger import cancel_notices
from subscribers.address_change import merge_subscribers
from subscribers.changes import resubscribe, unsubscribe_subscriber
from subscribers.consent_records import load_events, load_leavings_since
from subscribers.errors import ErasedSubscriberError
from subscribers.model import ConsentSource, Subscriber, SubscriberEvent, SubscriberStatus
from subscribers.store import find_subscriber, known_subscriber, load_subscriber


@dataclass(frozen=True, slots=True)
class ReturnedMail:
    """A subscriber's events, the oldest first, and what they add up to."""

    events: tuple[BounceEvent, ...]
    score: BounceScore


def read_returned_mail(
    database: Database, record: records.SubscriberRecord, now: datetime
) -> ReturnedMail:
    subscriber_id = record.subscriber.id
    with database.reading() as connection:
        events = store.events_of(connection, subscriber_id)
        return ReturnedMail(tuple(events), score_of(connection, subscriber_id, events, now))


def revive_address(
    state: EditingState, actor: Actor, address: str, note: str = ""
) -> ConsentChange:
    """Write again to an address that bounced; earlier events do not count any more. Doing so twice is no error."""
    with _changing(state, actor, "revive", _number(state, address)) as (change, before):
        _check_revivable(before)
        change.is_repeated = before.status is not SubscriberStatus.BOUNCED
        if change.is_repeated:
            return ConsentChange(before, before)
        note, now = note or "revived", state.clock.now()
        resubscribe(change.connection, before.address, None, now, note=note)
        after = _require(change.connection, before.id)
    log.info("address revived", subscriber=after.id)
    return ConsentChange(before, after)


def undo_left_by_mail(
    state: EditingState, actor: Actor, since: datetime
) -> tuple[list[ConsentChange], list[str]]:
    """Subscribe again whom mails without our token unsubscribed since an instant. Return changes and refusals.

    These are leavings in mails that our server authenticated, and complaints that are not final. What
    somebody left once more, by a link, stays. Doing so twice is no error.
    """
    changes, refusals = [], []
    with state.database.writing() as connection:
        left = load_leavings_since(connection, since)
        for number in dict.fromkeys(
            event.subscriber_id for event in left if _is_by_mail(event)
        ):
            try:
                changes += _undo_one(
                    connection, state.settings, number, since, state.clock.now()
                )
            except (ConsentError, UsageError) as error:
                refusals.append(str(error))
        if changes:
            what, details = f"{len(changes)} subscribers", {"since": since.isoformat()}
            state.record(connection, actor, "undo-mail", what, details)
    return changes, refusals


def _undo_one(
    connection: Connection, settings: Settings, number: int, since: datetime, now: datetime
) -> list[ConsentChange]:
    """Undo what a subscriber left by mail; nothing if another change is later."""
    before = load_subscriber(connection, number)
    if before is None:
        return []
    last = {event.newsletter: event for event in load_events(connection, number)}
    names = [name for name, event in last.items() if event.at >= since and _is_by_mail(event)]
    # With the whole record, its newsletters come back.
    names = [None] if None in names else names
    if None not in names and before.status is not SubscriberStatus.ACTIVE:
        return []
    for name in names:
        records.resubscribe_person(
            connection, settings, before, name, now, note="forged mail undone"
        )
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


def find_subscriber_number(state: EditingState, actor: Actor, address: str) -> Subscriber:
    with state.database.reading() as connection:
        person = find_subscriber(connection, address)
    if person is None or not actor.permits(Permission.SEE_SUBSCRIBERS, person.language):
        raise UsageError("no subscriber has this address")
    return person


def read_subscriber(state: EditingState, actor: Actor, number: int) -> Subscriber:
    with state.database.reading() as connection:
        person = _require(connection, number)
    actor.require(Permission.SEE_SUBSCRIBERS, person.language)
    return person


def read_subscriber_record(
    state: EditingState, actor: Actor, number: int
) -> tuple[records.SubscriberRecord, ReturnedMail]:
    person = read_subscriber(state, actor, number)
    record = records.find_record(state.settings, state.database, person.address)
    return record, read_returned_mail(state.database, record, state.clock.now())


def resubscribe_somebody(
    state: EditingState, actor: Actor, who: int | str, newsletter: str | None, note: str = ""
) -> ConsentChange:
    """Undo an unsubscription or a bounce, since the subscriber asked for it; raise as `resubscribe_person`.

    By an address, raise ConsentError for somebody erased, too, UnknownSubscriberError or BadAddressError.
    """
    try:
        number = _number(state, who)
    except ErasedSubscriberError as error:
        remedy = "if the subscriber asks to come back, import it with --returned"
        raise ConsentError(f"{error}; {remedy} {who}") from error
    with _changing(state, actor, "resubscribe", number) as (change, person):
        change.details["newsletter"] = newsletter
        connection, now = change.connection, state.clock.now()
        done = records.resubscribe_person(
            connection, state.settings, person, newsletter, now, note=note
        )
        change.is_repeated = not done.changed
        return done


def unsubscribe_somebody(
    state: EditingState, actor: Actor, who: int | str, newsletter: str | None, note: str = ""
) -> ConsentChange:
    """Unsubscribe somebody from one newsletter, or from all. Doing so twice is no error."""
    with _changing(state, actor, "unsubscribe", _number(state, who)) as (change, person):
        records.check_newsletter(state.settings, person, newsletter)
        change.details["newsletter"] = newsletter
        connection, now = change.connection, state.clock.now()
        owner = ConsentSource.OWNER
        unsubscribe_subscriber(connection, person, newsletter, now, source=owner, note=note)
        done = ConsentChange(person, _require(connection, person.id))
        change.is_repeated = not done.changed
        return done


def erase_somebody(state: EditingState, actor: Actor, who: int | str) -> None:
    """Delete all that is stored of a subscriber, but a keyed hash of the address. Ledger rows stay, with a number in its place."""
    with _changing(state, actor, "erase", _number(state, who)) as (change, person):
        records.erase_person(change.connection, state.settings, person, state.clock.now())


def merge_addresses(state: EditingState, actor: Actor, former: str, kept: str) -> ConsentChange:
    """Merge the records of two addresses of one person; `kept` stays, and notices to the other one are cancelled."""
    gone_id, number = _number(state, former), _number(state, kept)
    with _changing(state, actor, "merge", number) as (change, before):
        connection, now = change.connection, state.clock.now()
        if gone_id == number:
            raise UsageError(f"{former} and {kept} are one subscriber already")
        gone, owner = _require(connection, gone_id), ConsentSource.OWNER
        cancel_notices(connection, gone_id, tuple(NoticeKind), now)
        after = merge_subscribers(connection, (gone, before), MOVED_TABLES, now, owner)
        change.details["former"] = gone_id
        return ConsentChange(before, after)


@contextmanager
def _changing(
    state: EditingState, actor: Actor, verb: str, number: int
) -> Iterator[tuple[Change, Subscriber]]:
    with state.changing(actor, verb, f"subscriber {number}") as change:
        person = _require(change.connection, number)
        actor.require(Permission.MANAGE_SUBSCRIBERS, person.language)
        yield change, person


def _number(state: EditingState, who: int | str) -> int:
    """Return a subscriber's number, of that or of an address."""
    if isinstance(who, int):
        return who
    return records.find_record(state.settings, state.database, who).subscriber.id


def _require(connection: Connection, number: int) -> Subscriber:
    person = load_subscriber(connection, number)
    if person is None:
        raise UsageError.saying("%(name)s: no such subscriber", name=str(number))
    return person
