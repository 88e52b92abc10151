from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from subscribers.errors import (
    RefusedTransitionError,
    UnknownSubscriberError,
)
from subscribers.model import Subscriber, SubscriberStatus
from subscribers.store import (
    count_subscribers_by_language,
    find_subscriber,
    list_subscribers,
    suppress,
    unsubscribe,
)
from subscribers.tables import subscriber, subscription
from tests.subscribers.conftest import LATER, NOW, a_subscriber, add

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

ANN = "ann@example.org"


def found(connection: Connection, email: str = ANN) -> Subscriber:
    person = find_subscriber(connection, email)
    assert person is not None
    return person


def touched(connection: Connection) -> datetime | None:
    return connection.execute(select(subscriber.c.updated_at)).scalar()


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


def test_unsubscribing_from_one_newsletter_keeps_the_others(connection: Connection) -> None:
    add(connection, a_subscriber(newsletters=("daily", "weekly")))
    assert unsubscribe(connection, ANN, "daily", LATER)
    person = found(connection)
    assert (person.newsletters, person.declined) == (("weekly",), ("daily",))
    assert person.status is SubscriberStatus.ACTIVE
    assert touched(connection) == LATER


def test_unsubscribing_from_all_ends_every_subscription(connection: Connection) -> None:
    add(connection, a_subscriber(newsletters=("daily",), pending=("weekly",)))
    assert unsubscribe(connection, ANN, None, LATER)
    person = found(connection)
    assert person.status is SubscriberStatus.UNSUBSCRIBED
    assert person.declined == ("daily", "weekly")


@pytest.mark.parametrize("newsletter", ["weekly", None])
def test_unsubscribing_twice_changes_nothing(
    connection: Connection, newsletter: str | None
) -> None:
    add(connection, a_subscriber())
    assert unsubscribe(connection, ANN, newsletter, NOW)
    assert not unsubscribe(connection, ANN, newsletter, LATER)
    assert touched(connection) == NOW


def test_unsubscribing_from_a_newsletter_without_a_subscription_is_stored(
    connection: Connection,
) -> None:
    add(connection, a_subscriber())
    assert unsubscribe(connection, ANN, "daily", LATER)
    assert found(connection).declined == ("daily",)
    sources = connection.execute(select(subscription.c.source)).scalars().all()
    assert sorted(sources) == ["subscriber", "test"]


def test_unsubscribing_an_unknown_address_is_an_error(connection: Connection) -> None:
    with pytest.raises(UnknownSubscriberError, match=r"nobody@example\.org"):
        unsubscribe(connection, "nobody@example.org", None, NOW)


def test_a_bounce_closes_the_record_and_keeps_the_subscriptions(connection: Connection) -> None:
    add(connection, a_subscriber())
    assert suppress(connection, ANN, SubscriberStatus.BOUNCED, LATER)
    assert found(connection).status is SubscriberStatus.BOUNCED
    assert found(connection).newsletters == ("weekly",)


def test_a_complaint_ends_every_subscription(connection: Connection) -> None:
    add(connection, a_subscriber())
    assert suppress(connection, ANN, SubscriberStatus.COMPLAINED, LATER)
    assert found(connection).status is SubscriberStatus.COMPLAINED
    assert found(connection).declined == ("weekly",)


def test_a_bounce_after_an_unsubscription_changes_nothing(connection: Connection) -> None:
    add(connection, a_subscriber(status=SubscriberStatus.UNSUBSCRIBED, newsletters=()))
    assert not suppress(connection, ANN, SubscriberStatus.BOUNCED, LATER)
    assert found(connection).status is SubscriberStatus.UNSUBSCRIBED


@pytest.mark.parametrize(
    "status", [SubscriberStatus.ACTIVE, SubscriberStatus.PENDING, SubscriberStatus.UNSUBSCRIBED]
)
def test_returned_mail_can_only_suppress(
    connection: Connection, status: SubscriberStatus
) -> None:
    add(connection, a_subscriber(status=SubscriberStatus.BOUNCED))
    with pytest.raises(RefusedTransitionError):
        suppress(connection, ANN, status, LATER)
    assert found(connection).status is SubscriberStatus.BOUNCED
