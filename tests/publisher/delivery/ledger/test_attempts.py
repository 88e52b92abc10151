"""The result of an attempt is written only by the lease that holds the row."""

from __future__ import annotations

from datetime import timedelta

import pytest

from publisher.delivery.ledger import attempts
from publisher.delivery.retry_policy import StateChange
from publisher.delivery.states import DeliveryState
from publisher.issues.model import IssueState
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

SOON = LATER + timedelta(minutes=1)
CHANGES = [
    StateChange(S.SENT),
    StateChange(S.DEFERRED, "unknown", "not now", SOON),
    StateChange(S.BOUNCED, "unknown", "no such mailbox"),
    StateChange(S.FAILED, "unknown", "no room"),
    StateChange(S.IN_DOUBT, "unknown", "no answer"),
    StateChange(S.PENDING, "unknown", "the line was lost", NOW),
    StateChange(S.SUPPRESSED, "unknown", "no longer subscribed"),
]


@pytest.mark.parametrize("change", CHANGES, ids=[change.state for change in CHANGES])
def test_a_settled_row_has_the_new_state(ledger: OpenLedger, change: StateChange) -> None:
    (claim,) = ledger.begin(1)
    with ledger.writing() as connection:
        assert attempts.settle_attempts(connection, {claim: change}, LATER) == {claim.key}
    row = ledger.rows[ANN]
    assert (row.state, row.reason_key, row.reason) == (
        change.state,
        change.reason_key,
        change.reason,
    )
    assert row.next_at == (change.next_at or NOW)
    assert (row.attempts, row.tried_at, row.changed_at) == (1, NOW, LATER)
    # Whose it was is of no interest any more, but for what was sent.
    assert row.lease_id == (ledger.lease_id if change.state is S.SENT else None)


def test_many_rows_of_several_issues_are_settled_at_once(
    publication: PublicationFolder,
) -> None:
    ledger, other = (
        open_test_ledger(publication, ANN, CYD),
        open_test_ledger(publication, BOB, language="ar"),
    )
    (ann, cyd), (bob,) = ledger.begin(), other.begin()
    changes = {
        ann: StateChange(S.SENT),
        bob: StateChange(S.BOUNCED, "unknown", "no"),
        cyd: StateChange(S.DEFERRED, "unknown", "later", SOON),
    }
    with publication.database.writing() as connection:
        moved = attempts.settle_attempts(connection, changes, LATER)
    assert moved == {ann.key, bob.key, cyd.key}
    assert ledger.states | other.states == {ANN: "sent", BOB: "bounced", CYD: "deferred"}


def test_a_stale_claim_settles_nothing(ledger: OpenLedger) -> None:
    stale = ledger.claim()
    ledger.dismiss()
    other = ledger.enlist()
    assert ledger.settle(stale, S.SENT) == set()
    fresh = ledger.mark(ledger.claim(lease_id=other))
    assert ledger.settle(stale, S.FAILED) == set()
    assert len(ledger.settle(fresh, S.SENT)) == 3
    assert {row.lease_id for row in ledger.rows.values()} == {other}


def test_a_final_row_is_not_settled_again(ledger: OpenLedger) -> None:
    claims = ledger.begin()
    ledger.settle(claims, S.SENT)
    assert ledger.settle(claims, S.FAILED, reason="twice") == set()
    assert ledger.counts == {"sent": 3}


@pytest.mark.parametrize(
    "change",
    [
        StateChange(S.DEFERRED, "unknown", "x", SOON),
        StateChange(S.PENDING, "unknown", "x", NOW),
    ],
)
def test_a_deferred_row_is_not_settled_again(ledger: OpenLedger, change: StateChange) -> None:
    (claim,) = ledger.begin(1)
    with ledger.writing() as connection:
        attempts.settle_attempts(connection, {claim: change}, LATER)
    assert ledger.settle([claim], S.SENT) == set()
    assert ledger.states[ANN] == change.state


