"""Subscribers as they are stored, and what is left of those that are erased."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Connection, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from subscribers import audiences, errors, store
from subscribers.errors import (
    BadRow,
    NaiveDatetimeError,
    RowReason,
    SubscribersError,
    UnknownSubscriberError,
)
from subscribers.model import SubscriberStatus
from subscribers.tables import erased_address, subscriber, subscribers_metadata, subscription
from tests.subscribers.conftest import LATER, NOW, a_subscriber, add, digest
from tests.subscribers.importing import import_csv
from tests.subscribers.leaving import unsubscribe

ANN = "ann@example.org"


def test_a_subscriber_is_found_by_any_spelling_of_the_address(connection: Connection) -> None:
    add(connection, a_subscriber("Ann@example.org", newsletters=("daily", "weekly")))
    person = store.known_subscriber(connection, "ANN@Example.Org")
    assert person == a_subscriber("Ann@example.org", id=1, newsletters=("daily", "weekly"))


def test_all_subscribers_are_listed_by_id(connection: Connection) -> None:
    add(
        connection, a_subscriber("b@example.org", newsletters=()), a_subscriber("a@example.org")
    )
    add(connection, a_subscriber("c@example.org", newsletters=("x", "y"), pending=("z",)))
    listed = list(store.list_subscribers(connection))
    assert [person.email[0] for person in listed] == ["b", "a", "c"]
    assert [len(person.subscriptions) for person in listed] == [0, 1, 3]
    # A limit counts subscribers, and not subscriptions.
    connection.execute(delete(subscriber).where(subscriber.c.id < 3))
    add(connection, a_subscriber("d@example.org"))
    limited = store.list_subscribers(connection, limit=1)
    assert [person.email[0] for person in limited] == ["c"]


def test_only_active_subscribers_are_counted(connection: Connection) -> None:
    add(connection, a_subscriber(), a_subscriber("b@example.org", language="ar"))
    add(connection, a_subscriber("c@example.org", status=SubscriberStatus.BOUNCED))
    assert audiences.count_subscribers_by_language(connection) == {"ar": 1, "en": 1}


def test_an_unknown_address_is_an_error(connection: Connection) -> None:
    with pytest.raises(UnknownSubscriberError, match=r"nobody@example\.org"):
        store.known_subscriber(connection, "nobody@example.org")


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


def test_an_id_is_never_reused(connection: Connection) -> None:
    add(connection, a_subscriber("a@example.org"))
    connection.execute(delete(subscriber))
    add(connection, a_subscriber("b@example.org"))
    assert connection.execute(select(subscriber.c.id)).scalar() == 2


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"status": "asleep", "email": "b@example.org"}, "ck_subscriber_status"),
        ({"status": "active", "email": "ann@example.org"}, "subscriber.email"),
    ],
)
def test_the_database_refuses_unknown_statuses_and_repeated_addresses(
    connection: Connection, values: dict[str, str], name: str
) -> None:
    add(connection, a_subscriber())
    more = {"address": "x", "language": "en", "created_at": NOW, "updated_at": NOW}
    with pytest.raises(IntegrityError, match=name), connection.begin_nested():
        connection.execute(insert(subscriber).values(**values, **more))
    with pytest.raises(IntegrityError, match="ck_subscription_status"):
        connection.execute(update(subscription).values(status="bounced"))


def test_every_constraint_and_error_has_a_name_where_it_is_listed() -> None:
    for table in subscribers_metadata.tables.values():
        assert all(part.name for part in table.constraints)
        assert all(part.name for part in table.indexes)
    defined = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, SubscribersError)
    }
    drawn = {word for word in (errors.__doc__ or "").split() if word.endswith("Error")}
    assert drawn == defined


def test_subscriptions_are_sorted_by_name_and_can_be_set_again() -> None:
    person = a_subscriber(newsletters=("weekly",), pending=("daily",), declined=("monthly",))
    assert list(person.subscriptions) == ["daily", "monthly", "weekly"]
    assert person.with_subscriptions(person.subscriptions) == person


def test_a_bad_row_reads_as_one_line() -> None:
    reason = RowReason("it is empty")
    assert str(BadRow(3, "email", reason)) == "line 3: email: it is empty"
    assert str(BadRow(3, "", reason)) == "line 3: it is empty"


ERASED = "Ann@example.org"


def test_erasing_leaves_nothing_but_a_hash(connection: Connection) -> None:
    add(connection, a_subscriber(ERASED))
    unsubscribe(connection, ERASED, None, NOW, note="she asked")
    store.erase(connection, "ann@EXAMPLE.org", digest, NOW)
    for table in subscribers_metadata.tables.values():
        rows = connection.execute(select(table)).all()
        assert table is erased_address or rows == []
        assert "ann" not in str(rows).lower()
    assert store.erased_at(connection, ERASED, digest) == NOW


def test_without_erased_addresses_an_import_makes_no_hashes(connection: Connection) -> None:
    hashed: list[str] = []

    def noted(identity: str) -> str:
        hashed.append(identity)
        return digest(identity)

    import_csv(connection, ["email\n", f"{ANN}\n"], digest=noted, now=LATER)
    assert hashed == []
