"""An issue under way is paused, resumed, cancelled, and at its end one day."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from publisher.delivery.causes import ISSUE_CANCELLED
from publisher.delivery.ledger import lifecycle
from publisher.delivery.ledger.counts import count_deliveries
from publisher.delivery.states import DeliveryState
from publisher.errors import IssueError, TransitionError
from publisher.issues import store as issues
from publisher.issues.model import IssueState
from publisher.issues.tables import issue_table
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
from tests.publisher.delivery.mailing import ready

SOON = LATER + timedelta(minutes=1)


def finished_at(ledger: OpenLedger) -> Any:
    (row,) = [row for row in ledger.publication.rows(issue_table) if row["id"] == ledger.number]
    return row["finished_at"]


def kept(ledger: OpenLedger) -> dict[str, int]:
    """Give the counts that were kept."""
    with ledger.writing() as connection:
        rows = connection.exec_driver_sql("SELECT issue_id, state, count FROM delivery_count")
        return {state: count for number, state, count in rows if number == ledger.number}


# --- pause and resume


def test_a_pause_frees_claimed_rows_and_lets_attempts_finish(ledger: OpenLedger) -> None:
    ledger.begin(1)
    ledger.claim(1)
    ledger.pause()
    assert ledger.states == {ANN: "attempting", BOB: "pending", CYD: "pending"}
    bob = ledger.rows[BOB]
    assert (bob.lease_id, bob.epoch, bob.changed_at) == (None, 2, LATER)
    assert (ledger.issue.state, ledger.issue.reason) == (IssueState.PAUSED, "by hand")


def test_attempts_of_a_paused_issue_are_settled(ledger: OpenLedger) -> None:
    claims = ledger.begin(2)
    ledger.pause()
    ledger.settle(claims[:1], S.SENT)
    ledger.settle(claims[1:], S.DEFERRED, next_at=SOON)
    assert ledger.states == {ANN: "sent", BOB: "deferred", CYD: "pending"}
    assert ledger.stands() is IssueState.PAUSED


def test_deferred_rows_are_due_at_once_after_a_pause(ledger: OpenLedger) -> None:
    ledger.settle(
        ledger.begin(1), S.DEFERRED, reason="later", next_at=LATER + timedelta(days=1)
    )
    ledger.pause()
    ledger.resume()
    assert (ledger.issue.state, ledger.issue.reason) == (IssueState.SENDING, None)
    assert (ledger.rows[ANN].state, ledger.rows[ANN].next_at) == ("deferred", LATER)
    assert len(ledger.claim(now=LATER)) == 3


def test_the_give_up_time_starts_anew_after_a_pause(
    ledger: OpenLedger,
) -> None:
    ledger.settle(ledger.begin(1), S.DEFERRED, next_at=LATER)
    ledger.pause()
    monday = NOW + timedelta(days=3)
    ledger.resume(monday)
    ledger.begin(9, monday)
    assert (ledger.rows[ANN].attempts, ledger.rows[ANN].tried_at) == (2, monday)


def test_postponed_rows_stay_postponed_after_a_pause(ledger: OpenLedger) -> None:
    ledger.age(ANN, next_at=SOON)
    ledger.pause()
    ledger.resume()
    assert ledger.rows[ANN].next_at == SOON


def test_an_issue_that_has_changed_meanwhile_is_not_paused(ledger: OpenLedger) -> None:
    stale = ledger.issue
    ledger.pause()
    ledger.resume()
    with (
        ledger.writing() as connection,
        pytest.raises(IssueError, match="another process has moved it"),
    ):
        lifecycle.pause_issue(connection, stale, "too late", LATER)
    assert ledger.stands() is IssueState.SENDING


# --- cancel


def test_cancelling_cancels_every_row_that_is_not_sent(ledger: OpenLedger) -> None:
    ledger.settle(ledger.begin(1), S.DEFERRED, reason="later", next_at=SOON)
    ledger.claim(1)
    ledger.cancel()
    assert ledger.counts == kept(ledger) == {"cancelled": 3}
    assert {row.reason_key for row in ledger.rows.values()} == {ISSUE_CANCELLED.key}
    assert (ledger.issue.state, ledger.issue.reason) == (IssueState.CANCELLED, "by hand")
    assert finished_at(ledger) == LATER


def test_final_rows_of_a_cancelled_issue_stay_as_they_are(ledger: OpenLedger) -> None:
    ledger.settle(ledger.begin(1), S.SENT)
    ledger.settle(ledger.begin(1), S.IN_DOUBT, reason="no answer")
    ledger.cancel()
    assert ledger.counts == {"sent": 1, "in_doubt": 1, "cancelled": 1}


def test_attempts_of_a_cancelled_issue_are_finished_and_counted(ledger: OpenLedger) -> None:
    claims = ledger.begin(2)
    ledger.cancel()
    assert ledger.counts == {"attempting": 2, "cancelled": 1}
    assert kept(ledger) == {}
    ledger.settle(claims[:1], S.SENT)
    assert kept(ledger) == {}
    ledger.settle(claims[1:], S.DEFERRED, reason="later", next_at=SOON)
    assert ledger.counts == kept(ledger) == {"sent": 1, "cancelled": 2}


def test_rows_freed_after_a_cancellation_are_cancelled(publication: PublicationFolder) -> None:
    ledger = open_test_ledger(publication, ANN, BOB, guarantee="idempotent")
    ledger.begin(1)
    ledger.cancel()
    ledger.dismiss()
    assert ledger.counts == {"pending": 1, "cancelled": 1}
    with publication.database.writing() as connection:
        assert lifecycle.sweep_cancelled(connection, LATER) == 1
        assert lifecycle.sweep_cancelled(connection, LATER) == 0
    assert ledger.counts == kept(ledger) == {"cancelled": 2}


def test_rows_in_doubt_of_a_cancelled_issue_are_counted(ledger: OpenLedger) -> None:
    ledger.begin(1)
    ledger.cancel()
    ledger.dismiss()
    with ledger.writing() as connection:
        assert lifecycle.sweep_cancelled(connection, LATER) == 1
        assert lifecycle.sweep_cancelled(connection, LATER) == 0
    assert kept(ledger) == {"in_doubt": 1, "cancelled": 2}


def test_rows_of_open_issues_are_not_cancelled(ledger: OpenLedger) -> None:
    ledger.begin()
    ledger.cancel()
    with ledger.writing() as connection:
        lifecycle.sweep_cancelled(connection, LATER)
    assert ledger.counts == {"attempting": 3}


def test_an_issue_can_be_cancelled_before_its_ledger_is_open(
    publication: PublicationFolder,
) -> None:
    issue = ready(publication)
    with publication.database.writing() as connection:
        cancelled = lifecycle.cancel_issue(connection, issue, "a mistake", LATER)
        assert cancelled.state is IssueState.CANCELLED
        assert count_deliveries(connection, [issue.id]) == {issue.id: Counter()}
        assert lifecycle.sweep_cancelled(connection, LATER) == 0


def test_a_finished_issue_can_t_be_cancelled(ledger: OpenLedger) -> None:
    ledger.settle(ledger.begin(), S.SENT)
    ledger.finish()
    with pytest.raises(TransitionError):
        ledger.cancel()
    assert ledger.counts == {"sent": 3}


# --- the end


@pytest.mark.parametrize("state", [S.CLAIMED, S.ATTEMPTING, S.DEFERRED, S.PENDING])
def test_an_issue_with_open_rows_does_not_finish(
    ledger: OpenLedger, state: DeliveryState
) -> None:
    ledger.settle(ledger.begin(2), S.SENT)
    if state is S.CLAIMED:
        ledger.claim()
    elif state is not S.PENDING:
        claims = ledger.begin()
        if state is S.DEFERRED:
            ledger.settle(claims, state, next_at=SOON)
    assert ledger.counts == {"sent": 2, state: 1}
    assert ledger.finish() is None
    assert ledger.stands() is IssueState.SENDING
    assert kept(ledger) == {}


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
    ledger: OpenLedger, ends: tuple[DeliveryState, ...], state: IssueState
) -> None:
    for claim, end in zip(ledger.begin(), ends, strict=True):
        ledger.settle([claim], end)
    with ledger.writing() as connection:
        issues.set_reason(connection, ledger.issue, "waiting: for something")
    ended = ledger.finish()
    assert ended
    assert (ended.state, ended.reason) == (state, None)
    assert finished_at(ledger) == LATER
    assert ledger.counts == kept(ledger) == Counter(ends)


def test_an_issue_without_rows_is_sent(publication: PublicationFolder) -> None:
    ledger = open_test_ledger(publication)
    assert ledger.finish()
    assert ledger.stands() is IssueState.SENT
    assert ledger.counts == {}


def test_a_stopped_issue_does_not_finish(ledger: OpenLedger) -> None:
    claims = ledger.begin()
    ledger.pause()
    ledger.settle(claims, S.SENT)
    assert ledger.finish() is None
    ledger.resume()
    assert ledger.finish()


def test_an_issue_finishes_once(ledger: OpenLedger) -> None:
    ledger.settle(ledger.begin(), S.SENT)
    stale = ledger.issue
    assert ledger.finish()
    assert ledger.finish() is None
    with (
        ledger.writing() as connection,
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
