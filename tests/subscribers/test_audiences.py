from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import product

import pytest
from sqlalchemy import Connection, literal, select, text, update

from subscribers.audiences import has_audience, load_recipients, select_audience, still_wanted
from subscribers.model import Recipient, SubscriberStatus
from subscribers.preferences import Cadence, pause_subscriber
from subscribers.tables import subscription
from tests.subscribers.conftest import LATER, a_subscriber, add
from tests.subscribers.leaving import unsubscribe


@pytest.fixture(autouse=True)
def _subscribers(connection: Connection) -> None:
    add(
        connection,
        a_subscriber("one@example.org"),
        a_subscriber("two@example.org", language="ar", timezone="Asia/Dubai"),
        a_subscriber("three@example.org", newsletters=("daily", "weekly"), language="zh-Hans"),
        a_subscriber("four@example.org", newsletters=(), declined=("weekly",)),
        a_subscriber("five@example.org", newsletters=(), pending=("weekly",)),
        a_subscriber("six@example.org", status=SubscriberStatus.PENDING),
        a_subscriber("seven@example.org", status=SubscriberStatus.BOUNCED),
        a_subscriber("eight@example.org"),
    )


@pytest.mark.sqlite("its query plans")
def test_an_audience_is_read_in_order_without_sorting(connection: Connection) -> None:
    chosen = select_audience("weekly", ["en", "ar"], LATER).compile(
        connection, compile_kwargs={"literal_binds": True}
    )
    plan = [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {chosen}"))]
    assert "COVERING INDEX ix_subscription_newsletter_status_cadence_subscriber_id" in plan[0]
    assert not any("TEMP B-TREE" in step or step.startswith("SCAN") for step in plan)


def test_recipients_are_sorted_by_id_without_erased_ones(connection: Connection) -> None:
    assert load_recipients(connection, [2, 99, 1]) == [
        Recipient(1, "one@example.org", "Ann Example", "en", None),
        Recipient(2, "two@example.org", "Ann Example", "ar", "Asia/Dubai"),
    ]


def choose(connection: Connection, number: int, cadence: Cadence) -> None:
    here = subscription.c.subscriber_id == number
    connection.execute(update(subscription).where(here).values(cadence=cadence))


def who(
    connection: Connection,
    newsletter: str,
    now: datetime = LATER,
    languages: Collection[str] = ("en", "ar", "zh-Hans"),
) -> list[int]:
    audience = select_audience(newsletter, languages, now)
    return list(connection.execute(audience).scalars().all())


def wants(connection: Connection, newsletter: str, number: int, now: datetime = LATER) -> bool:
    """Return whether a subscriber still wants a newsletter once its ledger was opened."""
    condition = still_wanted(literal(newsletter), literal(number), now)
    return bool(connection.execute(select(condition)).scalar_one())


def test_an_audience_has_active_subscribers_with_an_active_subscription_in_its_languages(
    connection: Connection,
) -> None:
    assert who(connection, "weekly") == [1, 2, 3, 8]
    assert who(connection, "weekly", languages={"ar", "fr"}) == [2]
    assert who(connection, "daily", languages=["zh-Hans"]) == [3]


def test_who_unsubscribes_after_the_ledger_was_opened_wants_it_no_more(
    connection: Connection,
) -> None:
    unsubscribe(connection, "one@example.org", "weekly", LATER)
    assert [wants(connection, "weekly", number) for number in (1, 8)] == [False, True]


def test_who_has_chosen_a_digest_gets_it_instead_of_the_issues(connection: Connection) -> None:
    choose(connection, 2, Cadence.MONTHLY)
    choose(connection, 3, Cadence.DAILY)
    assert who(connection, "weekly") == [1, 8]
    assert who(connection, "weekly.monthly") == [2]
    assert (who(connection, "weekly.daily"), who(connection, "daily.daily")) == ([3], [3])
    assert has_audience(connection, "weekly.monthly")
    assert not has_audience(connection, "daily.monthly")
    keys = ("weekly", "weekly.daily", "weekly.monthly", "daily", "daily.daily")
    for key, number in product(keys, range(1, 9)):
        assert wants(connection, key, number) == (number in who(connection, key)), (key, number)


def test_nobody_gets_anything_during_a_pause(connection: Connection) -> None:
    end = LATER + timedelta(days=3)
    pause_subscriber(connection, 2, end, LATER)
    assert who(connection, "weekly") == [1, 3, 8]
    assert who(connection, "weekly", end - timedelta(seconds=1)) == [1, 3, 8]
    assert who(connection, "weekly", end) == [1, 2, 3, 8]
    assert [wants(connection, "weekly", 2, now) for now in (LATER, end)] == [False, True]
    assert has_audience(connection, "weekly")
