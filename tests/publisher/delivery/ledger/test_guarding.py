"""The guard of the tests themselves: what it refuses, and that every test has it."""

from __future__ import annotations

from itertools import product

import pytest
from sqlalchemy import delete, insert

from publisher.delivery.states import DELIVERY_TRANSITIONS, DeliveryState
from publisher.delivery.tables import delivery
from publisher.errors import DatabaseError
from tests.publisher.delivery.ledger.books import ANN, Book


def put(book: Book, state: DeliveryState) -> None:
    """Put a row where it stands by no verb."""
    row = {**book.rows[ANN]._mapping, "state": state}
    with book.writing() as connection:
        connection.execute(
            delete(delivery).where(delivery.c.subscriber_id == row["subscriber_id"])
        )
        connection.execute(insert(delivery).values(row))


def test_rows_go_along_arrows_or_stay_and_all_else_is_refused(book: Book) -> None:
    refused = 0
    for source, target in product(DeliveryState, DeliveryState):
        put(book, source)
        if target is source or target in DELIVERY_TRANSITIONS[source]:
            book.age(ANN, state=target)
            assert book.states[ANN] == target
        else:
            with pytest.raises(DatabaseError, match=f"no arrow leads there from {source}"):
                book.age(ANN, state=target)
            assert book.states[ANN] == source
            refused += 1
    assert refused == len(DeliveryState) * 9 - sum(map(len, DELIVERY_TRANSITIONS.values()))


def test_an_epoch_that_falls_is_refused(book: Book) -> None:
    book.age(ANN, epoch=2)
    book.age(ANN, epoch=2)
    with pytest.raises(DatabaseError, match="an epoch never falls"):
        book.age(ANN, epoch=1)
    assert book.rows[ANN].epoch == 2
