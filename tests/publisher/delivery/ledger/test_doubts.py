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


def test_mail_in_doubt_is_listed_with_its_address(doubtful: Book) -> None:
    with doubtful.writing() as connection:
        found = doubts.list_doubts(connection, doubtful.issue)
    ids = numbers(doubtful, (BOB, CYD)) or []
    assert found == [
        Doubt(doubtful.number, number, address, LATER, 1, NO_ANSWER)
        for number, address in zip(ids, (BOB, CYD), strict=True)
    ]


def test_an_erased_subscriber_is_listed_without_an_address(doubtful: Book) -> None:
    erase(doubtful.house.database, BOB)
    with doubtful.writing() as connection:
        found = doubts.list_doubts(connection, doubtful.issue)
    assert [doubt.address for doubt in found] == [None, CYD]


def test_finished_and_open_issues_with_mail_in_doubt_are_listed(house: House) -> None:
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


def test_resending_mail_in_doubt_reopens_its_issue(doubtful: Book) -> None:
    assert resend(doubtful) == 2
    assert doubtful.stands() is IssueState.SENDING
    assert doubtful.counts == {"sent": 1, "pending": 2}
    assert {claim.recipient.address for claim in doubtful.claim(now=WEEK)} == {BOB, CYD}


def test_mail_in_doubt_may_be_resent_for_some_subscribers(doubtful: Book) -> None:
    assert resend(doubtful, CYD) == 1
    assert doubtful.states == {ANN: "sent", BOB: "in_doubt", CYD: "pending"}
    assert doubtful.stands() is IssueState.SENDING


def test_mail_that_is_not_in_doubt_is_not_resent(doubtful: Book) -> None:
    before = doubtful.rows
    assert resend(doubtful, ANN) == 0
    assert mark_sent(doubtful, ANN) == 0
    assert doubtful.rows == before
    assert doubtful.stands() is IssueState.PARTIAL


def test_the_give_up_time_starts_anew_for_resent_mail(doubtful: Book) -> None:
    resend(doubtful)
    doubtful.begin(9, WEEK)
    assert (doubtful.rows[BOB].attempts, doubtful.rows[BOB].tried_at) == (2, WEEK)


def test_the_first_run_can_t_settle_resent_mail(book: Book) -> None:
    late = book.begin(1)
    book.dismiss()
    assert resend(book) == 1
    assert book.settle(late, S.SENT) == set()
    assert book.states[ANN] == "pending"


def test_a_cancelled_issue_is_not_resent(book: Book) -> None:
    book.settle(book.begin(1), S.IN_DOUBT, reason=NO_ANSWER)
    book.cancel()
    with pytest.raises(TransitionError, match="can't go from cancelled to sending"):
        resend(book)
    assert book.counts == {"in_doubt": 1, "cancelled": 2}


def test_a_paused_issue_stays_paused(book: Book) -> None:
    book.settle(book.begin(1), S.IN_DOUBT, reason=NO_ANSWER)
    book.pause()
    assert resend(book) == 1
    assert book.stands() is IssueState.PAUSED
    assert book.states[ANN] == "pending"


def test_decisions_may_name_more_subscribers_than_one_statement_takes(house: House) -> None:
    emails = [f"reader{number}@example.com" for number in range(1_000)]
    book = open_book(house, *emails)
    book.settle(book.begin(1_000), S.IN_DOUBT, reason=NO_ANSWER)
    with house.database.writing() as connection:
        assert len(doubts.list_doubts(connection, book.issue)) == 1_000
        assert doubts.resend_doubts(connection, book.issue, [*book.names][1:], WEEK) == 999
    assert book.counts == {"in_doubt": 1, "pending": 999}


# --- repeated by the newsletter's policy


def test_doubts_are_retried_by_policy_unless_tried_too_often(book: Book) -> None:
    book.settle(book.begin(), S.IN_DOUBT, reason=NO_ANSWER)
    book.age(BOB, attempts=3)
    book.age(CYD, attempts=4)
    with book.writing() as connection:
        assert doubts.retry_doubts(connection, book.issue, 3, timedelta(days=2), LATER) == 2
    assert book.states == {ANN: "pending", BOB: "pending", CYD: "in_doubt"}
    row = book.rows[ANN]
    assert (row.epoch, row.next_at, row.attempts, row.tried_at) == (2, LATER, 1, NOW)


def test_doubts_are_not_retried_after_the_give_up_time(book: Book) -> None:
    book.settle(book.begin(), S.IN_DOUBT, reason=NO_ANSWER)
    book.age(BOB, tried_at=LATER - timedelta(days=2))
    with book.writing() as connection:
        assert doubts.retry_doubts(connection, book.issue, 3, timedelta(days=2), LATER) == 2
    assert book.states == {ANN: "pending", BOB: "in_doubt", CYD: "pending"}


# --- believed


def test_marking_mail_in_doubt_as_sent_finishes_the_issue(doubtful: Book) -> None:
    assert mark_sent(doubtful) == 2
    assert doubtful.stands() is IssueState.SENT
    assert doubtful.counts == {"sent": 3}
    assert (doubtful.rows[BOB].reason, doubtful.rows[BOB].lease_id) == (MARKED_REASON, None)


def test_an_issue_with_mail_in_doubt_left_is_partial(doubtful: Book) -> None:
    assert mark_sent(doubtful, BOB) == 1
    assert doubtful.stands() is IssueState.PARTIAL
    assert doubtful.counts == {"sent": 2, "in_doubt": 1}


def test_a_failed_issue_becomes_partial_or_sent(book: Book) -> None:
    book.settle(book.begin(), S.IN_DOUBT, reason=NO_ANSWER)
    book.finish()
    assert book.stands() is IssueState.FAILED
    assert mark_sent(book, ANN) == 1
    assert book.stands() is IssueState.PARTIAL
    assert mark_sent(book) == 2
    assert book.stands() is IssueState.SENT


def test_mail_marked_sent_in_a_cancelled_issue_is_counted(book: Book) -> None:
    book.settle(book.begin(1), S.IN_DOUBT, reason=NO_ANSWER)
    book.cancel()
    assert mark_sent(book) == 1
    assert book.counts == {"sent": 1, "cancelled": 2}
    assert book.stands() is IssueState.CANCELLED


def test_marking_mail_as_sent_does_not_end_an_issue_under_way(book: Book) -> None:
    book.settle(book.begin(), S.IN_DOUBT, reason=NO_ANSWER)
    assert mark_sent(book) == 3
    assert book.stands() is IssueState.SENDING
    assert book.finish()
