"""The list in numbers: what is counted of whom, and in which week."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from subscribers.changes import resubscribe, suppress
from subscribers.model import SubscriberStatus
from subscribers.numbers import (
    count_list,
    load_list_numbers,
    store_list_numbers,
    week_of,
)
from subscribers.preferences import Preferences, store_preferences
from subscribers.store import erase, find_subscriber
from tests.subscribers.conftest import NOW, a_subscriber, add, digest
from tests.subscribers.leaving import unsubscribe

BERLIN = ZoneInfo("Europe/Berlin")
# The Friday of NOW is in the week of the 5th.
FIRST, SECOND = "2026-01-05", "2026-01-12"
NEXT_WEEK = NOW + timedelta(days=7)


def changes(connection: Connection, now: datetime = NEXT_WEEK) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in count_list(connection, now, BERLIN)["weeks"]]


def week(
    monday: str,
    newsletter: str,
    language: str,
    *,
    joined: int = 0,
    left: int = 0,
    bounced: int = 0,
) -> tuple[object, ...]:
    return (monday, newsletter, language, joined, left, bounced)


def test_a_newsletter_is_joined_by_who_was_imported_with_it_and_by_who_got_it_later(
    connection: Connection,
) -> None:
    add(connection, a_subscriber("a@example.org"), a_subscriber("b@example.org"))
    add(connection, a_subscriber("c@example.org", newsletters=(), language="ar"))
    resubscribe(connection, "c@example.org", "weekly", NEXT_WEEK)
    assert changes(connection) == [
        week(FIRST, "weekly", "en", joined=2),
        week(SECOND, "weekly", "ar", joined=1),
    ]


def test_who_has_not_confirmed_has_not_joined(connection: Connection) -> None:
    waiting = a_subscriber(newsletters=(), pending=("weekly",), status=SubscriberStatus.PENDING)
    add(connection, waiting)
    add(connection, a_subscriber("gone@example.org", status=SubscriberStatus.BOUNCED))
    assert changes(connection) == []


def test_who_left_has_joined_before_and_may_join_again(connection: Connection) -> None:
    add(connection, a_subscriber(newsletters=("daily", "weekly")))
    unsubscribe(connection, "ann@example.org", None, NEXT_WEEK)
    assert changes(connection) == [
        week(FIRST, "daily", "en", joined=1),
        week(FIRST, "weekly", "en", joined=1),
        week(SECOND, "daily", "en", left=1),
        week(SECOND, "weekly", "en", left=1),
    ]
    resubscribe(connection, "ann@example.org", "weekly", NEXT_WEEK)
    assert changes(connection)[-1] == week(SECOND, "weekly", "en", joined=1, left=1)


def test_a_mailbox_that_is_gone_did_not_leave_and_comes_back_by_joining(
    connection: Connection,
) -> None:
    add(connection, a_subscriber())
    suppress(connection, "ann@example.org", SubscriberStatus.BOUNCED, NEXT_WEEK)
    assert changes(connection)[-1] == week(SECOND, "weekly", "en", bounced=1)
    resubscribe(connection, "ann@example.org", None, NEXT_WEEK)
    assert changes(connection)[-1] == week(SECOND, "weekly", "en", joined=1, bounced=1)


def test_weeks_begin_on_monday_of_the_publication_and_old_ones_are_not_counted(
    connection: Connection,
) -> None:
    add(connection, a_subscriber())
    # Monday in Berlin, and still Sunday in UTC.
    monday = datetime(2026, 1, 11, 23, 30, tzinfo=UTC)
    unsubscribe(connection, "ann@example.org", "weekly", monday)
    assert changes(connection)[-1] == week(SECOND, "weekly", "en", left=1)
    assert week_of(monday, BERLIN) == date(2026, 1, 12)
    a_year_later = changes(connection, NOW + timedelta(weeks=52))
    assert a_year_later == [week(SECOND, "weekly", "en", left=1)]


def test_subscriptions_are_counted_by_newsletter_and_all_their_languages(
    connection: Connection,
) -> None:
    both = ("daily", "weekly")
    add(connection, a_subscriber("a@example.org"), a_subscriber("b@example.org", language="ar"))
    add(connection, a_subscriber("c@example.org", language="ar", newsletters=both))
    add(connection, a_subscriber("d@example.org", newsletters=()))
    add(connection, a_subscriber("e@example.org"))
    suppress(connection, "e@example.org", SubscriberStatus.COMPLAINED, NOW)
    paused = Preferences(
        languages=("ar", "en"), paused_at=NOW, paused_until=NOW + timedelta(days=30)
    )
    person = find_subscriber(connection, "b@example.org")
    assert person
    store_preferences(connection, person.id, paused, NOW)
    counted = count_list(connection, NOW, BERLIN)
    assert [tuple(row.values()) for row in counted["subscriptions"]] == [
        ("daily", ["ar"], 1, 0),
        ("weekly", ["ar"], 1, 0),
        ("weekly", ["ar", "en"], 1, 1),
        ("weekly", ["en"], 1, 0),
    ]
    assert counted["statuses"] == {
        "pending": 0,
        "active": 4,
        "unsubscribed": 0,
        "bounced": 0,
        "complained": 1,
    }
    assert [counted[name] for name in ("paused", "without", "erased")] == [1, 1, 0]


def test_who_is_erased_is_counted_as_erased_alone(connection: Connection) -> None:
    add(connection, a_subscriber())
    unsubscribe(connection, "ann@example.org", "weekly", NOW)
    erase(connection, "ann@example.org", digest, NOW)
    counted = count_list(connection, NOW, BERLIN)
    assert (counted["erased"], sum(counted["statuses"].values())) == (1, 0)
    assert (counted["subscriptions"], counted["weeks"]) == ([], [])


def test_a_stored_count_is_read_as_it_was(connection: Connection) -> None:
    add(connection, a_subscriber())
    assert load_list_numbers(connection) is None
    for now in (NOW, NEXT_WEEK):
        store_list_numbers(connection, counted := count_list(connection, now, BERLIN))
    assert load_list_numbers(connection) == counted
