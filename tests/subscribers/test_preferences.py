"""What subscribers chose, stored and read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from subscribers.preferences import (
    Cadence,
    Preferences,
    TextLength,
    load_preferences,
    pause_subscriber,
    resume_subscriber,
    store_preferences,
)
from subscribers.profiles import Profile, profile_from_text, profile_text
from subscribers.store import known_subscriber
from subscribers.tables import preference
from tests.subscribers.conftest import LATER, NOW, a_subscriber, add

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

DAY = timedelta(days=1)
CHOSEN = Preferences(
    languages=("ar", "zh-Hant", "en"),
    timezone="Asia/Taipei",
    length=TextLength.FULL,
    machine_translations=False,
    topics=("harbour",),
    authors=("A. Fictitious",),
    hour=7,
    paused_at=NOW,
    paused_until=LATER,
    cadences={"weekly": Cadence.MONTHLY},
)


def stored_rows(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(preference)).scalar_one()


def subscriber_id(connection: Connection) -> int:
    add(connection, a_subscriber())
    return known_subscriber(connection, "ann@example.org").id


def test_what_was_chosen_is_read_as_it_was_stored(connection: Connection) -> None:
    number = subscriber_id(connection)
    store_preferences(connection, number, CHOSEN, LATER)
    assert load_preferences(connection, number) == CHOSEN
    assert known_subscriber(connection, "ann@example.org").language == "ar"


def test_defaults_take_no_row(connection: Connection) -> None:
    number = subscriber_id(connection)
    before = load_preferences(connection, number)
    store_preferences(connection, number, CHOSEN, LATER)
    assert stored_rows(connection) == 1
    store_preferences(connection, number, before, LATER)
    assert (stored_rows(connection), load_preferences(connection, number)) == (0, before)


def stored_profile(connection: Connection, number: int) -> Profile:
    query = select(preference.c.profile).where(preference.c.subscriber_id == number)
    return profile_from_text(connection.execute(query).scalar_one())


def test_the_profile_of_what_was_chosen_is_stored(connection: Connection) -> None:
    number = subscriber_id(connection)
    store_preferences(connection, number, CHOSEN, LATER)
    assert stored_profile(connection, number) == Profile(
        more_languages=("zh-Hant", "en"),
        length="full",
        machine_translations=False,
        topics=("harbour",),
        authors=("A. Fictitious",),
    )


def test_what_does_not_change_an_issue_s_content_makes_no_profile(
    connection: Connection,
) -> None:
    number = subscriber_id(connection)
    store_preferences(connection, number, Preferences(languages=("en",), hour=7), LATER)
    assert stored_rows(connection) == 1
    assert stored_profile(connection, number) == Profile()
    assert profile_text(Profile()) is None


def test_profiles_that_want_the_same_are_the_same_text() -> None:
    one, other = Profile(topics=("b", "a", "b")), Profile(topics=("a", "b"))
    assert profile_text(one) == profile_text(other)
    first, second = Profile(more_languages=("en", "ar")), Profile(more_languages=("ar", "en"))
    assert profile_text(first) != profile_text(second)


def test_a_cadence_without_a_subscription_is_not_stored(connection: Connection) -> None:
    number = subscriber_id(connection)
    other = replace(CHOSEN, cadences={"never-subscribed": Cadence.DAILY})
    store_preferences(connection, number, other, LATER)
    assert load_preferences(connection, number).cadences == {}


def pause_of(connection: Connection, number: int) -> tuple[datetime | None, datetime | None]:
    chosen = load_preferences(connection, number)
    return chosen.paused_at, chosen.paused_until


def test_a_pause_changes_no_other_choice_and_can_be_prolonged_and_ended(
    connection: Connection,
) -> None:
    number = subscriber_id(connection)
    store_preferences(
        connection, number, replace(CHOSEN, paused_at=None, paused_until=None), NOW
    )
    pause_subscriber(connection, number, NOW + 10 * DAY, NOW)
    assert pause_of(connection, number) == (NOW, NOW + 10 * DAY)
    pause_subscriber(connection, number, NOW + 20 * DAY, NOW + DAY)
    assert pause_of(connection, number) == (NOW, NOW + 20 * DAY)
    resume_subscriber(connection, number, NOW + 2 * DAY)
    assert pause_of(connection, number) == (NOW, NOW + 2 * DAY)
    resume_subscriber(connection, number, NOW + 3 * DAY)
    assert pause_of(connection, number) == (NOW, NOW + 2 * DAY)
    assert load_preferences(connection, number).topics == CHOSEN.topics


def test_a_pause_soon_after_another_continues_it_and_a_later_one_begins_anew(
    connection: Connection,
) -> None:
    number = subscriber_id(connection)
    resume_subscriber(connection, number, NOW)
    assert stored_rows(connection) == 0
    pause_subscriber(connection, number, NOW + DAY, NOW)
    pause_subscriber(connection, number, NOW + 9 * DAY, NOW + 8 * DAY)
    assert pause_of(connection, number) == (NOW, NOW + 9 * DAY)
    pause_subscriber(connection, number, NOW + 99 * DAY, NOW + 90 * DAY)
    assert pause_of(connection, number) == (NOW + 90 * DAY, NOW + 99 * DAY)
