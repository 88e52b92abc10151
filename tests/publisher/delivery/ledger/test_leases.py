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


def test_a_lease_id_is_never_used_again(book: Book) -> None:
    with book.writing() as connection:
        leases.release_lease(connection, book.lease_id)
    assert known(book) == {}
    assert book.enlist() > book.lease_id


def test_a_lease_can_be_renewed_until_it_is_revoked(book: Book) -> None:
    with book.writing() as connection:
        assert leases.renew_lease(connection, book.lease_id, 2_000.5)
    assert known(book)[book.lease_id].expires_at == 2_000.5
    book.dismiss()
    with book.writing() as connection:
        assert not leases.renew_lease(connection, book.lease_id, 3_000.0)
    assert known(book) == {}


def test_revoking_frees_claimed_rows_and_puts_attempts_in_doubt(book: Book) -> None:
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


def test_revoking_an_idempotent_lease_frees_every_row(house: House) -> None:
    book = open_book(house, ANN, BOB, guarantee="idempotent")
    attempted = book.begin(1)
    book.claim(1)
    book.dismiss()
    assert set(book.states.values()) == {"pending"}
    assert {row.epoch for row in book.rows.values()} == {2}
    assert book.settle(attempted, S.SENT) == set()


def test_rows_of_other_leases_are_left_alone(book: Book) -> None:
    other = book.enlist()
    book.mark(book.claim(1, lease_id=other))
    book.claim(1, lease_id=other)
    book.begin(1)
    book.dismiss()
    assert book.states == {ANN: "attempting", BOB: "claimed", CYD: "in_doubt"}
    assert known(book).keys() == {other}


def test_a_revoked_claim_can_t_be_attempted(book: Book) -> None:
    claims = book.claim()
    book.dismiss()
    assert book.mark(claims) == []
    assert book.counts == {"pending": 3}


@pytest.mark.parametrize("guarantee", ["ambiguous", "idempotent"])
def test_a_lease_renewed_meanwhile_is_not_revoked(book: Book, guarantee: Guarantee) -> None:
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


def test_a_lease_is_revoked_once(book: Book) -> None:
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


def test_a_lease_that_still_holds_rows_is_not_deleted(book: Book) -> None:
    claims = book.begin(1)
    with book.writing() as connection:
        leases.release_lease(connection, book.lease_id)
    assert known(book).keys() == {book.lease_id}
    book.settle(claims, S.SENT)
    with book.writing() as connection:
        leases.release_lease(connection, book.lease_id)
    assert known(book) == {}
