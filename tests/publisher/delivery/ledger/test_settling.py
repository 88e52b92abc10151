"""What an attempt came to is written down by whoever holds the row, and by nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from publisher.delivery.ledger import attempts
from publisher.delivery.retry_policy import StateChange
from publisher.delivery.states import DeliveryState
from publisher.issues.states import IssueState
from tests.publisher.conftest import NOW, House
from tests.publisher.delivery.ledger.books import ANN, BOB, CYD, LATER, Book, S, open_book

SOON = LATER + timedelta(minutes=1)
FATES = [
    StateChange(S.SENT),
    StateChange(S.DEFERRED, "not now", SOON),
    StateChange(S.BOUNCED, "no such mailbox"),
    StateChange(S.FAILED, "no room"),
    StateChange(S.IN_DOUBT, "no answer"),
    StateChange(S.PENDING, "the line was lost", NOW),
    StateChange(S.SUPPRESSED, "no longer subscribed"),
]


@pytest.mark.parametrize("fate", FATES, ids=[fate.state for fate in FATES])
def test_a_settled_row_has_the_new_state(book: Book, fate: StateChange) -> None:
    (claim,) = book.begin(1)
    with book.writing() as connection:
        assert attempts.settle_attempts(connection, {claim: fate}, LATER) == {claim.key}
    row = book.rows[ANN]
    assert (row.state, row.reason) == (fate.state, fate.reason)
    assert row.next_at == (fate.next_at or NOW)
    assert (row.attempts, row.tried_at, row.changed_at) == (1, NOW, LATER)
    # Whose it was is of no interest any more, but for what was sent.
    assert row.lease_id == (book.lease_id if fate.state is S.SENT else None)


def test_many_rows_of_several_issues_are_settled_at_once(house: House) -> None:
    book, other = open_book(house, ANN, CYD), open_book(house, BOB, language="ar")
    (ann, cyd), (bob,) = book.begin(), other.begin()
    fates = {
        ann: StateChange(S.SENT),
        bob: StateChange(S.BOUNCED, "no"),
        cyd: StateChange(S.DEFERRED, "later", SOON),
    }
    with house.database.writing() as connection:
        moved = attempts.settle_attempts(connection, fates, LATER)
    assert moved == {ann.key, bob.key, cyd.key}
    assert book.states | other.states == {ANN: "sent", BOB: "bounced", CYD: "deferred"}


def test_a_stale_claim_settles_nothing(book: Book) -> None:
    stale = book.claim()
    book.dismiss()
    other = book.enlist()
    assert book.settle(stale, S.SENT) == set()
    fresh = book.mark(book.claim(lease_id=other))
    assert book.settle(stale, S.FAILED) == set()
    assert len(book.settle(fresh, S.SENT)) == 3
    assert {row.lease_id for row in book.rows.values()} == {other}


def test_a_final_row_is_not_settled_again(book: Book) -> None:
    claims = book.begin()
    book.settle(claims, S.SENT)
    assert book.settle(claims, S.FAILED, reason="twice") == set()
    assert book.counts == {"sent": 3}


@pytest.mark.parametrize(
    "fate", [StateChange(S.DEFERRED, "x", SOON), StateChange(S.PENDING, "x", NOW)]
)
def test_a_deferred_row_is_not_settled_again(book: Book, fate: StateChange) -> None:
    (claim,) = book.begin(1)
    with book.writing() as connection:
        attempts.settle_attempts(connection, {claim: fate}, LATER)
    assert book.settle([claim], S.SENT) == set()
    assert book.states[ANN] == fate.state


def test_a_claim_that_was_never_attempted_settles_nothing(book: Book) -> None:
    assert book.settle(book.claim(), S.SENT) == set()
    assert book.counts == {"claimed": 3}


@pytest.mark.parametrize(
    "reason",
    [
        '450 "later", she said',
        "zu viel – später",
        "灯笼",
        "a\nb",
        "%s ? :rows $[0]",
        "",
    ],
)
def test_a_reason_is_stored_unchanged(book: Book, reason: str) -> None:
    book.settle(book.begin(1), S.BOUNCED, reason=reason)
    assert book.rows[ANN].reason == reason


# --- an answer that comes after all


@pytest.mark.parametrize("fate", FATES, ids=[fate.state for fate in FATES])
def test_a_row_in_doubt_takes_a_late_answer(book: Book, fate: StateChange) -> None:
    (claim,) = book.begin(1)
    book.dismiss()
    assert book.states[ANN] == "in_doubt"
    with book.writing() as connection:
        assert attempts.settle_attempts(connection, {claim: fate}, LATER) == {claim.key}
    assert (book.states[ANN], book.rows[ANN].reason) == (fate.state, fate.reason)


@pytest.mark.parametrize(
    ("state", "stands"),
    [
        (S.SENT, IssueState.SENT),
        (S.SUPPRESSED, IssueState.SENT),
        (S.BOUNCED, IssueState.PARTIAL),
        (S.IN_DOUBT, IssueState.PARTIAL),
        (S.DEFERRED, IssueState.SENDING),
        (S.PENDING, IssueState.SENDING),
    ],
)
def test_a_late_answer_changes_the_state_of_a_finished_issue(
    book: Book, state: DeliveryState, stands: IssueState
) -> None:
    late = book.begin(1)
    book.dismiss()
    book.settle(book.mark(book.claim(lease_id=book.enlist())), S.SENT)
    assert book.finish()
    assert book.stands() is IssueState.PARTIAL
    book.settle(late, state, reason="the answer", next_at=SOON)
    assert book.stands() is stands
    # What is told of it is what its rows say.
    assert book.counts == ({"sent": 3} if state is S.SENT else {"sent": 2, state: 1})


def test_a_late_answer_reopens_no_cancelled_issue(book: Book) -> None:
    late = book.begin(2)
    book.cancel()
    book.dismiss()
    assert book.counts == {"in_doubt": 2, "cancelled": 1}
    book.settle(late[:1], S.DEFERRED, reason="later", next_at=SOON)
    book.settle(late[1:], S.SENT)
    assert book.states == {ANN: "cancelled", BOB: "sent", CYD: "cancelled"}
    assert book.counts == {"sent": 1, "cancelled": 2}
    assert book.stands() is IssueState.CANCELLED


# --- refusals that were put off


def test_a_deferred_rejection_becomes_a_bounce_later(book: Book) -> None:
    claims = book.begin(2)
    book.settle(claims, S.DEFERRED, reason="550 no", next_at=SOON)
    with book.writing() as connection:
        assert attempts.confirm_bounces(connection, claims[:1], LATER) == {claims[0].key}
    assert book.states == {ANN: "bounced", BOB: "deferred", CYD: "pending"}
    assert book.rows[ANN].reason == "550 no"


def test_a_retried_row_is_not_bounced_for_an_earlier_rejection(book: Book) -> None:
    claims = book.begin(1)
    book.settle(claims, S.DEFERRED, next_at=NOW)
    book.settle(book.begin(9, LATER), S.DEFERRED, next_at=SOON)
    with book.writing() as connection:
        assert attempts.confirm_bounces(connection, claims, LATER) == set()
        assert attempts.confirm_bounces(connection, [], LATER) == set()
    assert book.counts == {"deferred": 3}


# --- whose the staged messages are


def test_a_sent_row_keeps_the_lease_under_which_it_was_sent(book: Book) -> None:
    mine = book.begin(1)
    book.settle(mine, S.SENT)
    other = book.enlist()
    theirs = book.mark(book.claim(1, lease_id=other))
    book.settle(theirs, S.SENT)
    book.settle(book.begin(1), S.BOUNCED, reason="no")
    keys = [(book.number, reader) for reader in book.names]
    with book.writing() as connection:
        assert attempts.sent_under_lease(connection, book.lease_id, keys) == {mine[0].key}
        assert attempts.sent_under_lease(connection, other, keys) == {theirs[0].key}
        assert attempts.sent_under_lease(connection, other, [mine[0].key]) == set()
        assert attempts.sent_under_lease(connection, other, []) == set()
