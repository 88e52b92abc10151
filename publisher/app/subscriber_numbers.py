"""What editors do about one subscriber, whom they name by a number: no address is in a URL or in the log.

The actor's key may be for some languages only: then it is about subscribers of these languages only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from publisher.app.editing_state import Actor, Change, EditingState, Permission
from publisher.app.returned_mail import ReturnedMail, read_returned_mail
from publisher.app.subscribers import (
    SubscriberRecord,
    check_newsletter,
    erase_person,
    find_record,
    resubscribe_person,
)
from publisher.errors import UsageError
from publisher.messages import message
from subscribers import ConsentSource, find_subscriber, load_subscriber, unsubscribe_subscriber

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from subscribers import Subscriber


def find_subscriber_number(state: EditingState, actor: Actor, address: str) -> Subscriber:
    """Return the subscriber of an address; raise UsageError if there is none."""
    with state.database.reading() as connection:
        found = find_subscriber(connection, address)
    if found is None or not actor.permits(Permission.SEE_SUBSCRIBERS, found.language):
        raise UsageError("no subscriber has this address")
    return found


def read_subscriber(state: EditingState, actor: Actor, number: int) -> Subscriber:
    """Return a subscriber; raise UsageError if there is none of this number."""
    with state.database.reading() as connection:
        person = _require(connection, number)
    actor.require(Permission.SEE_SUBSCRIBERS, person.language)
    return person


def read_subscriber_record(
    state: EditingState, actor: Actor, number: int
) -> tuple[SubscriberRecord, ReturnedMail]:
    """Return all that is stored of a subscriber, and of mail that was returned."""
    person = read_subscriber(state, actor, number)
    record = find_record(state.settings, state.database, person.address)
    return record, read_returned_mail(state.database, record, state.clock.now())


def resubscribe_number(
    state: EditingState, actor: Actor, number: int, newsletter: str | None, note: str
) -> Subscriber:
    """Undo an unsubscription or a bounce, since the subscriber asked for it. Raise ConsentError."""
    with _changing(state, actor, "resubscribe", number) as (change, person):
        change.details["newsletter"] = newsletter
        connection, now = change.connection, state.clock.now()
        done = resubscribe_person(
            connection, state.settings, person, newsletter, now, note=note
        )
        return done.after


def unsubscribe_number(
    state: EditingState, actor: Actor, number: int, newsletter: str | None, note: str
) -> Subscriber:
    """Unsubscribe somebody from one newsletter, or from all. Doing so twice is no error."""
    with _changing(state, actor, "unsubscribe", number) as (change, person):
        check_newsletter(state.settings, person, newsletter)
        change.details["newsletter"] = newsletter
        connection, now = change.connection, state.clock.now()
        owner = ConsentSource.OWNER
        unsubscribe_subscriber(connection, person, newsletter, now, source=owner, note=note)
        return _require(connection, number)


def erase_number(state: EditingState, actor: Actor, number: int) -> None:
    """Delete all that is stored of a subscriber, except a keyed hash of the address."""
    with _changing(state, actor, "erase", number) as (change, person):
        erase_person(change.connection, state.settings, person, state.clock.now())


@contextmanager
def _changing(
    state: EditingState, actor: Actor, verb: str, number: int
) -> Iterator[tuple[Change, Subscriber]]:
    with state.changing(actor, verb, f"subscriber {number}") as change:
        person = _require(change.connection, number)
        actor.require(Permission.MANAGE_SUBSCRIBERS, person.language)
        yield change, person


def _require(connection: Connection, number: int) -> Subscriber:
    person = load_subscriber(connection, number)
    if person is None:
        raise UsageError(message("%(name)s: no such subscriber", name=str(number)))
    return person
