from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from subscribers.errors import (
    BadAddressError,
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
from tests.subscribers.conftest import LATER, NOW, a_reader, add

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

ANN = "ann@example.org"


def found(connection: Connection, email: str = ANN) -> Subscriber:
    reader = find_subscriber(connection, email)
    assert reader is not None
    return reader


def touched(connection: Connection) -> datetime | None:
    return connection.execute(select(subscriber.c.updated_at)).scalar()


def test_a_reader_is_found_by_any_spelling_of_her_address(connection: Connection) -> None:
    add(connection, a_reader("Ann@example.org", newsletters=("daily", "weekly")))
    reader = found(connection, "ANN@Example.Org")
    assert reader == a_reader("Ann@example.org", id=1, newsletters=("daily", "weekly"))


def test_a_stranger_is_not_found(connection: Connection) -> None:
    assert find_subscriber(connection, "nobody@example.org") is None


def test_finding_what_is_no_address_is_an_error(connection: Connection) -> None:
    with pytest.raises(BadAddressError):
        find_subscriber(connection, "nobody")


def test_readers_are_listed_by_id_whatever_they_subscribe_to(connection: Connection) -> None:
    add(connection, a_reader("b@example.org", newsletters=()), a_reader("a@example.org"))
    add(connection, a_reader("c@example.org", newsletters=("x", "y"), pending=("z",)))
    listed = list(list_subscribers(connection))
    assert [reader.email[0] for reader in listed] == ["b", "a", "c"]
    assert [len(reader.subscriptions) for reader in listed] == [0, 1, 3]


def test_a_limit_counts_readers_and_not_subscriptions(connection: Connection) -> None:
    add(
        connection, a_reader("a@example.org", newsletters=("x", "y")), a_reader("b@example.org")
    )
    assert [r.email for r in list_subscribers(connection, limit=1)] == ["a@example.org"]


def test_only_active_readers_are_counted(connection: Connection) -> None:
    add(connection, a_reader(), a_reader("b@example.org", language="ar"))
    add(connection, a_reader("c@example.org", status=SubscriberStatus.BOUNCED))
    assert count_subscribers_by_language(connection) == {"ar": 1, "en": 1}


def test_leaving_one_newsletter_leaves_the_others(connection: Connection) -> None:
    add(connection, a_reader(newsletters=("daily", "weekly")))
    assert unsubscribe(connection, ANN, "daily", LATER)
    reader = found(connection)
    assert (reader.newsletters, reader.declined) == (("weekly",), ("daily",))
    assert reader.status is SubscriberStatus.ACTIVE
    assert touched(connection) == LATER


def test_leaving_everything_ends_every_subscription(connection: Connection) -> None:
    add(connection, a_reader(newsletters=("daily",), pending=("weekly",)))
    assert unsubscribe(connection, ANN, None, LATER)
    reader = found(connection)
    assert reader.status is SubscriberStatus.UNSUBSCRIBED
    assert reader.declined == ("daily", "weekly")


@pytest.mark.parametrize("newsletter", ["weekly", None])
def test_leaving_twice_changes_nothing(connection: Connection, newsletter: str | None) -> None:
    add(connection, a_reader())
    assert unsubscribe(connection, ANN, newsletter, NOW)
    assert not unsubscribe(connection, ANN, newsletter, LATER)
    assert touched(connection) == NOW


def test_leaving_a_newsletter_that_one_does_not_get_is_remembered(
    connection: Connection,
) -> None:
    add(connection, a_reader())
    assert unsubscribe(connection, ANN, "daily", LATER)
    assert found(connection).declined == ("daily",)
    sources = connection.execute(select(subscription.c.source)).scalars().all()
    assert sorted(sources) == ["reader", "test"]


def test_others_are_left_alone_when_one_leaves(connection: Connection) -> None:
    add(connection, a_reader(), a_reader("b@example.org"))
    unsubscribe(connection, ANN, None, LATER)
    assert found(connection, "b@example.org").newsletters == ("weekly",)


def test_a_stranger_cannot_leave(connection: Connection) -> None:
    with pytest.raises(UnknownSubscriberError, match=r"nobody@example\.org"):
        unsubscribe(connection, "nobody@example.org", None, NOW)


def test_a_bounce_closes_the_record_and_keeps_the_wishes(connection: Connection) -> None:
    add(connection, a_reader())
    assert suppress(connection, ANN, SubscriberStatus.BOUNCED, LATER)
    assert found(connection).status is SubscriberStatus.BOUNCED
    assert found(connection).newsletters == ("weekly",)


def test_a_complaint_ends_every_subscription(connection: Connection) -> None:
    add(connection, a_reader())
    assert suppress(connection, ANN, SubscriberStatus.COMPLAINED, LATER)
    assert found(connection).status is SubscriberStatus.COMPLAINED
    assert found(connection).declined == ("weekly",)


def test_a_bounce_after_the_reader_left_is_no_news(connection: Connection) -> None:
    add(connection, a_reader(status=SubscriberStatus.UNSUBSCRIBED, newsletters=()))
    assert not suppress(connection, ANN, SubscriberStatus.BOUNCED, LATER)
    assert found(connection).status is SubscriberStatus.UNSUBSCRIBED


@pytest.mark.parametrize(
    "status", [SubscriberStatus.ACTIVE, SubscriberStatus.PENDING, SubscriberStatus.UNSUBSCRIBED]
)
def test_returned_mail_can_only_suppress(
    connection: Connection, status: SubscriberStatus
) -> None:
    add(connection, a_reader(status=SubscriberStatus.BOUNCED))
    with pytest.raises(RefusedTransitionError):
        suppress(connection, ANN, status, LATER)
    assert found(connection).status is SubscriberStatus.BOUNCED
