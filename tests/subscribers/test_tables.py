from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from subscribers.errors import NaiveDatetimeError
from subscribers.tables import subscriber, subscribers_metadata, subscription
from tests.subscribers.conftest import NOW, a_subscriber, add

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table


def test_instants_are_stored_as_text_in_utc_and_whole_seconds(connection: Connection) -> None:
    add(connection, a_subscriber())
    there = datetime(2026, 1, 9, 20, 30, 15, 999, tzinfo=timezone(timedelta(hours=8)))
    connection.execute(update(subscription).values(consented_at=there))
    assert connection.execute(text("SELECT consented_at FROM subscription")).scalar() == (
        "2026-01-09T12:30:15Z"
    )
    assert connection.execute(select(subscription.c.consented_at)).scalar() == datetime(
        2026, 1, 9, 12, 30, 15, tzinfo=UTC
    )


def test_a_naive_time_is_refused(connection: Connection) -> None:
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(NaiveDatetimeError) as caught:
        connection.execute(update(subscriber).values(updated_at=naive))
    assert caught.value.value == naive


def test_erasing_a_subscriber_erases_the_subscriptions(connection: Connection) -> None:
    add(connection, a_subscriber())
    connection.execute(delete(subscriber))
    assert connection.execute(select(func.count()).select_from(subscription)).scalar() == 0


def test_an_id_is_never_reused(connection: Connection) -> None:
    add(connection, a_subscriber("a@example.org"))
    connection.execute(delete(subscriber))
    add(connection, a_subscriber("b@example.org"))
    assert connection.execute(select(subscriber.c.id)).scalar() == 2


@pytest.mark.parametrize(
    ("table", "values", "name"),
    [
        (subscriber, {"status": "asleep", "email": "b@example.org"}, "ck_subscriber_status"),
        (subscriber, {"status": "active", "email": "ann@example.org"}, "subscriber.email"),
    ],
)
def test_the_database_refuses_unknown_statuses_and_repeated_addresses(
    connection: Connection, table: Table, values: dict[str, str], name: str
) -> None:
    add(connection, a_subscriber())
    more = {"address": "x", "language": "en", "created_at": NOW, "updated_at": NOW}
    with pytest.raises(IntegrityError, match=name):
        connection.execute(insert(table).values(**values, **more))


def test_a_subscription_cannot_bounce(connection: Connection) -> None:
    add(connection, a_subscriber())
    with pytest.raises(IntegrityError, match="ck_subscription_status"):
        connection.execute(update(subscription).values(status="bounced"))


def test_every_constraint_and_index_has_a_name() -> None:
    for table in subscribers_metadata.tables.values():
        assert all(part.name for part in table.constraints)
        assert all(part.name for part in table.indexes)
