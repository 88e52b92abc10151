from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from subscribers.errors import UnknownSubscriberError
from subscribers.model import Subscriber, SubscriberStatus
from subscribers.store import (
    count_subscribers_by_language,
    find_subscriber,
    known_subscriber,
    list_subscribers,
)
from tests.subscribers.conftest import a_subscriber, add

if TYPE_CHECKING:
    from sqlalchemy import Connection

ANN = "ann@example.org"


def found(connection: Connection, email: str = ANN) -> Subscriber:
    person = find_subscriber(connection, email)
    assert person is not None
    return person


def test_a_subscriber_is_found_by_any_spelling_of_the_address(connection: Connection) -> None:
    add(connection, a_subscriber("Ann@example.org", newsletters=("daily", "weekly")))
    person = found(connection, "ANN@Example.Org")
    assert person == a_subscriber("Ann@example.org", id=1, newsletters=("daily", "weekly"))


def test_all_subscribers_are_listed_by_id(connection: Connection) -> None:
    add(
        connection, a_subscriber("b@example.org", newsletters=()), a_subscriber("a@example.org")
    )
    add(connection, a_subscriber("c@example.org", newsletters=("x", "y"), pending=("z",)))
    listed = list(list_subscribers(connection))
    assert [person.email[0] for person in listed] == ["b", "a", "c"]
    assert [len(person.subscriptions) for person in listed] == [0, 1, 3]


def test_a_limit_counts_subscribers_and_not_subscriptions(connection: Connection) -> None:
    add(
        connection,
        a_subscriber("a@example.org", newsletters=("x", "y")),
        a_subscriber("b@example.org"),
    )
    assert [r.email for r in list_subscribers(connection, limit=1)] == ["a@example.org"]


def test_only_active_subscribers_are_counted(connection: Connection) -> None:
    add(connection, a_subscriber(), a_subscriber("b@example.org", language="ar"))
    add(connection, a_subscriber("c@example.org", status=SubscriberStatus.BOUNCED))
    assert count_subscribers_by_language(connection) == {"ar": 1, "en": 1}


def test_an_unknown_address_is_an_error(connection: Connection) -> None:
    with pytest.raises(UnknownSubscriberError, match=r"nobody@example\.org"):
        known_subscriber(connection, "nobody@example.org")
