"""Changes of subscriptions, and the history of them that is stored."""

from datetime import datetime

import pytest
from sqlalchemy import Connection, select

from subscribers.changes import resubscribe, suppress
from subscribers.consent_records import events_between, load_events, load_history
from subscribers.errors import LostSubscriptionsError, RefusedTransitionError
from subscribers.model import (
    ConsentSource,
    Subscriber,
    SubscriberEvent,
    SubscriberStatus,
    SubscriptionRecord,
)
from subscribers.store import known_subscriber
from subscribers.tables import subscriber, subscription
from tests.subscribers.conftest import LATER, NOW, a_subscriber, add
from tests.subscribers.importing import import_csv
from tests.subscribers.leaving import unsubscribe

ANN = "ann@example.org"
PENDING, ACTIVE, UNSUBSCRIBED, BOUNCED, COMPLAINED = SubscriberStatus


def found(connection: Connection) -> Subscriber:
    return known_subscriber(connection, ANN)


def touched(connection: Connection) -> datetime | None:
    return connection.execute(select(subscriber.c.updated_at)).scalar()


def test_unsubscribing_from_one_newsletter_keeps_the_others(connection: Connection) -> None:
    add(connection, a_subscriber(newsletters=("daily", "weekly")))
    assert unsubscribe(connection, ANN, "daily", LATER)
    person = found(connection)
    assert (person.newsletters, person.declined) == (("weekly",), ("daily",))
    assert person.status is ACTIVE
    assert touched(connection) == LATER


def test_unsubscribing_from_all_ends_every_subscription(connection: Connection) -> None:
    add(connection, a_subscriber(newsletters=("daily",), pending=("weekly",)))
    assert unsubscribe(connection, ANN, None, LATER)
    person = found(connection)
    assert person.status is UNSUBSCRIBED
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
    assert sorted(sources) == ["import", "subscriber"]


@pytest.mark.parametrize(
    ("status", "kept"), [(BOUNCED, {"weekly": ACTIVE}), (COMPLAINED, {"weekly": UNSUBSCRIBED})]
)
def test_a_bounce_keeps_the_subscriptions_and_a_complaint_ends_every_one(
    connection: Connection, status: SubscriberStatus, kept: dict[str, SubscriberStatus]
) -> None:
    add(connection, a_subscriber())
    assert suppress(connection, ANN, status, LATER)
    assert (found(connection).status, found(connection).subscriptions) == (status, kept)


def test_a_weaker_reason_changes_nothing_of_a_closed_record_and_is_no_event(
    connection: Connection,
) -> None:
    add(connection, a_subscriber(status=UNSUBSCRIBED, newsletters=()))
    assert not suppress(connection, ANN, BOUNCED, LATER)
    assert not unsubscribe(connection, ANN, None, LATER)
    assert load_events(connection, 1) == []
    assert suppress(connection, ANN, COMPLAINED, LATER)
    assert not unsubscribe(connection, ANN, None, LATER, source=ConsentSource.OWNER)
    assert found(connection).status is COMPLAINED


@pytest.mark.parametrize("status", [ACTIVE, PENDING])
def test_returned_mail_can_only_suppress(
    connection: Connection, status: SubscriberStatus
) -> None:
    add(connection, a_subscriber(status=BOUNCED))
    with pytest.raises(RefusedTransitionError):
        suppress(connection, ANN, status, LATER)
    assert found(connection).status is BOUNCED


def test_resubscribing_brings_back_what_ended_with_the_record_and_nothing_else(
    connection: Connection,
) -> None:
    add(connection, a_subscriber(newsletters=("daily", "weekly"), pending=("monthly",)))
    unsubscribe(connection, ANN, "daily", NOW)
    unsubscribe(connection, ANN, None, NOW, source=ConsentSource.OWNER)
    assert resubscribe(connection, ANN, None, LATER)
    person = found(connection)
    assert person.status is ACTIVE
    assert (person.newsletters, person.pending, person.declined) == (
        ("weekly",),
        ("monthly",),
        ("daily",),
    )
    assert touched(connection) == LATER


def test_resubscribing_to_one_newsletter_leaves_the_others(connection: Connection) -> None:
    add(connection, a_subscriber(newsletters=("daily", "weekly")))
    unsubscribe(connection, ANN, None, NOW)
    assert resubscribe(connection, ANN, "weekly", LATER)
    person = found(connection)
    assert (person.status, person.newsletters, person.declined) == (
        ACTIVE,
        ("weekly",),
        ("daily",),
    )


