"""An issue under way is paused, resumed, cancelled, and at its end one day."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from publisher.delivery.ledger import lifecycle
from publisher.delivery.ledger.counts import count_deliveries
from publisher.delivery.states import DeliveryState
from publisher.errors import IssueError, TransitionError
from publisher.issues import store as issues
from publisher.issues.states import IssueState
from publisher.issues.tables import issue_table
from tests.publisher.conftest import NOW, House
from tests.publisher.delivery.ledger.books import ANN, BOB, CYD, LATER, Book, S, open_book
from tests.publisher.delivery.mailing import ready

SOON = LATER + timedelta(minutes=1)


def finished_at(book: Book) -> Any:
    (row,) = [row for row in book.house.rows(issue_table) if row["id"] == book.number]
    return row["finished_at"]


def kept(book: Book) -> dict[str, int]:
    """Give the counts that were kept."""
    with book.writing() as connection:
        rows = connection.exec_driver_sql("SELECT issue_id, state, count FROM delivery_count")
        return {state: count for number, state, count in rows if number == book.number}


# --- pause and resume


def test_a_pause_frees_claimed_rows_and_lets_attempts_finish(book: Book) -> None:
    book.begin(1)
    book.claim(1)
    book.pause()
    assert book.states == {ANN: "attempting", BOB: "pending", CYD: "pending"}
    bob = book.rows[BOB]
    assert (bob.lease_id, bob.epoch, bob.changed_at) == (None, 2, LATER)
    assert (book.issue.state, book.issue.reason) == (IssueState.PAUSED, "by hand")


def test_attempts_of_a_paused_issue_are_settled(book: Book) -> None:
    claims = book.begin(2)
    book.pause()
    book.settle(claims[:1], S.SENT)
    book.settle(claims[1:], S.DEFERRED, next_at=SOON)
    assert book.states == {ANN: "sent", BOB: "deferred", CYD: "pending"}
    assert book.stands() is IssueState.PAUSED


def test_deferred_rows_are_due_at_once_after_a_pause(book: Book) -> None:
    book.settle(book.begin(1), S.DEFERRED, reason="later", next_at=LATER + timedelta(days=1))
    book.pause()
    book.resume()
    assert (book.issue.state, book.issue.reason) == (IssueState.SENDING, None)
    assert (book.rows[ANN].state, book.rows[ANN].next_at) == ("deferred", LATER)
    assert len(book.claim(now=LATER)) == 3


def test_the_give_up_time_starts_anew_after_a_pause(
    book: Book,
) -> None:
    book.settle(book.begin(1), S.DEFERRED, next_at=LATER)
    book.pause()
    monday = NOW + timedelta(days=3)
    book.resume(monday)
    book.begin(9, monday)
    assert (book.rows[ANN].attempts, book.rows[ANN].tried_at) == (2, monday)


def test_postponed_rows_stay_postponed_after_a_pause(book: Book) -> None:
    book.age(ANN, next_at=SOON)
    book.pause()
    book.resume()
    assert book.rows[ANN].next_at == SOON


def test_an_issue_that_has_changed_meanwhile_is_not_paused(book: Book) -> None:
    stale = book.issue
    book.pause()
    book.resume()
    with (
        book.writing() as connection,
        pytest.raises(IssueError, match="another process has moved it"),
    ):
        lifecycle.pause_issue(connection, stale, "too late", LATER)
    assert book.stands() is IssueState.SENDING


# --- cancel


def test_cancelling_cancels_every_row_that_is_not_sent(book: Book) -> None:
    book.settle(book.begin(1), S.DEFERRED, reason="later", next_at=SOON)
    book.claim(1)
    book.cancel()
    assert book.counts == kept(book) == {"cancelled": 3}
    assert {row.reason for row in book.rows.values()} == {lifecycle.CANCELLED_REASON}
    assert (book.issue.state, book.issue.reason) == (IssueState.CANCELLED, "by hand")
    assert finished_at(book) == LATER


def test_final_rows_of_a_cancelled_issue_stay_as_they_are(book: Book) -> None:
    book.settle(book.begin(1), S.SENT)
    book.settle(book.begin(1), S.IN_DOUBT, reason="no answer")
    book.cancel()
    assert book.counts == {"sent": 1, "in_doubt": 1, "cancelled": 1}


def test_attempts_of_a_cancelled_issue_are_finished_and_counted(book: Book) -> None:
    claims = book.begin(2)
    book.cancel()
    assert book.counts == {"attempting": 2, "cancelled": 1}
    assert kept(book) == {}
    book.settle(claims[:1], S.SENT)
    assert kept(book) == {}
    book.settle(claims[1:], S.DEFERRED, reason="later", next_at=SOON)
    assert book.counts == kept(book) == {"sent": 1, "cancelled": 2}


def test_rows_freed_after_a_cancellation_are_cancelled(house: House) -> None:
    book = open_book(house, ANN, BOB, guarantee="idempotent")
    book.begin(1)
    book.cancel()
    book.dismiss()
    assert book.counts == {"pending": 1, "cancelled": 1}
    with house.database.writing() as connection:
        assert lifecycle.sweep_cancelled(connection, LATER) == 1
        assert lifecycle.sweep_cancelled(connection, LATER) == 0
    assert book.counts == kept(book) == {"cancelled": 2}


def test_rows_in_doubt_of_a_cancelled_issue_are_counted(book: Book) -> None:
    book.begin(1)
    book.cancel()
    book.dismiss()
    with book.writing() as connection:
        assert lifecycle.sweep_cancelled(connection, LATER) == 1
        assert lifecycle.sweep_cancelled(connection, LATER) == 0
    assert kept(book) == {"in_doubt": 1, "cancelled": 2}


def test_rows_of_open_issues_are_not_cancelled(book: Book) -> None:
    book.begin()
    book.cancel()
    with book.writing() as connection:
        lifecycle.sweep_cancelled(connection, LATER)
    assert book.counts == {"attempting": 3}


def test_an_issue_can_be_cancelled_before_its_ledger_is_open(house: House) -> None:
    issue = ready(house)
    with house.database.writing() as connection:
        cancelled = lifecycle.cancel_issue(connection, issue, "a mistake", LATER)
        assert cancelled.state is IssueState.CANCELLED
        assert count_deliveries(connection, [issue.id]) == {issue.id: Counter()}
        assert lifecycle.sweep_cancelled(connection, LATER) == 0


def test_a_finished_issue_can_t_be_cancelled(book: Book) -> None:
    book.settle(book.begin(), S.SENT)
    book.finish()
    with pytest.raises(TransitionError):
        book.cancel()
    assert book.counts == {"sent": 3}


# --- the end


@pytest.mark.parametrize("state", [S.CLAIMED, S.ATTEMPTING, S.DEFERRED, S.PENDING])
def test_an_issue_with_open_rows_does_not_finish(book: Book, state: DeliveryState) -> None:
    book.settle(book.begin(2), S.SENT)
    if state is S.CLAIMED:
        book.claim()
    elif state is not S.PENDING:
        claims = book.begin()
        if state is S.DEFERRED:
            book.settle(claims, state, next_at=SOON)
    assert book.counts == {"sent": 2, state: 1}
    assert book.finish() is None
    assert book.stands() is IssueState.SENDING
    assert kept(book) == {}


@pytest.mark.parametrize(
    ("ends", "state"),
    [
        ((S.SENT, S.SENT, S.SENT), IssueState.SENT),
        ((S.SENT, S.SUPPRESSED, S.SUPPRESSED), IssueState.SENT),
        ((S.SUPPRESSED, S.SUPPRESSED, S.SUPPRESSED), IssueState.SENT),
        ((S.SENT, S.BOUNCED, S.SENT), IssueState.PARTIAL),
        ((S.SENT, S.IN_DOUBT, S.FAILED), IssueState.PARTIAL),
        ((S.BOUNCED, S.BOUNCED, S.BOUNCED), IssueState.FAILED),
        ((S.IN_DOUBT, S.SUPPRESSED, S.FAILED), IssueState.FAILED),
    ],
)
def test_the_final_state_of_an_issue_follows_from_its_rows(
    book: Book, ends: tuple[DeliveryState, ...], state: IssueState
) -> None:
    for claim, end in zip(book.begin(), ends, strict=True):
        book.settle([claim], end)
    with book.writing() as connection:
        issues.set_reason(connection, book.issue, "waiting: for something")
    ended = book.finish()
    assert ended
    assert (ended.state, ended.reason) == (state, None)
    assert finished_at(book) == LATER
    assert book.counts == kept(book) == Counter(ends)


def test_an_issue_without_rows_is_sent(house: House) -> None:
    book = open_book(house)
    assert book.finish()
    assert book.stands() is IssueState.SENT
    assert book.counts == {}


def test_a_stopped_issue_does_not_finish(book: Book) -> None:
    claims = book.begin()
    book.pause()
    book.settle(claims, S.SENT)
    assert book.finish() is None
    book.resume()
    assert book.finish()


def test_an_issue_finishes_once(book: Book) -> None:
    book.settle(book.begin(), S.SENT)
    stale = book.issue
    assert book.finish()
    assert book.finish() is None
    with (
        book.writing() as connection,
        pytest.raises(IssueError, match="another process has moved it"),
    ):
        lifecycle.finish_issue(connection, stale, LATER)


@pytest.mark.parametrize("state", DeliveryState)
def test_only_bounced_failed_and_doubtful_rows_make_an_issue_partial(
    state: DeliveryState,
) -> None:
    bad = state in {S.BOUNCED, S.FAILED, S.IN_DOUBT}
    assert lifecycle.final_state({state: 1}) is (IssueState.FAILED if bad else IssueState.SENT)
    assert lifecycle.final_state({state: 1, S.SENT: 1}) is (
        IssueState.PARTIAL if bad else IssueState.SENT
    )
