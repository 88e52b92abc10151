"""How many stand where: always those of the rows, and kept once an issue is over."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from publisher.delivery.ledger import counts
from publisher.delivery.states import DeliveryState, summarise_counts
from publisher.delivery.tables import delivery_count
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.ledger.open_ledgers import (
    ANN,
    BOB,
    CYD,
    LATER,
    OpenLedger,
    S,
    open_test_ledger,
)


def test_counts_add_up_for_each_issue(publication: PublicationFolder) -> None:
    ledger, other = (
        open_test_ledger(publication, ANN, BOB, CYD),
        open_test_ledger(publication, language="ar"),
    )
    ledger.settle(ledger.begin(1), S.SENT)
    ledger.claim(1)
    with publication.database.reading() as connection:
        found = counts.count_deliveries(connection, [ledger.number, other.number])
    assert found == {
        ledger.number: {"sent": 1, "claimed": 1, "pending": 1},
        other.number: Counter(),
    }


def test_rows_that_moved_are_counted_again_from_how_many_there_are(
    publication: PublicationFolder,
) -> None:
    ledger = open_test_ledger(publication, ANN, BOB, CYD)
    with publication.database.reading() as connection:
        before = counts.count_rows(connection, [ledger.number])[ledger.number]
    for state in (S.SENT, S.BOUNCED):
        ledger.settle(ledger.begin(1), state)
        with publication.database.reading() as connection:
            found = counts.recount_rows(connection, ledger.number, before)
            assert found == counts.count_rows(connection, [ledger.number])[ledger.number]
    with publication.database.reading() as connection:
        assert counts.recount_rows(connection, ledger.number, {}) == found


@pytest.mark.sqlite("a server counts all rows in one pass")
def test_rows_behind_the_next_ones_are_counted_once_until_they_are_claimed(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "_HEAD", 3)
    names = [f"reader.{number}@example.com" for number in range(9)]
    ledger = open_test_ledger(publication, *names)
    ledger.age(names[4], next_at=NOW - timedelta(seconds=1))
    ledger.age(names[5], next_at=NOW + timedelta(hours=1))
    with publication.database.reading() as connection:
        before = counts.count_rows(connection, [ledger.number])[ledger.number]
        tail = counts.find_tail(connection, ledger.number)
    assert tail is not None
    # Three come before: the one who is due already, and two of the others. One is due later.
    assert tail.count == 5
    for state in (S.SENT, S.BOUNCED, S.PENDING, S.SENT, S.FAILED, S.SENT, S.SENT, S.SENT):
        ledger.settle(ledger.begin(1), state, next_at=NOW)
        with publication.database.reading() as connection:
            found = counts.recount_rows(connection, ledger.number, before, tail)
            assert found == counts.count_rows(connection, [ledger.number])[ledger.number]


def test_every_state_is_counted(publication: PublicationFolder) -> None:
    emails = [f"{state}@example.com" for state in DeliveryState]
    ledger = open_test_ledger(publication, *emails)
    with publication.database.writing() as connection:
        connection.exec_driver_sql("CREATE TEMP TABLE aside AS SELECT * FROM delivery")
        connection.exec_driver_sql("DELETE FROM delivery")
        for number, state in enumerate(DeliveryState, start=1):
            connection.exec_driver_sql(
                f"UPDATE aside SET state = '{state}' WHERE subscriber_id = {number}"
            )
        connection.exec_driver_sql("INSERT INTO delivery SELECT * FROM aside")
    assert ledger.counts == dict.fromkeys(DeliveryState, 1)
    assert sum(summarise_counts(ledger.counts).values()) == len(DeliveryState)


def test_stored_counts_are_used_instead_of_the_rows(ledger: OpenLedger) -> None:
    ledger.settle(ledger.begin(), S.SENT)
    with ledger.writing() as connection:
        assert counts.store_counts(connection, ledger.number) == {"sent": 3}
        connection.execute(delivery_count.update().values(count=7))
        assert counts.count_deliveries(connection, [ledger.number]) == {
            ledger.number: {"sent": 7}
        }
        assert counts.count_rows(connection, [ledger.number]) == {ledger.number: {"sent": 3}}


def test_deleted_counts_are_counted_again(ledger: OpenLedger) -> None:
    with ledger.writing() as connection:
        counts.store_counts(connection, ledger.number)
    claims = ledger.begin()
    assert ledger.counts == {"pending": 3}
    with ledger.writing() as connection:
        counts.delete_counts(connection, ledger.number)
    assert ledger.counts == {"attempting": 3}
    ledger.settle(claims, S.DEFERRED, next_at=LATER)
    assert ledger.counts == {"deferred": 3}
