"""Mail in doubt: listed, sent again, or marked as sent."""

from __future__ import annotations

from datetime import timedelta

import pytest

from publisher.delivery.causes import MARKED_AS_SENT, UNANSWERED
from publisher.delivery.ledger import doubts
from publisher.delivery.ledger.doubts import Doubt
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
        Doubt(doubtful.number, number, address, LATER, 1, *NO_ANSWER.values())
        for number, address in zip(ids, (BOB, CYD), strict=True)
    ]


def test_an_erased_subscriber_is_listed_without_an_address(doubtful: OpenLedger) -> None:
    erase(doubtful.publication.database, BOB)
    with doubtful.writing() as connection:
        found = doubts.list_doubts(connection, doubtful.issue)
    assert [doubt.address for doubt in found] == [None, CYD]


def test_finished_and_open_issues_with_mail_in_doubt_are_listed(
    publication: PublicationFolder,
) -> None:
    ledger, other = (
        open_test_ledger(publication, ANN),
        open_test_ledger(publication, BOB, language="ar"),
    )
    third = open_test_ledger(publication, CYD, language="zh-Hans")
    for one in (ledger, other):
        one.settle(one.begin(), S.IN_DOUBT, **NO_ANSWER)
    third.settle(third.begin(), S.SENT)
    other.finish()
    with publication.database.writing() as connection:
        found = doubts.issues_in_doubt(connection)
    assert [issue.id for issue in found] == [ledger.number, other.number]


# --- sent again


def test_resending_mail_in_doubt_reopens_its_issue(doubtful: OpenLedger) -> None:
    assert resend(doubtful) == 2
    assert doubtful.stands() is IssueState.SENDING
    assert doubtful.counts == {"sent": 1, "pending": 2}
    assert {claim.recipient.address for claim in doubtful.claim(now=WEEK)} == {BOB, CYD}


def test_mail_in_doubt_may_be_resent_for_some_subscribers(doubtful: OpenLedger) -> None:
    assert resend(doubtful, CYD) == 1
    assert doubtful.states == {ANN: "sent", BOB: "in_doubt", CYD: "pending"}
    assert doubtful.stands() is IssueState.SENDING


def test_mail_that_is_not_in_doubt_is_not_resent(doubtful: OpenLedger) -> None:
    before = doubtful.rows
    assert resend(doubtful, ANN) == 0
    assert mark_sent(doubtful, ANN) == 0
    assert doubtful.rows == before
    assert doubtful.stands() is IssueState.PARTIAL


def test_the_give_up_time_starts_anew_for_resent_mail(doubtful: OpenLedger) -> None:
    resend(doubtful)
    doubtful.begin(9, WEEK)
    assert (doubtful.rows[BOB].attempts, doubtful.rows[BOB].tried_at) == (2, WEEK)


def test_the_first_run_can_t_settle_resent_mail(ledger: OpenLedger) -> None:
    late = ledger.begin(1)
    ledger.dismiss()
    assert resend(ledger) == 1
    assert ledger.settle(late, S.SENT) == set()
    assert ledger.states[ANN] == "pending"


def test_a_cancelled_issue_is_not_resent(ledger: OpenLedger) -> None:
    ledger.settle(ledger.begin(1), S.IN_DOUBT, **NO_ANSWER)
    ledger.cancel()
    with pytest.raises(TransitionError, match="can't go from cancelled to sending"):
        resend(ledger)
    assert ledger.counts == {"in_doubt": 1, "cancelled": 2}


def test_a_paused_issue_stays_paused(ledger: OpenLedger) -> None:
    ledger.settle(ledger.begin(1), S.IN_DOUBT, **NO_ANSWER)
    ledger.pause()
    assert resend(ledger) == 1
    assert ledger.stands() is IssueState.PAUSED
    assert ledger.states[ANN] == "pending"


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


def test_doubts_are_retried_by_policy_unless_tried_too_often(ledger: OpenLedger) -> None:
    ledger.settle(ledger.begin(), S.IN_DOUBT, **NO_ANSWER)
    ledger.age(BOB, attempts=3)
    ledger.age(CYD, attempts=4)
    with ledger.writing() as connection:
        assert doubts.retry_doubts(connection, ledger.issue, 3, timedelta(days=2), LATER) == 2
    assert ledger.states == {ANN: "pending", BOB: "pending", CYD: "in_doubt"}
    row = ledger.rows[ANN]
    assert (row.epoch, row.next_at, row.attempts, row.tried_at) == (2, LATER, 1, NOW)


def test_doubts_are_not_retried_after_the_give_up_time(ledger: OpenLedger) -> None:
    ledger.settle(ledger.begin(), S.IN_DOUBT, **NO_ANSWER)
    ledger.age(BOB, tried_at=LATER - timedelta(days=2))
    with ledger.writing() as connection:
        assert doubts.retry_doubts(connection, ledger.issue, 3, timedelta(days=2), LATER) == 2
    assert ledger.states == {ANN: "pending", BOB: "in_doubt", CYD: "pending"}


# --- believed


def test_marking_mail_in_doubt_as_sent_finishes_the_issue(doubtful: OpenLedger) -> None:
    assert mark_sent(doubtful) == 2
    assert doubtful.stands() is IssueState.SENT
    assert doubtful.counts == {"sent": 3}
    assert (doubtful.rows[BOB].reason_key, doubtful.rows[BOB].lease_id) == (
        MARKED_AS_SENT.key,
        None,
    )


def test_an_issue_with_mail_in_doubt_left_is_partial(doubtful: OpenLedger) -> None:
    assert mark_sent(doubtful, BOB) == 1
    assert doubtful.stands() is IssueState.PARTIAL
    assert doubtful.counts == {"sent": 2, "in_doubt": 1}


def test_a_failed_issue_becomes_partial_or_sent(ledger: OpenLedger) -> None:
    ledger.settle(ledger.begin(), S.IN_DOUBT, **NO_ANSWER)
    ledger.finish()
    assert ledger.stands() is IssueState.FAILED
    assert mark_sent(ledger, ANN) == 1
    assert ledger.stands() is IssueState.PARTIAL
    assert mark_sent(ledger) == 2
    assert ledger.stands() is IssueState.SENT


def test_mail_marked_sent_in_a_cancelled_issue_is_counted(ledger: OpenLedger) -> None:
    ledger.settle(ledger.begin(1), S.IN_DOUBT, **NO_ANSWER)
    ledger.cancel()
    assert mark_sent(ledger) == 1
    assert ledger.counts == {"sent": 1, "cancelled": 2}
    assert ledger.stands() is IssueState.CANCELLED


def test_marking_mail_as_sent_does_not_end_an_issue_under_way(ledger: OpenLedger) -> None:
    ledger.settle(ledger.begin(), S.IN_DOUBT, **NO_ANSWER)
    assert mark_sent(ledger) == 3
    assert ledger.stands() is IssueState.SENDING
    assert ledger.finish()