def test_a_claim_that_was_never_attempted_settles_nothing(ledger: OpenLedger) -> None:
    assert ledger.settle(ledger.claim(), S.SENT) == set()
    assert ledger.counts == {"claimed": 3}


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
def test_a_reason_is_stored_unchanged(ledger: OpenLedger, reason: str) -> None:
    ledger.settle(ledger.begin(1), S.BOUNCED, reason=reason)
    assert ledger.rows[ANN].reason == reason


# --- an answer that comes after all


@pytest.mark.parametrize("change", CHANGES, ids=[change.state for change in CHANGES])
def test_a_row_in_doubt_takes_a_late_answer(ledger: OpenLedger, change: StateChange) -> None:
    (claim,) = ledger.begin(1)
    ledger.dismiss()
    assert ledger.states[ANN] == "in_doubt"
    with ledger.writing() as connection:
        assert attempts.settle_attempts(connection, {claim: change}, LATER) == {claim.key}
    assert (ledger.states[ANN], ledger.rows[ANN].reason) == (change.state, change.reason)


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
    ledger: OpenLedger, state: DeliveryState, stands: IssueState
) -> None:
    late = ledger.begin(1)
    ledger.dismiss()
    ledger.settle(ledger.mark(ledger.claim(lease_id=ledger.enlist())), S.SENT)
    assert ledger.finish()
    assert ledger.stands() is IssueState.PARTIAL
    ledger.settle(late, state, reason="the answer", next_at=SOON)
    assert ledger.stands() is stands
    # Its counts are those of its rows.
    assert ledger.counts == ({"sent": 3} if state is S.SENT else {"sent": 2, state: 1})


def test_a_late_answer_reopens_no_cancelled_issue(ledger: OpenLedger) -> None:
    late = ledger.begin(2)
    ledger.cancel()
    ledger.dismiss()
    assert ledger.counts == {"in_doubt": 2, "cancelled": 1}
    ledger.settle(late[:1], S.DEFERRED, reason="later", next_at=SOON)
    ledger.settle(late[1:], S.SENT)
    assert ledger.states == {ANN: "cancelled", BOB: "sent", CYD: "cancelled"}
    assert ledger.counts == {"sent": 1, "cancelled": 2}
    assert ledger.stands() is IssueState.CANCELLED


# --- refusals that were put off


def test_a_deferred_rejection_becomes_a_bounce_later(ledger: OpenLedger) -> None:
    claims = ledger.begin(2)
    ledger.settle(claims, S.DEFERRED, reason="550 no", next_at=SOON)
    with ledger.writing() as connection:
        assert attempts.confirm_bounces(connection, claims[:1], LATER) == {claims[0].key}
    assert ledger.states == {ANN: "bounced", BOB: "deferred", CYD: "pending"}
    assert ledger.rows[ANN].reason == "550 no"


def test_a_retried_row_is_not_bounced_for_an_earlier_rejection(ledger: OpenLedger) -> None:
    claims = ledger.begin(1)
    ledger.settle(claims, S.DEFERRED, next_at=NOW)
    ledger.settle(ledger.begin(9, LATER), S.DEFERRED, next_at=SOON)
    with ledger.writing() as connection:
        assert attempts.confirm_bounces(connection, claims, LATER) == set()
        assert attempts.confirm_bounces(connection, [], LATER) == set()
    assert ledger.counts == {"deferred": 3}


# --- whose the staged messages are


def test_a_sent_row_keeps_the_lease_under_which_it_was_sent(ledger: OpenLedger) -> None:
    mine = ledger.begin(1)
    ledger.settle(mine, S.SENT)
    other = ledger.enlist()
    theirs = ledger.mark(ledger.claim(1, lease_id=other))
    ledger.settle(theirs, S.SENT)
    ledger.settle(ledger.begin(1), S.BOUNCED, reason="no")
    keys = [(ledger.number, recipient) for recipient in ledger.names]
    with ledger.writing() as connection:
        assert attempts.sent_under_lease(connection, ledger.lease_id, keys) == {mine[0].key}
        assert attempts.sent_under_lease(connection, other, keys) == {theirs[0].key}
        assert attempts.sent_under_lease(connection, other, [mine[0].key]) == set()
        assert attempts.sent_under_lease(connection, other, []) == set()
