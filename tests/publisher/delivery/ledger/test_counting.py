"""How many stand where: always those of the rows, and kept once an issue is over."""

from __future__ import annotations

from collections import Counter

from publisher.delivery.ledger import counts
from publisher.delivery.states import DeliveryState, summarize_counts
from publisher.delivery.tables import delivery_count
from tests.publisher.conftest import House
from tests.publisher.delivery.ledger.books import ANN, BOB, CYD, LATER, Book, S, open_book


def test_counts_add_up_for_each_issue(house: House) -> None:
    book, other = open_book(house, ANN, BOB, CYD), open_book(house, language="ar")
    book.settle(book.begin(1), S.SENT)
    book.claim(1)
    with house.database.reading() as connection:
        found = counts.count_deliveries(connection, [book.number, other.number])
    assert found == {
        book.number: {"sent": 1, "claimed": 1, "pending": 1},
        other.number: Counter(),
    }


def test_every_state_is_counted(house: House) -> None:
    emails = [f"{state}@example.com" for state in DeliveryState]
    book = open_book(house, *emails)
    with house.database.writing() as connection:
        connection.exec_driver_sql("CREATE TEMP TABLE aside AS SELECT * FROM delivery")
        connection.exec_driver_sql("DELETE FROM delivery")
        for number, state in enumerate(DeliveryState, start=1):
            connection.exec_driver_sql(
                "UPDATE aside SET state = ? WHERE subscriber_id = ?", (state, number)
            )
        connection.exec_driver_sql("INSERT INTO delivery SELECT * FROM aside")
    assert book.counts == dict.fromkeys(DeliveryState, 1)
    assert sum(summarize_counts(book.counts).values()) == len(DeliveryState)


def test_stored_counts_are_used_instead_of_the_rows(book: Book) -> None:
    book.settle(book.begin(), S.SENT)
    with book.writing() as connection:
        assert counts.store_counts(connection, book.number) == {"sent": 3}
        connection.execute(delivery_count.update().values(count=7))
        assert counts.count_deliveries(connection, [book.number]) == {book.number: {"sent": 7}}
        assert counts.count_rows(connection, [book.number]) == {book.number: {"sent": 3}}


def test_deleted_counts_are_counted_again(book: Book) -> None:
    with book.writing() as connection:
        counts.store_counts(connection, book.number)
    claims = book.begin()
    assert book.counts == {"pending": 3}
    with book.writing() as connection:
        counts.delete_counts(connection, book.number)
    assert book.counts == {"attempting": 3}
    book.settle(claims, S.DEFERRED, next_at=LATER)
    assert book.counts == {"deferred": 3}
