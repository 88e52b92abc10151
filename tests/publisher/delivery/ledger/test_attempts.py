"""The result of an attempt is written only by the lease that holds the row; of some it stays in doubt."""

from datetime import timedelta

import pytest

from publisher.delivery.causes import MARKED_AS_SENT, UNANSWERED
from publisher.delivery.ledger import attempts, doubts
from publisher.delivery.ledger.doubts import Doubt
from publisher.delivery.retry_policy import StateChange
from publisher.delivery.states import DeliveryState
from publisher.errors import TransitionError
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
from tests.publisher.delivery.mailing import erase, number_of

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


@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.parametrize("change", CHANGES, ids=[change.state for change in CHANGES])
def test_an_attempt_or_a_doubt_takes_its_answer(
    ledger: OpenLedger, change: StateChange, *, is_late: bool
) -> None:
    (claim,) = ledger.begin(1)
    if is_late:
        ledger.dismiss()
        assert ledger.states[ANN] == "in_doubt"
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
    is_kept = change.state is S.SENT and not is_late
    assert row.lease_id == (ledger.lease_id if is_kept else None)


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


@pytest.mark.parametrize(
    "change", CHANGES[:2] + CHANGES[5:6], ids=["sent", "deferred", "pending"]
)
def test_only_what_is_attempted_is_settled_and_once(
    ledger: OpenLedger, change: StateChange
) -> None:
    claims = ledger.claim()
    assert ledger.settle(claims, S.SENT) == set()
    assert ledger.counts == {"claimed": 3}
    ledger.mark(claims)
    with ledger.writing() as connection:
        attempts.settle_attempts(connection, dict.fromkeys(claims, change), LATER)
    assert ledger.settle(claims, S.FAILED, reason="twice") == set()
    assert ledger.counts == {change.state: 3}


# --- an answer that comes after all


