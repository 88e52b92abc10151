from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, text, update

from subscribers.audiences import (
    count_audience_by_language,
    load_recipients,
    select_audience,
    still_wanted,
)
from subscribers.model import Recipient, SubscriberStatus
from subscribers.store import unsubscribe
from subscribers.tables import subscriber
from tests.subscribers.conftest import LATER, a_reader, add

if TYPE_CHECKING:
    from sqlalchemy import Connection

ledger = Table("ledger", MetaData(), Column("reader", Integer), Column("claimed", Integer))


@pytest.fixture(autouse=True)
def _readers(connection: Connection) -> None:
    add(
        connection,
        a_reader("one@example.org"),
        a_reader("two@example.org", language="ar", timezone="Asia/Dubai"),
        a_reader("three@example.org", newsletters=("daily", "weekly"), language="zh-Hans"),
        a_reader("four@example.org", newsletters=(), declined=("weekly",)),
        a_reader("five@example.org", newsletters=(), pending=("weekly",)),
        a_reader("six@example.org", status=SubscriberStatus.PENDING),
        a_reader("seven@example.org", status=SubscriberStatus.BOUNCED),
        a_reader("eight@example.org"),
    )
    ledger.create(connection)


def test_an_audience_is_the_active_readers_with_an_active_subscription(
    connection: Connection,
) -> None:
    chosen = select_audience("weekly", ["en", "ar", "zh-Hans"])
    assert connection.execute(chosen).scalars().all() == [1, 2, 3, 8]


def test_an_audience_holds_only_readers_of_its_languages(connection: Connection) -> None:
    assert connection.execute(select_audience("weekly", {"ar", "fr"})).scalars().all() == [2]
    assert connection.execute(select_audience("daily", ["zh-Hans"])).scalars().all() == [3]


@pytest.mark.parametrize(("newsletter", "languages"), [("weekly", []), ("hourly", ["en"])])
def test_an_audience_may_be_empty(
    connection: Connection, newsletter: str, languages: list[str]
) -> None:
    assert connection.execute(select_audience(newsletter, languages)).scalars().all() == []


def test_a_ledger_is_filled_from_an_audience_without_passing_through_python(
    connection: Connection,
) -> None:
    connection.execute(
        insert(ledger).from_select(["reader"], select_audience("weekly", ["en"]))
    )
    assert connection.execute(select(ledger.c.reader)).scalars().all() == [1, 8]


def test_an_audience_is_narrowed_by_its_column_id(connection: Connection) -> None:
    ids = select_audience("weekly", ["en"]).subquery()
    rest = select(ids.c.id).where(ids.c.id > 1).limit(5)
    assert connection.execute(rest).scalars().all() == [8]


def test_an_audience_is_read_in_order_without_sorting(connection: Connection) -> None:
    chosen = select_audience("weekly", ["en", "ar"]).compile(
        connection, compile_kwargs={"literal_binds": True}
    )
    plan = [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {chosen}"))]
    assert "COVERING INDEX ix_subscription_newsletter_status_subscriber_id" in plan[0]
    assert not any("TEMP B-TREE" in step or step.startswith("SCAN") for step in plan)


def test_a_claim_skips_those_who_left_since_the_ledger_was_made(connection: Connection) -> None:
    connection.execute(
        insert(ledger).from_select(["reader"], select_audience("weekly", ["en"]))
    )
    unsubscribe(connection, "one@example.org", "weekly", LATER)
    connection.execute(
        update(ledger).where(still_wanted("weekly", ledger.c.reader)).values(claimed=1)
    )
    rows = connection.execute(select(ledger.c.reader, ledger.c.claimed)).all()
    assert [tuple(row) for row in rows] == [(1, None), (8, 1)]


def test_consent_is_checked_inside_a_query_on_readers_too(connection: Connection) -> None:
    chosen = select(subscriber.c.id).where(still_wanted("weekly", subscriber.c.id))
    assert connection.execute(chosen.order_by(subscriber.c.id)).scalars().all() == [1, 2, 3, 8]


def test_readers_are_counted_by_language(connection: Connection) -> None:
    assert count_audience_by_language(connection, "weekly") == {"ar": 1, "en": 2, "zh-Hans": 1}
    assert count_audience_by_language(connection, "hourly") == {}


def test_recipients_come_by_id_and_without_the_erased(connection: Connection) -> None:
    assert load_recipients(connection, [2, 99, 1]) == [
        Recipient(1, "one@example.org", "Ann Example", "en", None),
        Recipient(2, "two@example.org", "Ann Example", "ar", "Asia/Dubai"),
    ]


def test_no_ids_give_no_recipients(connection: Connection) -> None:
    assert load_recipients(connection, []) == []
