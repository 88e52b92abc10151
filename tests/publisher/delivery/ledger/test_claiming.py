"""Rows are taken up, marked and put down, by whoever holds them and nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from publisher.delivery.ledger import attempts
from publisher.delivery.ledger import claims as claim_rows
from publisher.delivery.ledger.claims import UNSUBSCRIBED_REASON
from publisher.issues.states import IssueState
from subscribers import SubscriberStatus, suppress, unsubscribe
from tests.publisher.conftest import NOW, House
from tests.publisher.delivery.ledger.books import ANN, BOB, CYD, LATER, Book, S, open_book
from tests.publisher.delivery.mailing import erase, number_of

SECOND = timedelta(seconds=1)


def addresses(claims: list[claim_rows.Claim]) -> list[str]:
    return [claim.recipient.address for claim in claims]


# --- claims


def test_rows_are_claimed_in_order_and_none_twice(book: Book) -> None:
    assert addresses(book.claim(2)) == [ANN, BOB]
    assert addresses(book.claim(2)) == [CYD]
    assert book.claim(2) == []
    assert {(row.state, row.epoch) for row in book.rows.values()} == {("claimed", 1)}
    assert {row.lease_id for row in book.rows.values()} == {book.lease_id}


def test_a_claim_holds_recipient_due_time_and_epoch(book: Book) -> None:
    (claim,) = book.claim(1)
    assert claim.key == (book.number, number_of(book.house.database, ANN))
    assert (claim.recipient.address, claim.domain) == (ANN, "example.com")
    assert (claim.epoch, claim.attempts, claim.tried_at) == (1, 0, None)
    assert claim.due_at == NOW


def test_no_row_is_claimed_before_it_is_due(book: Book) -> None:
    assert book.claim(now=NOW - SECOND) == []
    assert len(book.claim(now=NOW)) == 3


def test_first_tries_are_claimed_longest_wait_first_and_retries_last(book: Book) -> None:
    book.settle(book.begin(1), S.DEFERRED, next_at=NOW - 9 * SECOND)
    book.age(CYD, next_at=NOW - SECOND)
    assert [addresses(book.claim(1)) for _ in range(3)] == [[CYD], [BOB], [ANN]]


def test_a_large_claim_keeps_the_order(book: Book) -> None:
    book.age(CYD, next_at=NOW - SECOND)
    assert addresses(book.claim(3)) == [CYD, ANN, BOB]


def test_nothing_is_claimed_from_an_issue_that_is_not_being_sent(book: Book) -> None:
    book.pause()
    assert book.claim(now=LATER) == []
    book.resume()
    assert len(book.claim(now=LATER)) == 3


def test_an_erased_subscriber_is_suppressed_and_delays_nobody(book: Book) -> None:
    for email in (ANN, BOB):
        erase(book.house.database, email)
    assert addresses(book.claim(1)) == [CYD]
    assert book.states == {ANN: "suppressed", BOB: "suppressed", CYD: "claimed"}
    assert (book.rows[ANN].reason, book.rows[ANN].lease_id) == (UNSUBSCRIBED_REASON, None)


# --- marks


def test_beginning_an_attempt_counts_it_and_records_the_first_time(book: Book) -> None:
    book.settle(book.begin(1), S.DEFERRED, next_at=LATER)
    book.begin(9, LATER)
    ann, bob = book.rows[ANN], book.rows[BOB]
    assert (ann.state, ann.attempts, ann.tried_at) == ("attempting", 2, NOW)
    assert (bob.state, bob.attempts, bob.tried_at) == ("attempting", 1, LATER)


@pytest.mark.parametrize("how", ["left", "erased", "dead"])
def test_a_subscriber_who_left_after_the_claim_is_suppressed(book: Book, how: str) -> None:
    claims = book.claim()
    with book.writing() as connection:
        if how == "left":
            unsubscribe(connection, BOB, "weekly", NOW)
        elif how == "dead":
            suppress(connection, BOB, SubscriberStatus.BOUNCED, NOW)
    if how == "erased":
        erase(book.house.database, BOB)
    with book.writing() as connection:
        marked, left = attempts.begin_attempts(connection, claims, NOW)
    assert (addresses(marked), left) == ([ANN, CYD], 1)
    bob = book.rows[BOB]
    assert (bob.state, bob.reason, bob.lease_id, bob.attempts) == (
        "suppressed",
        UNSUBSCRIBED_REASON,
        None,
        0,
    )


def test_leaving_another_newsletter_changes_nothing(book: Book) -> None:
    claims = book.claim()
    with book.writing() as connection:
        unsubscribe(connection, BOB, "daily", NOW)
    assert len(book.mark(claims)) == 3


@pytest.mark.parametrize("stopped", ["pause", "cancel"])
def test_no_attempt_begins_for_a_stopped_issue(book: Book, stopped: str) -> None:
    claims = book.claim()
    getattr(book, stopped)()
    assert book.mark(claims) == []
    assert book.counts == {"pending" if stopped == "pause" else "cancelled": 3}


def test_a_row_claimed_by_another_run_is_not_attempted_by_the_first(book: Book) -> None:
    stale = book.claim()
    book.dismiss()
    fresh = book.claim(lease_id=book.enlist())
    assert book.mark(stale) == []
    assert book.states == dict.fromkeys((ANN, BOB, CYD), "claimed")
    assert len(book.mark(fresh)) == 3


def test_no_attempt_begins_twice(book: Book) -> None:
    claims = book.claim()
    assert len(book.mark(claims)) == 3
    assert book.mark(claims) == []
    assert {row.attempts for row in book.rows.values()} == {1}


# --- put down again


def test_a_row_postponed_by_a_rate_waits_for_its_time(book: Book) -> None:
    ann, bob, _cyd = book.claim()
    with book.writing() as connection:
        assert (
            claim_rows.postpone_claims(connection, {ann: LATER, bob: LATER + SECOND}, NOW) == 2
        )
        assert claim_rows.next_due_at(connection, [book.number]) == LATER
    assert (book.rows[ANN].state, book.rows[ANN].lease_id) == ("pending", None)
    assert book.claim() == []
    assert addresses(book.claim(now=LATER)) == [ANN]


def test_a_released_row_returns_to_its_former_state(book: Book) -> None:
    before = book.row_but_epoch(ANN)
    claims = book.claim(1)
    with book.writing() as connection:
        assert claim_rows.release_claims(connection, claims, NOW) == 1
    assert book.row_but_epoch(ANN) == before


def test_an_undone_attempt_is_not_counted(book: Book) -> None:
    before = book.row_but_epoch(ANN)
    claims = book.begin(1)
    with book.writing() as connection:
        assert attempts.undo_attempts(connection, claims, NOW) == 1
    assert book.row_but_epoch(ANN) == before


def test_undoing_a_second_attempt_keeps_the_first(book: Book) -> None:
    book.settle(book.begin(1), S.DEFERRED, next_at=LATER)
    claims = [one for one in book.begin(9, LATER) if one.attempts]
    with book.writing() as connection:
        assert attempts.undo_attempts(connection, claims, LATER) == 1
    assert (book.rows[ANN].attempts, book.rows[ANN].tried_at) == (1, NOW)


def test_only_claimed_rows_are_released_and_only_attempts_undone(book: Book) -> None:
    marked, claimed = book.begin(1), book.claim(1)
    with book.writing() as connection:
        assert claim_rows.release_claims(connection, marked, NOW) == 0
        assert attempts.undo_attempts(connection, claimed, NOW) == 0
        assert claim_rows.postpone_claims(connection, dict.fromkeys(marked, LATER), NOW) == 0
    assert book.states == {ANN: "attempting", BOB: "claimed", CYD: "pending"}


def test_a_run_that_lost_a_row_can_t_release_it(book: Book) -> None:
    stale = book.claim()
    book.dismiss()
    book.claim(lease_id=book.enlist())
    with book.writing() as connection:
        assert claim_rows.release_claims(connection, stale, NOW) == 0
        assert claim_rows.postpone_claims(connection, dict.fromkeys(stale, LATER), NOW) == 0
    assert book.counts == {"claimed": 3}


# --- a sender that was stopped for too long, and goes on


def test_an_unsent_message_is_taken_out_of_doubt(book: Book) -> None:
    claims = book.begin(2)
    book.dismiss()
    with book.writing() as connection:
        assert attempts.undo_attempts(connection, claims[:1], LATER) == 1
    assert book.states == {ANN: "pending", BOB: "in_doubt", CYD: "pending"}
    assert (book.rows[ANN].attempts, book.rows[ANN].tried_at) == (0, None)


def test_an_unsent_message_reopens_its_finished_issue(house: House) -> None:
    book = open_book(house, ANN)
    claims = book.begin()
    book.dismiss()
    assert book.finish()
    assert book.stands() is IssueState.FAILED
    with book.writing() as connection:
        assert attempts.undo_attempts(connection, claims, LATER) == 1
    assert book.stands() is IssueState.SENDING
    assert book.counts == {"pending": 1}


def test_a_decided_row_is_not_undone(book: Book) -> None:
    claims = book.begin(1)
    book.settle(claims, S.SENT)
    with book.writing() as connection:
        assert attempts.undo_attempts(connection, claims, LATER) == 0
    assert book.states[ANN] == "sent"


# --- what is due


def test_the_next_due_time_is_that_of_the_earliest_postponed_row(house: House) -> None:
    book, other = open_book(house, ANN), open_book(house, BOB, language="ar")
    book.age(ANN, next_at=LATER)
    other.age(BOB, next_at=LATER - SECOND)
    with book.writing() as connection:
        assert claim_rows.next_due_at(connection, [book.number]) == LATER
        assert claim_rows.next_due_at(connection, [book.number, other.number]) == LATER - SECOND
        assert claim_rows.next_due_at(connection, []) is None


def test_deferred_held_and_stopped_rows_have_no_due_time(house: House) -> None:
    book, other = open_book(house, ANN, CYD), open_book(house, BOB, language="ar")
    book.settle(book.begin(1), S.DEFERRED, next_at=LATER)
    book.claim()
    other.pause()
    with book.writing() as connection:
        assert claim_rows.next_due_at(connection, [book.number, other.number]) is None


def test_due_rows_are_counted_up_to_a_limit(house: House) -> None:
    book, other = open_book(house, ANN, CYD), open_book(house, BOB, language="ar")
    book.settle(book.begin(1), S.DEFERRED, next_at=LATER)
    both = [book.number, other.number]
    with book.writing() as connection:
        assert claim_rows.count_due(connection, both, NOW, 9) == 2
        assert claim_rows.count_due(connection, both, LATER, 9) == 3
        assert claim_rows.count_due(connection, both, LATER, 2) == 2
        assert claim_rows.count_due(connection, [book.number], LATER, 9) == 2
        assert claim_rows.count_due(connection, both, NOW - SECOND, 9) == 0
        assert claim_rows.count_due(connection, [], LATER, 9) == 0


def test_receiving_domains_are_compared_in_lower_case(house: House) -> None:
    book = open_book(house, "ann@Example.COM", "bob@example.com")
    assert {claim.domain for claim in book.claim()} == {"example.com"}