@pytest.mark.parametrize(
    ("state", "stands"),
    [
        (S.SENT, IssueState.SENT),
        (S.SUPPRESSED, IssueState.SENT),
        (S.BOUNCED, IssueState.SENT),
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


# --- mail in doubt: listed, sent again, or marked as sent


WEEK = NOW + timedelta(days=7)
NO_ANSWER = {"reason_key": UNANSWERED.key, "reason": "was silent for 600 s"}


@pytest.fixture
def doubtful(ledger: OpenLedger) -> OpenLedger:
    """One was sent, two are in doubt, and the issue is over."""
    ledger.settle(ledger.begin(1), S.SENT)
    ledger.settle(ledger.begin(), S.IN_DOUBT, **NO_ANSWER)
    assert ledger.finish()
    assert ledger.stands() is IssueState.PARTIAL
    return ledger


def resend(ledger: OpenLedger, *recipients: str) -> int:
    with ledger.writing() as connection:
        return doubts.resend_doubts(connection, ledger.issue, numbers(ledger, recipients), WEEK)


def mark_sent(ledger: OpenLedger, *recipients: str) -> int:
    with ledger.writing() as connection:
        return doubts.mark_doubts_sent(
            connection, ledger.issue, numbers(ledger, recipients), WEEK
        )


def numbers(ledger: OpenLedger, recipients: tuple[str, ...]) -> list[int] | None:
    """All of them, unless some are said."""
    return [number_of(ledger.publication.database, one) for one in recipients] or None


# --- lists


def test_mail_in_doubt_is_listed_with_its_address(doubtful: OpenLedger) -> None:
    with doubtful.writing() as connection:
        found = doubts.list_doubts(connection, doubtful.issue)
    ids = numbers(doubtful, (BOB, CYD)) or []
    assert found == [
        Doubt(doubtful.number, number, address, LATER, NOW, 1, *NO_ANSWER.values())
        for number, address in zip(ids, (BOB, CYD), strict=True)
    ]
    # A subscriber who was erased has none.
    erase(doubtful.publication.database, BOB)
    with doubtful.writing() as connection:
        found = doubts.list_doubts(connection, doubtful.issue)
    assert [doubt.address for doubt in found] == [None, CYD]


def test_finished_and_open_issues_with_mail_in_doubt_are_listed(
    publication: PublicationFolder,
) -> None:
    ledger, other, third = (
        open_test_ledger(publication, email, language=language)
        for email, language in ((ANN, "en"), (BOB, "ar"), (CYD, "zh-Hans"))
    )
    for one in (ledger, other):
        one.settle(one.begin(), S.IN_DOUBT, **NO_ANSWER)
    third.settle(third.begin(), S.SENT)
    other.finish()
    with publication.database.writing() as connection:
        found = doubts.issues_in_doubt(connection)
    assert [issue.id for issue in found] == [ledger.number, other.number]


# --- sent again


def test_resending_some_or_all_mail_in_doubt_reopens_its_issue(doubtful: OpenLedger) -> None:
    before = doubtful.rows
    assert resend(doubtful, ANN) == mark_sent(doubtful, ANN) == 0
    assert doubtful.rows == before
    assert doubtful.stands() is IssueState.PARTIAL
    assert resend(doubtful, CYD) == 1
    assert doubtful.states == {ANN: "sent", BOB: "in_doubt", CYD: "pending"}
    assert doubtful.stands() is IssueState.SENDING
    assert resend(doubtful) == 1
    assert doubtful.counts == {"sent": 1, "pending": 2}
    assert {claim.recipient.address for claim in doubtful.begin(9, WEEK)} == {BOB, CYD}
    # The time to give up starts anew.
    assert (doubtful.rows[BOB].attempts, doubtful.rows[BOB].tried_at) == (2, WEEK)


def test_the_first_run_can_t_settle_resent_mail(ledger: OpenLedger) -> None:
    late = ledger.begin(1)
    ledger.dismiss()
    assert resend(ledger) == 1
    assert ledger.settle(late, S.SENT) == set()
    assert ledger.states[ANN] == "pending"


def test_mail_of_a_cancelled_issue_is_not_resent_and_may_be_marked_as_sent(
    ledger: OpenLedger,
) -> None:
    ledger.settle(ledger.begin(1), S.IN_DOUBT, **NO_ANSWER)
    ledger.cancel()
    with pytest.raises(TransitionError, match="can't go from cancelled to sending"):
        resend(ledger)
    assert ledger.counts == {"in_doubt": 1, "cancelled": 2}
    assert mark_sent(ledger) == 1
    assert ledger.counts == {"sent": 1, "cancelled": 2}
    assert ledger.stands() is IssueState.CANCELLED


def test_a_paused_issue_stays_paused(ledger: OpenLedger) -> None:
    ledger.settle(ledger.begin(1), S.IN_DOUBT, **NO_ANSWER)
    ledger.pause()
    assert resend(ledger) == 1
    assert ledger.stands() is IssueState.PAUSED
    # Its reason asked for what is decided now.
    row = ledger.rows[ANN]
    assert (row.state, row.reason_key, row.reason) == ("pending", None, None)


def test_decisions_may_name_more_subscribers_than_one_statement_takes(
    publication: PublicationFolder,
) -> None:
    emails = [f"reader{number}@example.com" for number in range(1_000)]
    ledger = open_test_ledger(publication, *emails)
    ledger.settle(ledger.begin(1_000), S.IN_DOUBT, **NO_ANSWER)
    with publication.database.writing() as connection:
        assert len(doubts.list_doubts(connection, ledger.issue)) == 1_000
        assert doubts.resend_doubts(connection, ledger.issue, [*ledger.names][1:], WEEK) == 999
    assert ledger.counts == {"in_doubt": 1, "pending": 999}


# --- repeated by the newsletter's policy


def test_doubts_are_retried_by_policy_unless_tried_too_often_or_for_too_long(
    ledger: OpenLedger,
) -> None:
    ledger.settle(ledger.begin(), S.IN_DOUBT, **NO_ANSWER)
    ledger.age(ANN, attempts=3)
    ledger.age(BOB, attempts=4)
    ledger.age(CYD, tried_at=LATER - timedelta(days=2))
    with ledger.writing() as connection:
        assert doubts.retry_doubts(connection, ledger.issue, 3, timedelta(days=2), LATER) == 1
    assert ledger.states == {ANN: "pending", BOB: "in_doubt", CYD: "in_doubt"}
    row = ledger.rows[ANN]
    assert (row.epoch, row.next_at, row.attempts, row.tried_at) == (2, LATER, 3, NOW)
    assert (row.reason_key, row.reason) == (None, None)


# --- believed


def test_an_issue_becomes_partial_and_then_sent_by_what_is_marked_as_sent(
    ledger: OpenLedger,
) -> None:
    ledger.settle(ledger.begin(), S.IN_DOUBT, **NO_ANSWER)
    ledger.finish()
    assert ledger.stands() is IssueState.FAILED
    assert mark_sent(ledger, BOB) == 1
    assert ledger.stands() is IssueState.PARTIAL
    assert ledger.counts == {"sent": 1, "in_doubt": 2}
    assert mark_sent(ledger) == 2
    assert ledger.stands() is IssueState.SENT
    assert ledger.counts == {"sent": 3}
    bob = ledger.rows[BOB]
    assert (bob.reason_key, bob.lease_id) == (MARKED_AS_SENT.key, None)


def test_marking_mail_as_sent_does_not_end_an_issue_under_way(ledger: OpenLedger) -> None:
    ledger.settle(ledger.begin(), S.IN_DOUBT, **NO_ANSWER)
    assert mark_sent(ledger) == 3
    assert ledger.stands() is IssueState.SENDING
    assert ledger.finish()