def test_the_day_on_which_the_owner_resubscribes_is_the_day_of_consent(
    connection: Connection,
) -> None:
    add(connection, a_subscriber())
    unsubscribe(connection, ANN, "weekly", NOW)
    resubscribe(connection, ANN, "weekly", LATER)
    row = connection.execute(select(subscription.c.source, subscription.c.consented_at)).one()
    assert tuple(row) == (ConsentSource.OWNER, LATER)


@pytest.mark.parametrize("newsletter", ["weekly", None])
def test_resubscribing_twice_changes_nothing(
    connection: Connection, newsletter: str | None
) -> None:
    add(connection, a_subscriber())
    unsubscribe(connection, ANN, None, NOW)
    assert resubscribe(connection, ANN, newsletter, NOW)
    assert not resubscribe(connection, ANN, newsletter, LATER)
    assert touched(connection) == NOW


def test_resubscribing_undoes_a_bounce(connection: Connection) -> None:
    add(connection, a_subscriber())
    suppress(connection, ANN, BOUNCED, NOW)
    assert resubscribe(connection, ANN, None, LATER)
    assert (found(connection).status, found(connection).newsletters) == (ACTIVE, ("weekly",))


def test_an_address_that_bounced_before_it_was_confirmed_waits_for_that_again(
    connection: Connection,
) -> None:
    add(connection, a_subscriber(status=PENDING))
    suppress(connection, ANN, BOUNCED, NOW)
    unsubscribe(connection, ANN, None, NOW)
    resubscribe(connection, ANN, None, LATER)
    assert found(connection).status is PENDING


@pytest.mark.parametrize(
    ("status", "why"),
    [(COMPLAINED, "reported the mail as spam"), (PENDING, "only the subscriber can confirm")],
)
@pytest.mark.parametrize("newsletter", ["weekly", None])
def test_the_owner_undoes_no_complaint_and_confirms_for_nobody(
    connection: Connection, status: SubscriberStatus, why: str, newsletter: str | None
) -> None:
    add(connection, a_subscriber(status=status))
    with pytest.raises(RefusedTransitionError, match=why):
        resubscribe(connection, ANN, newsletter, LATER)
    assert found(connection) == a_subscriber(id=1, status=status)


def test_the_owner_confirms_no_single_newsletter_either(connection: Connection) -> None:
    add(connection, a_subscriber(newsletters=(), pending=("weekly",)))
    with pytest.raises(RefusedTransitionError, match="only the subscriber can confirm"):
        resubscribe(connection, ANN, "weekly", LATER)


def test_without_a_history_the_owner_has_to_name_the_newsletter(connection: Connection) -> None:
    add(connection, a_subscriber(status=UNSUBSCRIBED, newsletters=(), declined=("weekly",)))
    with pytest.raises(LostSubscriptionsError, match=r"ann@example\.org"):
        resubscribe(connection, ANN, None, LATER)
    assert resubscribe(connection, ANN, "weekly", LATER)
    assert found(connection).newsletters == ("weekly",)


def test_each_change_is_an_event_with_its_source_and_note(connection: Connection) -> None:
    add(connection, a_subscriber(newsletters=("daily", "weekly")))
    unsubscribe(connection, ANN, "daily", NOW)
    unsubscribe(connection, ANN, None, NOW, source=ConsentSource.OWNER, note="by telephone")
    resubscribe(connection, ANN, None, LATER, note="a mistake")
    suppress(connection, ANN, COMPLAINED, LATER)
    owner, mail, left = ConsentSource.OWNER, ConsentSource.MAIL, UNSUBSCRIBED
    assert load_events(connection, 1) == [
        SubscriberEvent(NOW, "daily", ACTIVE, left, ConsentSource.SUBSCRIBER),
        SubscriberEvent(NOW, None, ACTIVE, left, owner, "by telephone"),
        SubscriberEvent(NOW, "weekly", ACTIVE, left, owner, "by telephone"),
        SubscriberEvent(LATER, None, left, ACTIVE, owner, "a mistake"),
        SubscriberEvent(LATER, "weekly", left, ACTIVE, owner, "a mistake"),
        SubscriberEvent(LATER, None, ACTIVE, COMPLAINED, mail),
        SubscriberEvent(LATER, "weekly", ACTIVE, left, mail),
    ]


IMPORT = ConsentSource.IMPORT


def imported(connection: Connection, *lines: str) -> None:
    header = "email,newsletters,status\n"
    import_csv(connection, [header, *(f"{line}\n" for line in lines)], now=LATER)


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


def test_a_new_subscriber_has_a_date_and_a_source_and_no_events(connection: Connection) -> None:
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
