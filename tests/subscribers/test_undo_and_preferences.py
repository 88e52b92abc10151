"""Leaving, choosing, and the addresses at which subscribers do so."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, func, select

from subscribers import changes, pending_requests
from subscribers import preferences as stored
from subscribers.fields import SubscriberField
from subscribers.model import ConsentSource, FieldType, Subscriber, SubscriberStatus
from subscribers.store import known_subscriber
from subscribers.tables import preference
from tests.subscribers.conftest import LATER, NOW, a_subscriber, add
from tests.subscribers.leaving import unsubscribe

# A leaving is taken back as a whole, once, and only while nothing else was decided meanwhile.


ANN = "ann@example.org"
MONTH = timedelta(days=30)
NEXT = LATER + timedelta(hours=1)


def found(connection: Connection) -> Subscriber:
    return known_subscriber(connection, ANN)


def leave(connection: Connection, newsletter: str | None, at: datetime = LATER) -> int:
    unsubscribe(connection, ANN, newsletter, at)
    leaving = changes.last_leaving(connection, found(connection).id, newsletter)
    assert leaving is not None
    assert (leaving.newsletter, leaving.at) == (newsletter, at)
    return leaving.id


def undo(connection: Connection, leaving: int, now: datetime = NEXT) -> changes.UndoOutcome:
    return changes.undo_leaving(connection, found(connection).id, leaving, now, within=MONTH)


@pytest.mark.parametrize("newsletter", ["daily", None])
def test_undoing_restores_exactly_what_the_leaving_ended(
    connection: Connection, newsletter: str | None
) -> None:
    add(connection, a_subscriber(newsletters=("daily", "weekly"), declined=("monthly",)))
    before = found(connection)
    number = leave(connection, newsletter)
    assert found(connection) != before
    assert undo(connection, number) is changes.UndoOutcome.UNDONE
    assert found(connection) == before
    assert undo(connection, number) is changes.UndoOutcome.ALREADY


def test_what_was_not_confirmed_before_is_not_confirmed_by_undoing(
    connection: Connection,
) -> None:
    add(
        connection,
        a_subscriber(status=SubscriberStatus.PENDING, newsletters=(), pending=("daily",)),
    )
    before = found(connection)
    assert undo(connection, leave(connection, None)) is changes.UndoOutcome.UNDONE
    assert found(connection) == before


def test_leavings_of_one_second_are_undone_one_by_one(connection: Connection) -> None:
    add(connection, a_subscriber(newsletters=("daily", "weekly")))
    weekly, daily = leave(connection, "weekly"), leave(connection, "daily")
    assert undo(connection, weekly) is changes.UndoOutcome.UNDONE
    assert found(connection).newsletters == ("weekly",)
    assert undo(connection, daily) is changes.UndoOutcome.UNDONE
    assert found(connection).newsletters == ("daily", "weekly")


def test_what_was_left_before_all_is_not_restored_with_all(connection: Connection) -> None:
    add(connection, a_subscriber(newsletters=("daily", "weekly")))
    weekly = leave(connection, "weekly")
    number = leave(connection, None)
    assert undo(connection, weekly) is changes.UndoOutcome.ENDED
    assert undo(connection, number) is changes.UndoOutcome.UNDONE
    assert found(connection).newsletters == ("daily",)


@pytest.mark.parametrize("newsletter", ["weekly", None])
def test_a_complaint_is_final(connection: Connection, newsletter: str | None) -> None:
    add(connection, a_subscriber())
    number = leave(connection, newsletter)
    changes.suppress(connection, ANN, SubscriberStatus.COMPLAINED, LATER)
    assert undo(connection, number) is changes.UndoOutcome.ENDED
    after = found(connection)
    assert (after.status, after.newsletters) == (SubscriberStatus.COMPLAINED, ())


def test_a_later_decision_stands(connection: Connection) -> None:
    add(connection, a_subscriber(newsletters=("daily", "weekly")))
    person = found(connection).id
    first = leave(connection, "weekly")
    changes.choose_newsletters(connection, person, {"weekly": True}, NEXT)
    second = leave(connection, "weekly", NEXT + timedelta(minutes=1))
    late = NEXT + timedelta(hours=1)
    assert undo(connection, first, late) is changes.UndoOutcome.ENDED
    assert found(connection).newsletters == ("daily",)
    assert undo(connection, second, late) is changes.UndoOutcome.UNDONE


def test_undoing_is_possible_for_a_time_only(connection: Connection) -> None:
    add(connection, a_subscriber())
    number = leave(connection, None)
    late = LATER + MONTH + timedelta(seconds=1)
    assert undo(connection, number, late) is changes.UndoOutcome.ENDED
    assert undo(connection, number, LATER + MONTH) is changes.UndoOutcome.UNDONE


def test_only_a_leaving_of_the_same_subscriber_is_undone(connection: Connection) -> None:
    add(connection, a_subscriber(), a_subscriber("bob@example.org"))
    number = leave(connection, None)
    bob = known_subscriber(connection, "bob@example.org")
    for someone, leaving in (
        (bob.id, number),
        (found(connection).id, number + 1),
        (99, number),
    ):
        outcome = changes.undo_leaving(connection, someone, leaving, NEXT, within=MONTH)
        assert outcome is changes.UndoOutcome.ENDED
    assert found(connection).newsletters == ()


def test_what_the_owner_ended_is_not_the_subscriber_s_to_undo(connection: Connection) -> None:
    add(connection, a_subscriber())
    unsubscribe(connection, ANN, None, LATER, source=ConsentSource.OWNER)
    assert changes.last_leaving(connection, found(connection).id, None) is None


def test_a_leaving_that_was_undone_is_not_the_last_one(connection: Connection) -> None:
    add(connection, a_subscriber())
    assert changes.last_leaving(connection, found(connection).id, "weekly") is None
    undo(connection, leave(connection, "weekly", NOW))
    assert changes.last_leaving(connection, found(connection).id, "weekly") is None


# Requests that prove a mailbox, and sessions.


HALF_AN_HOUR = timedelta(minutes=30)


def ann(connection: Connection) -> int:
    add(connection, a_subscriber(), a_subscriber("bob@example.org"))
    return known_subscriber(connection, "ann@example.org").id


def test_a_link_is_used_once_within_half_an_hour_by_its_own_subscriber(
    connection: Connection,
) -> None:
    number = ann(connection)
    request = pending_requests.request_access(connection, number, "code", NOW)
    assert not pending_requests.use_access_link(connection, request, number + 1, NOW)
    assert not pending_requests.is_access_open(connection, request, number, NOW + HALF_AN_HOUR)
    assert pending_requests.is_access_open(connection, request, number, NOW)
    assert pending_requests.use_access_link(connection, request, number, NOW)
    assert not pending_requests.use_access_link(connection, request, number, NOW)
    assert not pending_requests.use_access_code(connection, number, "code", NOW)


def test_a_new_request_ends_the_one_before(connection: Connection) -> None:
    number = ann(connection)
    first = pending_requests.request_access(connection, number, "one", NOW)
    pending_requests.request_access(connection, number, "two", NOW)
    assert not pending_requests.use_access_link(connection, first, number, NOW)
    assert not pending_requests.use_access_code(connection, number, "one", NOW)
    assert pending_requests.use_access_code(connection, number, "two", NOW)


def test_five_wrong_codes_end_the_code_and_not_the_link(connection: Connection) -> None:
    number = ann(connection)
    request = pending_requests.request_access(connection, number, "right", NOW)
    for _attempt in range(5):
        assert not pending_requests.use_access_code(connection, number, "wrong", NOW)
    assert not pending_requests.use_access_code(connection, number, "right", NOW)
    assert pending_requests.use_access_link(connection, request, number, NOW)


# What subscribers chose, stored and read.


DAY = timedelta(days=1)
CHOSEN = stored.Preferences(
    languages=("ar", "zh-Hant", "en"),
    timezone="Asia/Taipei",
    length=stored.TextLength.FULL,
    machine_translations=False,
    topics=("harbour",),
    authors=("A. Fictitious",),
    hour=7,
    paused_at=NOW,
    paused_until=LATER,
    cadences={"weekly": stored.Cadence.MONTHLY},
)


def stored_rows(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(preference)).scalar_one()


def subscriber_id(connection: Connection) -> int:
    add(connection, a_subscriber())
    return known_subscriber(connection, "ann@example.org").id


def test_what_was_chosen_is_read_as_it_was_stored(connection: Connection) -> None:
    number = subscriber_id(connection)
    stored.store_preferences(connection, number, CHOSEN, LATER)
    assert stored.load_preferences(connection, number) == CHOSEN
    assert found(connection).language == "ar"
    assert stored_profile(connection, number) == stored.Profile(
        more_languages=("zh-Hant", "en"),
        length="full",
        machine_translations=False,
        topics=("harbour",),
        authors=("A. Fictitious",),
    )


def test_a_number_is_stored_in_one_form() -> None:
    field = SubscriberField("age", FieldType.NUMBER)
    typed = ("-0", "0.0", "007.50", "1000", "-3.10", "123456789012345.123456")
    assert [field.read(one) for one in typed] == [
        *("0", "0", "7.5", "1000", "-3.1", "123456789012345.123456")
    ]


def test_defaults_take_no_row(connection: Connection) -> None:
    number = subscriber_id(connection)
    before = stored.load_preferences(connection, number)
    stored.store_preferences(connection, number, CHOSEN, LATER)
    assert stored_rows(connection) == 1
    stored.store_preferences(connection, number, before, LATER)
    assert (stored_rows(connection), stored.load_preferences(connection, number)) == (0, before)


def stored_profile(connection: Connection, number: int) -> stored.Profile:
    query = select(preference.c.profile).where(preference.c.subscriber_id == number)
    return stored.profile_from_text(connection.execute(query).scalar_one())


def test_what_does_not_change_an_issue_s_content_makes_no_profile(
    connection: Connection,
) -> None:
    number = subscriber_id(connection)
    stored.store_preferences(
        connection, number, stored.Preferences(languages=("en",), hour=7), LATER
    )
    assert stored_rows(connection) == 1
    assert stored_profile(connection, number) == stored.Profile()
    assert stored.profile_text(stored.Profile()) is None


def test_profiles_that_want_the_same_are_the_same_text() -> None:
    one, other = stored.Profile(topics=("b", "a", "b")), stored.Profile(topics=("a", "b"))
    assert stored.profile_text(one) == stored.profile_text(other)
    first, second = (
        stored.Profile(more_languages=("en", "ar")),
        stored.Profile(more_languages=("ar", "en")),
    )
    assert stored.profile_text(first) != stored.profile_text(second)


def test_a_cadence_without_a_subscription_is_not_stored(connection: Connection) -> None:
    number = subscriber_id(connection)
    other = replace(CHOSEN, cadences={"never-subscribed": stored.Cadence.DAILY})
    stored.store_preferences(connection, number, other, LATER)
    assert stored.load_preferences(connection, number).cadences == {}


def pause_of(connection: Connection, number: int) -> tuple[datetime | None, datetime | None]:
    chosen = stored.load_preferences(connection, number)
    return chosen.paused_at, chosen.paused_until


def test_a_pause_changes_no_other_choice_and_can_be_prolonged_and_ended(
    connection: Connection,
) -> None:
    number = subscriber_id(connection)
    stored.store_preferences(
        connection, number, replace(CHOSEN, paused_at=None, paused_until=None), NOW
    )
    stored.pause_subscriber(connection, number, NOW + 10 * DAY, NOW)
    assert pause_of(connection, number) == (NOW, NOW + 10 * DAY)
    stored.pause_subscriber(connection, number, NOW + 20 * DAY, NOW + DAY)
    assert pause_of(connection, number) == (NOW, NOW + 20 * DAY)
    stored.resume_subscriber(connection, number, NOW + 2 * DAY)
    assert pause_of(connection, number) == (NOW, NOW + 2 * DAY)
    stored.resume_subscriber(connection, number, NOW + 3 * DAY)
    assert pause_of(connection, number) == (NOW, NOW + 2 * DAY)
    assert stored.load_preferences(connection, number).topics == CHOSEN.topics


def test_a_pause_soon_after_another_continues_it_and_a_later_one_begins_anew(
    connection: Connection,
) -> None:
    number = subscriber_id(connection)
    stored.resume_subscriber(connection, number, NOW)
    assert stored_rows(connection) == 0
    stored.pause_subscriber(connection, number, NOW + DAY, NOW)
    stored.pause_subscriber(connection, number, NOW + 9 * DAY, NOW + 8 * DAY)
    assert pause_of(connection, number) == (NOW, NOW + 9 * DAY)
    stored.pause_subscriber(connection, number, NOW + 99 * DAY, NOW + 90 * DAY)
    assert pause_of(connection, number) == (NOW + 90 * DAY, NOW + 99 * DAY)
