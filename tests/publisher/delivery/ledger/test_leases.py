"""Who may send, and what becomes of rows whose holder is gone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from publisher.delivery.ledger import leases
from publisher.delivery.transports.base import Guarantee
from tests.publisher.conftest import House
from tests.publisher.delivery.ledger.books import (
    ANN,
    BOB,
    CYD,
    LATER,
    LEASE_UNTIL,
    Book,
    S,
    open_book,
)


def known(book: Book) -> dict[int, leases.SendLease]:
    with book.writing() as connection:
        return {one.id: one for one in leases.list_leases(connection)}


def test_a_sender_is_known_by_what_it_has_said(book: Book) -> None:
    lease_id = leases.SendLease(book.lease_id, LEASE_UNTIL, "test", "ambiguous", "x.lock")
    assert known(book) == {book.lease_id: lease_id}


def test_a_number_is_never_used_again(book: Book) -> None:
    with book.writing() as connection:
        leases.release_lease(connection, book.lease_id)
    assert known(book) == {}
    assert book.enlist() > book.lease_id


def test_a_lease_can_be_renewed_until_it_is_lost(book: Book) -> None:
    with book.writing() as connection:
        assert leases.renew_lease(connection, book.lease_id, 2_000.5)
    assert known(book)[book.lease_id].expires_at == 2_000.5
    book.dismiss()
    with book.writing() as connection:
        assert not leases.renew_lease(connection, book.lease_id, 3_000.0)
    assert known(book) == {}


def test_what_was_claimed_is_free_and_what_was_attempted_in_doubt(book: Book) -> None:
    book.begin(1)
    book.claim(1)
    book.dismiss()
    ann, bob = book.rows[ANN], book.rows[BOB]
    assert (ann.state, ann.lease_id, ann.reason) == (
        "in_doubt",
        None,
        leases.INTERRUPTED_REASON,
    )
    assert (bob.state, bob.lease_id, bob.reason) == ("pending", None, None)
    # The answer may come after all; a claim can't be marked any more.
    assert (ann.epoch, bob.epoch) == (1, 2)
    assert (ann.changed_at, bob.changed_at) == (LATER, LATER)


def test_where_twice_is_the_same_as_once_all_of_it_is_free(house: House) -> None:
    book = open_book(house, ANN, BOB, guarantee="idempotent")
    attempted = book.begin(1)
    book.claim(1)
    book.dismiss()
    assert set(book.states.values()) == {"pending"}
    assert {row.epoch for row in book.rows.values()} == {2}
    assert book.settle(attempted, S.SENT) == set()


def test_how_many_were_taken_back_is_told(book: Book) -> None:
    book.begin(2)
    book.claim(1)
    with book.writing() as connection:
        (gone,) = leases.list_leases(connection)
        assert leases.revoke_lease(connection, gone, LATER) == leases.RecoveredRows(1, 2)


def test_what_others_hold_is_left_alone(book: Book) -> None:
    other = book.enlist()
    book.mark(book.claim(1, lease_id=other))
    book.claim(1, lease_id=other)
    book.begin(1)
    book.dismiss()
    assert book.states == {ANN: "attempting", BOB: "claimed", CYD: "in_doubt"}
    assert known(book).keys() == {other}


def test_a_claim_that_was_taken_back_cannot_be_marked(book: Book) -> None:
    claims = book.claim()
    book.dismiss()
    assert book.mark(claims) == []
    assert book.counts == {"pending": 3}


@pytest.mark.parametrize("guarantee", ["ambiguous", "idempotent"])
def test_who_has_renewed_meanwhile_loses_nothing(book: Book, guarantee: Guarantee) -> None:
    book.begin(1)
    book.claim(1)
    before = book.rows
    with book.writing() as connection:
        (looked_at,) = leases.list_leases(connection)
        leases.renew_lease(connection, book.lease_id, LEASE_UNTIL + 1)
        gone = replace(looked_at, guarantee=guarantee)
        assert leases.revoke_lease(connection, gone, LATER) is None
    assert book.rows == before
    assert known(book).keys() == {book.lease_id}


def test_nobody_is_dismissed_twice(book: Book) -> None:
    gone = known(book)[book.lease_id]
    with book.writing() as connection:
        assert leases.revoke_lease(connection, gone, LATER) == leases.RecoveredRows()
        assert leases.revoke_lease(connection, gone, LATER) is None


@pytest.mark.parametrize("stopped", ["pause", "cancel"])
def test_rows_of_a_stopped_issue_are_taken_back_too(book: Book, stopped: str) -> None:
    book.begin(1)
    getattr(book, stopped)()
    book.dismiss()
    assert book.states[ANN] == "in_doubt"


def test_who_holds_something_still_is_not_struck_out(book: Book) -> None:
    claims = book.begin(1)
    with book.writing() as connection:
        leases.release_lease(connection, book.lease_id)
    assert known(book).keys() == {book.lease_id}
    book.settle(claims, S.SENT)
    with book.writing() as connection:
        leases.release_lease(connection, book.lease_id)
    assert known(book) == {}
