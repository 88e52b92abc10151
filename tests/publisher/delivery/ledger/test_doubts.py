"""Deliveries of which nobody knows: they are listed, sent again, or believed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from publisher.delivery.ledger import doubts
from publisher.delivery.ledger.doubts import MARKED_REASON, Doubt
from publisher.errors import TransitionError
from publisher.issues.states import IssueState
from tests.publisher.conftest import NOW, House
from tests.publisher.delivery.ledger.books import ANN, BOB, CYD, LATER, Book, S, open_book
from tests.publisher.delivery.mailing import erase, number_of

WEEK = NOW + timedelta(days=7)
NO_ANSWER = "no answer came"


@pytest.fixture
def doubtful(book: Book) -> Book:
    """One was sent, two are in doubt, and the issue is over."""
    book.settle(book.begin(1), S.SENT)
    book.settle(book.begin(), S.IN_DOUBT, reason=NO_ANSWER)
    assert book.finish()
    assert book.stands() is IssueState.PARTIAL
    return book


def resend(book: Book, *readers: str) -> int:
    with book.writing() as connection:
        return doubts.resend_doubts(connection, book.issue, numbers(book, readers), WEEK)


def mark_sent(book: Book, *readers: str) -> int:
    with book.writing() as connection:
        return doubts.mark_doubts_sent(connection, book.issue, numbers(book, readers), WEEK)


def numbers(book: Book, readers: tuple[str, ...]) -> list[int] | None:
    """All of them, unless some are said."""
    return [number_of(book.house.database, one) for one in readers] or None


# --- lists


def test_what_is_in_doubt_is_listed_with_its_reader(doubtful: Book) -> None:
    with doubtful.writing() as connection:
        found = doubts.list_doubts(connection, doubtful.issue)
    ids = numbers(doubtful, (BOB, CYD)) or []
    assert found == [
        Doubt(doubtful.number, number, address, LATER, 1, NO_ANSWER)
        for number, address in zip(ids, (BOB, CYD), strict=True)
    ]


def test_who_was_erased_is_listed_without_an_address(doubtful: Book) -> None:
    erase(doubtful.house.database, BOB)
    with doubtful.writing() as connection:
        found = doubts.list_doubts(connection, doubtful.issue)
    assert [doubt.address for doubt in found] == [None, CYD]


def test_an_issue_with_nothing_in_doubt_lists_nothing(book: Book) -> None:
    book.begin()
    with book.writing() as connection:
        assert doubts.list_doubts(connection, book.issue) == []
        assert doubts.issues_in_doubt(connection) == []


def test_issues_with_doubts_are_found_whether_they_are_over_or_not(house: House) -> None:
    book, other = open_book(house, ANN), open_book(house, BOB, language="ar")
    third = open_book(house, CYD, language="de")
    for one in (book, other):
        one.settle(one.begin(), S.IN_DOUBT, reason=NO_ANSWER)
    third.settle(third.begin(), S.SENT)
    other.finish()
    with house.database.writing() as connection:
        found = doubts.issues_in_doubt(connection)
    assert [issue.id for issue in found] == [book.number, other.number]


# --- sent again


def test_doubtful_deliveries_are_made_again_and_their_issue_goes_on(doubtful: Book) -> None:
    assert resend(doubtful) == 2
    assert doubtful.stands() is IssueState.SENDING
    assert doubtful.counts == {"sent": 1, "pending": 2}
    assert {claim.recipient.address for claim in doubtful.claim(now=WEEK)} == {BOB, CYD}


def test_some_of_them_may_be_made_again_alone(doubtful: Book) -> None:
    assert resend(doubtful, CYD) == 1
    assert doubtful.states == {ANN: "sent", BOB: "in_doubt", CYD: "pending"}
    assert doubtful.stands() is IssueState.SENDING


def test_who_is_not_in_doubt_is_not_sent_to_again(doubtful: Book) -> None:
    before = doubtful.rows
    assert resend(doubtful, ANN) == 0
    assert mark_sent(doubtful, ANN) == 0
    assert doubtful.rows == before
    assert doubtful.stands() is IssueState.PARTIAL


def test_patience_begins_anew_for_what_is_made_again(doubtful: Book) -> None:
    resend(doubtful)
    doubtful.begin(9, WEEK)
    assert (doubtful.rows[BOB].attempts, doubtful.rows[BOB].tried_at) == (2, WEEK)


def test_what_is_made_again_is_no_more_the_first_senders(book: Book) -> None:
    late = book.begin(1)
    book.dismiss()
    assert resend(book) == 1
    assert book.settle(late, S.SENT) == set()
    assert book.states[ANN] == "pending"


def test_an_issue_that_was_cancelled_is_not_sent_again(book: Book) -> None:
    book.settle(book.begin(1), S.IN_DOUBT, reason=NO_ANSWER)
    book.cancel()
    with pytest.raises(TransitionError, match="can't go from cancelled to sending"):
        resend(book)
    assert book.counts == {"in_doubt": 1, "cancelled": 2}


def test_an_issue_that_is_paused_stays_so(book: Book) -> None:
    book.settle(book.begin(1), S.IN_DOUBT, reason=NO_ANSWER)
    book.pause()
    assert resend(book) == 1
    assert book.stands() is IssueState.PAUSED
    assert book.states[ANN] == "pending"


def test_more_readers_are_decided_about_than_a_statement_takes(house: House) -> None:
    emails = [f"reader{number}@example.com" for number in range(1_000)]
    book = open_book(house, *emails)
    book.settle(book.begin(1_000), S.IN_DOUBT, reason=NO_ANSWER)
    with house.database.writing() as connection:
        assert len(doubts.list_doubts(connection, book.issue)) == 1_000
        assert doubts.resend_doubts(connection, book.issue, [*book.names][1:], WEEK) == 999
    assert book.counts == {"in_doubt": 1, "pending": 999}


# --- repeated by the newsletter's policy


def test_doubts_are_repeated_unless_they_were_tried_too_often(book: Book) -> None:
    book.settle(book.begin(), S.IN_DOUBT, reason=NO_ANSWER)
    book.age(BOB, attempts=3)
    book.age(CYD, attempts=4)
    with book.writing() as connection:
        assert doubts.retry_doubts(connection, book.issue, 3, timedelta(days=2), LATER) == 2
    assert book.states == {ANN: "pending", BOB: "pending", CYD: "in_doubt"}
    row = book.rows[ANN]
    assert (row.epoch, row.next_at, row.attempts, row.tried_at) == (2, LATER, 1, NOW)


def test_doubts_are_not_repeated_once_patience_is_over(book: Book) -> None:
    book.settle(book.begin(), S.IN_DOUBT, reason=NO_ANSWER)
    book.age(BOB, tried_at=LATER - timedelta(days=2))
    with book.writing() as connection:
        assert doubts.retry_doubts(connection, book.issue, 3, timedelta(days=2), LATER) == 2
    assert book.states == {ANN: "pending", BOB: "in_doubt", CYD: "pending"}


# --- believed


def test_doubtful_deliveries_are_believed_and_their_issue_was_sent(doubtful: Book) -> None:
    assert mark_sent(doubtful) == 2
    assert doubtful.stands() is IssueState.SENT
    assert doubtful.counts == {"sent": 3}
    assert (doubtful.rows[BOB].reason, doubtful.rows[BOB].lease_id) == (MARKED_REASON, None)


def test_an_issue_with_doubts_left_is_sent_in_part(doubtful: Book) -> None:
    assert mark_sent(doubtful, BOB) == 1
    assert doubtful.stands() is IssueState.PARTIAL
    assert doubtful.counts == {"sent": 2, "in_doubt": 1}


def test_an_issue_that_had_failed_is_sent_in_part_or_in_all(book: Book) -> None:
    book.settle(book.begin(), S.IN_DOUBT, reason=NO_ANSWER)
    book.finish()
    assert book.stands() is IssueState.FAILED
    assert mark_sent(book, ANN) == 1
    assert book.stands() is IssueState.PARTIAL
    assert mark_sent(book) == 2
    assert book.stands() is IssueState.SENT


def test_what_is_believed_of_a_cancelled_issue_is_counted(book: Book) -> None:
    book.settle(book.begin(1), S.IN_DOUBT, reason=NO_ANSWER)
    book.cancel()
    assert mark_sent(book) == 1
    assert book.counts == {"sent": 1, "cancelled": 2}
    assert book.stands() is IssueState.CANCELLED


def test_an_issue_under_way_is_not_ended_by_a_belief(book: Book) -> None:
    book.settle(book.begin(), S.IN_DOUBT, reason=NO_ANSWER)
    assert mark_sent(book) == 3
    assert book.stands() is IssueState.SENDING
    assert book.finish()
