"""A leaving is taken back as a whole, once, and only while nothing else was decided meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from subscribers.changes import choose_newsletters, suppress, unsubscribe
from subscribers.leaving import UndoOutcome, last_leaving, undo_leaving
from subscribers.model import ConsentSource, Subscriber, SubscriberStatus
from subscribers.store import find_subscriber
from tests.subscribers.conftest import LATER, NOW, a_subscriber, add

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

ANN = "ann@example.org"
MONTH = timedelta(days=30)
NEXT = LATER + timedelta(hours=1)


def found(connection: Connection) -> Subscriber:
    person = find_subscriber(connection, ANN)
    assert person is not None
    return person


def leave(connection: Connection, newsletter: str | None, at: datetime = LATER) -> int:
    unsubscribe(connection, ANN, newsletter, at)
    leaving = last_leaving(connection, found(connection).id, newsletter)
    assert leaving is not None
    assert (leaving.newsletter, leaving.at) == (newsletter, at)
    return leaving.id


def undo(connection: Connection, leaving: int, now: datetime = NEXT) -> UndoOutcome:
    return undo_leaving(connection, found(connection).id, leaving, now, within=MONTH)


@pytest.mark.parametrize("newsletter", ["daily", None])
def test_undoing_restores_exactly_what_the_leaving_ended(
    connection: Connection, newsletter: str | None
) -> None:
    add(connection, a_subscriber(newsletters=("daily", "weekly"), declined=("monthly",)))
    before = found(connection)
    number = leave(connection, newsletter)
    assert found(connection) != before
    assert undo(connection, number) is UndoOutcome.UNDONE
    assert found(connection) == before
    assert undo(connection, number) is UndoOutcome.ALREADY


def test_what_was_not_confirmed_before_is_not_confirmed_by_undoing(
    connection: Connection,
) -> None:
    add(
        connection,
        a_subscriber(status=SubscriberStatus.PENDING, newsletters=(), pending=("daily",)),
    )
    before = found(connection)
    assert undo(connection, leave(connection, None)) is UndoOutcome.UNDONE
    assert found(connection) == before


def test_leavings_of_one_second_are_undone_one_by_one(connection: Connection) -> None:
    add(connection, a_subscriber(newsletters=("daily", "weekly")))
    weekly, daily = leave(connection, "weekly"), leave(connection, "daily")
    assert undo(connection, weekly) is UndoOutcome.UNDONE
    assert found(connection).newsletters == ("weekly",)
    assert undo(connection, daily) is UndoOutcome.UNDONE
    assert found(connection).newsletters == ("daily", "weekly")


def test_what_was_left_before_all_is_not_restored_with_all(connection: Connection) -> None:
    add(connection, a_subscriber(newsletters=("daily", "weekly")))
    weekly = leave(connection, "weekly")
    number = leave(connection, None)
    assert undo(connection, weekly) is UndoOutcome.ENDED
    assert undo(connection, number) is UndoOutcome.UNDONE
    assert found(connection).newsletters == ("daily",)


def test_a_complaint_is_final(connection: Connection) -> None:
    for newsletter in ("weekly", None):
        address = f"{newsletter}@example.org"
        add(connection, a_subscriber(address))
        unsubscribe(connection, address, newsletter, LATER)
        person = find_subscriber(connection, address)
        assert person is not None
        leaving = last_leaving(connection, person.id, newsletter)
        assert leaving is not None
        suppress(connection, address, SubscriberStatus.COMPLAINED, LATER)
        outcome = undo_leaving(connection, person.id, leaving.id, NEXT, within=MONTH)
        assert outcome is UndoOutcome.ENDED
        after = find_subscriber(connection, address)
        assert after is not None
        assert after.status is SubscriberStatus.COMPLAINED
        assert after.newsletters == ()


def test_a_later_decision_stands(connection: Connection) -> None:
    add(connection, a_subscriber(newsletters=("daily", "weekly")))
    person = found(connection).id
    first = leave(connection, "weekly")
    choose_newsletters(connection, person, {"weekly": True}, NEXT)
    second = leave(connection, "weekly", NEXT + timedelta(minutes=1))
    late = NEXT + timedelta(hours=1)
    assert undo(connection, first, late) is UndoOutcome.ENDED
    assert found(connection).newsletters == ("daily",)
    assert undo(connection, second, late) is UndoOutcome.UNDONE


def test_undoing_is_possible_for_a_time_only(connection: Connection) -> None:
    add(connection, a_subscriber())
    number = leave(connection, None)
    late = LATER + MONTH + timedelta(seconds=1)
    assert undo(connection, number, late) is UndoOutcome.ENDED
    assert undo(connection, number, LATER + MONTH) is UndoOutcome.UNDONE


def test_only_a_leaving_of_the_same_subscriber_is_undone(connection: Connection) -> None:
    add(connection, a_subscriber(), a_subscriber("bob@example.org"))
    number = leave(connection, None)
    bob = find_subscriber(connection, "bob@example.org")
    assert bob is not None
    for someone, leaving in (
        (bob.id, number),
        (found(connection).id, number + 1),
        (99, number),
    ):
        outcome = undo_leaving(connection, someone, leaving, NEXT, within=MONTH)
        assert outcome is UndoOutcome.ENDED
    assert found(connection).newsletters == ()


def test_what_the_owner_ended_is_not_the_subscriber_s_to_undo(connection: Connection) -> None:
    add(connection, a_subscriber())
    unsubscribe(connection, ANN, None, LATER, source=ConsentSource.OWNER)
    assert last_leaving(connection, found(connection).id, None) is None


def test_a_leaving_that_was_undone_is_not_the_last_one(connection: Connection) -> None:
    add(connection, a_subscriber())
    assert last_leaving(connection, found(connection).id, "weekly") is None
    undo(connection, leave(connection, "weekly", NOW))
    assert last_leaving(connection, found(connection).id, "weekly") is None
