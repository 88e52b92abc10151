from __future__ import annotations

from typing import TYPE_CHECKING

from subscribers.changes import unsubscribe
from subscribers.history import events_between, load_events, load_history
from subscribers.model import (
    ConsentSource,
    SubscriberEvent,
    SubscriberStatus,
    SubscriptionRecord,
)
from tests.subscribers.conftest import LATER, NOW, PUBLICATION, a_subscriber, add
from tests.subscribers.importing import import_csv

if TYPE_CHECKING:
    from sqlalchemy import Connection

PENDING, ACTIVE, UNSUBSCRIBED, BOUNCED, COMPLAINED = SubscriberStatus
IMPORT = ConsentSource.IMPORT


def imported(connection: Connection, *lines: str) -> None:
    header = "email,newsletters,status\n"
    import_csv(connection, [header, *(f"{line}\n" for line in lines)], now=LATER, **PUBLICATION)


def test_events_begin_with_the_subscriber_and_go_on_by_newsletter() -> None:
    before = a_subscriber(newsletters=("daily", "weekly"))
    after = a_subscriber(
        newsletters=("monthly", "weekly"), declined=("x",), status=BOUNCED, name="Other"
    )
    assert list(events_between(before, after, NOW, IMPORT)) == [
        SubscriberEvent(NOW, None, ACTIVE, BOUNCED, IMPORT),
        SubscriberEvent(NOW, "daily", ACTIVE, None, IMPORT),
        SubscriberEvent(NOW, "monthly", None, ACTIVE, IMPORT),
        SubscriberEvent(NOW, "x", None, UNSUBSCRIBED, IMPORT),
    ]


def test_a_new_subscriber_has_a_date_and_a_source_and_no_events(
    connection: Connection,
) -> None:
    imported(connection, "ann@example.org,weekly,")
    history = load_history(connection, 1)
    assert history.created_at == LATER
    assert history.subscriptions == (SubscriptionRecord("weekly", ACTIVE, IMPORT, None),)
    assert history.events == ()


def test_an_import_that_changes_consent_leaves_events(connection: Connection) -> None:
    add(connection, a_subscriber(), a_subscriber("bob@example.org"), a_subscriber("cyd@x.org"))
    imported(
        connection,
        "ann@example.org,weekly daily,",
        "bob@example.org,weekly,unsubscribed",
        "cyd@x.org,weekly,active",
    )
    assert load_events(connection, 1) == [SubscriberEvent(LATER, "daily", None, ACTIVE, IMPORT)]
    assert load_events(connection, 2) == [
        SubscriberEvent(LATER, None, ACTIVE, UNSUBSCRIBED, IMPORT),
        SubscriberEvent(LATER, "weekly", ACTIVE, UNSUBSCRIBED, IMPORT),
    ]
    assert load_events(connection, 3) == []


def test_a_history_is_of_one_subscriber(connection: Connection) -> None:
    add(connection, a_subscriber(), a_subscriber("bob@example.org"))
    unsubscribe(connection, "ann@example.org", None, LATER)
    assert len(load_history(connection, 1).events) == 2
    assert load_history(connection, 2).events == ()
