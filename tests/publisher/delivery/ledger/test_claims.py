"""Rows are claimed, reserved and released, only by the lease that holds them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from publisher.delivery.causes import HAS_PAUSED, HAS_UNSUBSCRIBED, OTHER_CADENCE
from publisher.delivery.ledger import attempts
from publisher.delivery.ledger import claims as claim_rows
from publisher.issues.model import IssueState
from subscribers import Cadence, SubscriberStatus, pause_subscriber, suppress, unsubscribe
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
from tests.publisher.delivery.mailing import choose_cadence, erase, number_of

SECOND = timedelta(seconds=1)


def addresses(claims: list[claim_rows.Claim]) -> list[str]:
    return [claim.recipient.address for claim in claims]


# --- claims


def test_rows_are_claimed_in_order_and_none_twice(ledger: OpenLedger) -> None:
    assert addresses(ledger.claim(2)) == [ANN, BOB]
    assert addresses(ledger.claim(2)) == [CYD]
    assert ledger.claim(2) == []
    assert {(row.state, row.epoch) for row in ledger.rows.values()} == {("claimed", 1)}
    assert {row.lease_id for row in ledger.rows.values()} == {ledger.lease_id}


def test_a_claim_holds_recipient_due_time_and_epoch(ledger: OpenLedger) -> None:
    (claim,) = ledger.claim(1)
    assert claim.key == (ledger.number, number_of(ledger.publication.database, ANN))
    assert (claim.recipient.address, claim.domain) == (ANN, "example.com")
    assert (claim.epoch, claim.attempts, claim.tried_at) == (1, 0, None)
    assert claim.due_at == NOW


def test_no_row_is_claimed_before_it_is_due(ledger: OpenLedger) -> None:
    assert ledger.claim(now=NOW - SECOND) == []
    assert len(ledger.claim(now=NOW)) == 3


def test_first_tries_are_claimed_longest_wait_first_and_retries_last(
    ledger: OpenLedger,
) -> None:
    ledger.settle(ledger.begin(1), S.DEFERRED, next_at=NOW - 9 * SECOND)
    ledger.age(CYD, next_at=NOW - SECOND)
    assert [addresses(ledger.claim(1)) for _ in range(3)] == [[CYD], [BOB], [ANN]]


def test_a_large_claim_keeps_the_order(ledger: OpenLedger) -> None:
    ledger.age(CYD, next_at=NOW - SECOND)
    assert addresses(ledger.claim(3)) == [CYD, ANN, BOB]


def test_nothing_is_claimed_from_an_issue_that_is_not_being_sent(ledger: OpenLedger) -> None:
    ledger.pause()
    assert ledger.claim(now=LATER) == []
    ledger.resume()
    assert len(ledger.claim(now=LATER)) == 3


def test_an_erased_subscriber_is_suppressed_and_delays_no_other(ledger: OpenLedger) -> None:
    for email in (ANN, BOB):
        erase(ledger.publication.database, email)
    assert addresses(ledger.claim(1)) == [CYD]
    assert ledger.states == {ANN: "suppressed", BOB: "suppressed", CYD: "claimed"}
    assert (ledger.rows[ANN].reason_key, ledger.rows[ANN].lease_id) == (
        HAS_UNSUBSCRIBED.key,
        None,
    )


# --- reserving rows


def test_beginning_an_attempt_counts_it_and_records_the_first_time(ledger: OpenLedger) -> None:
    ledger.settle(ledger.begin(1), S.DEFERRED, next_at=LATER)
    ledger.begin(9, LATER)
    ann, bob = ledger.rows[ANN], ledger.rows[BOB]
    assert (ann.state, ann.attempts, ann.tried_at) == ("attempting", 2, NOW)
    assert (bob.state, bob.attempts, bob.tried_at) == ("attempting", 1, LATER)


@pytest.mark.parametrize("how", ["left", "erased", "dead"])
def test_a_subscriber_who_left_after_the_claim_is_suppressed(
    ledger: OpenLedger, how: str
) -> None:
    claims = ledger.claim()
    with ledger.writing() as connection:
        if how == "left":
            unsubscribe(connection, BOB, "weekly", NOW)
        elif how == "dead":
            suppress(connection, BOB, SubscriberStatus.BOUNCED, NOW)
    if how == "erased":
        erase(ledger.publication.database, BOB)
    with ledger.writing() as connection:
        marked, left = attempts.begin_attempts(connection, claims, NOW)
    assert (addresses(marked), left) == ([ANN, CYD], 1)
    bob = ledger.rows[BOB]
    assert (bob.state, bob.reason_key, bob.lease_id, bob.attempts) == (
        "suppressed",
        HAS_UNSUBSCRIBED.key,
        None,
        0,
    )


def test_a_pause_and_another_cadence_after_the_claim_suppress_with_their_causes(
    ledger: OpenLedger,
) -> None:
    claims = ledger.claim()
    ann, bob, _cyd = (one.recipient.id for one in claims)
    with ledger.writing() as connection:
        pause_subscriber(connection, ann, LATER, NOW)
        choose_cadence(connection, bob, Cadence.WEEKLY)
    with ledger.writing() as connection:
        marked, left = attempts.begin_attempts(connection, claims, NOW)
    assert (addresses(marked), left) == ([CYD], 2)
    assert ledger.rows[ANN].reason_key == HAS_PAUSED.key
    assert ledger.rows[BOB].reason_key == OTHER_CADENCE.key


def test_leaving_another_newsletter_changes_nothing(ledger: OpenLedger) -> None:
    claims = ledger.claim()
    with ledger.writing() as connection:
        unsubscribe(connection, BOB, "daily", NOW)
    assert len(ledger.mark(claims)) == 3


@pytest.mark.parametrize("stopped", ["pause", "cancel"])
def test_no_attempt_begins_for_a_stopped_issue(ledger: OpenLedger, stopped: str) -> None:
    claims = ledger.claim()
    getattr(ledger, stopped)()
    assert ledger.mark(claims) == []
    assert ledger.counts == {"pending" if stopped == "pause" else "cancelled": 3}


def test_a_row_claimed_by_another_run_is_not_attempted_by_the_first(ledger: OpenLedger) -> None:
    stale = ledger.claim()
    ledger.dismiss()
    fresh = ledger.claim(lease_id=ledger.enlist())
    assert ledger.mark(stale) == []
    assert ledger.states == dict.fromkeys((ANN, BOB, CYD), "claimed")
    assert len(ledger.mark(fresh)) == 3


def test_no_attempt_begins_twice(ledger: OpenLedger) -> None:
    claims = ledger.claim()
    assert len(ledger.mark(claims)) == 3
    assert ledger.mark(claims) == []
    assert {row.attempts for row in ledger.rows.values()} == {1}


# --- put down again


def test_a_row_postponed_by_a_rate_waits_for_its_time(ledger: OpenLedger) -> None:
    ann, bob, _cyd = ledger.claim()
    with ledger.writing() as connection:
        assert (
            claim_rows.postpone_claims(connection, {ann: LATER, bob: LATER + SECOND}, NOW) == 2
        )
        assert claim_rows.next_due_at(connection, [ledger.number]) == LATER
    assert (ledger.rows[ANN].state, ledger.rows[ANN].lease_id) == ("pending", None)
    assert ledger.claim() == []
    assert addresses(ledger.claim(now=LATER)) == [ANN]


def test_a_released_row_returns_to_its_former_state(ledger: OpenLedger) -> None:
    before = ledger.row_but_epoch(ANN)
    claims = ledger.claim(1)
    with ledger.writing() as connection:
        assert claim_rows.release_claims(connection, claims, NOW) == 1
    assert ledger.row_but_epoch(ANN) == before


def test_an_undone_attempt_is_not_counted(ledger: OpenLedger) -> None:
    before = ledger.row_but_epoch(ANN)
    claims = ledger.begin(1)
    with ledger.writing() as connection:
        assert attempts.undo_attempts(connection, claims, NOW) == 1
    assert ledger.row_but_epoch(ANN) == before


def test_undoing_a_second_attempt_keeps_the_first(ledger: OpenLedger) -> None:
    ledger.settle(ledger.begin(1), S.DEFERRED, next_at=LATER)
    claims = [one for one in ledger.begin(9, LATER) if one.attempts]
    with ledger.writing() as connection:
        assert attempts.undo_attempts(connection, claims, LATER) == 1
    assert (ledger.rows[ANN].attempts, ledger.rows[ANN].tried_at) == (1, NOW)


def test_only_claimed_rows_are_released_and_only_attempts_undone(ledger: OpenLedger) -> None:
    marked, claimed = ledger.begin(1), ledger.claim(1)
    with ledger.writing() as connection:
        assert claim_rows.release_claims(connection, marked, NOW) == 0
        assert attempts.undo_attempts(connection, claimed, NOW) == 0
        assert claim_rows.postpone_claims(connection, dict.fromkeys(marked, LATER), NOW) == 0
    assert ledger.states == {ANN: "attempting", BOB: "claimed", CYD: "pending"}


def test_a_run_that_lost_a_row_can_t_release_it(ledger: OpenLedger) -> None:
    stale = ledger.claim()
    ledger.dismiss()
    ledger.claim(lease_id=ledger.enlist())
    with ledger.writing() as connection:
        assert claim_rows.release_claims(connection, stale, NOW) == 0
        assert claim_rows.postpone_claims(connection, dict.fromkeys(stale, LATER), NOW) == 0
    assert ledger.counts == {"claimed": 3}


# --- a process that was stopped for too long, and goes on


def test_an_unsent_message_is_taken_out_of_doubt(ledger: OpenLedger) -> None:
    claims = ledger.begin(2)
    ledger.dismiss()
    with ledger.writing() as connection:
        assert attempts.undo_attempts(connection, claims[:1], LATER) == 1
    assert ledger.states == {ANN: "pending", BOB: "in_doubt", CYD: "pending"}
    assert (ledger.rows[ANN].attempts, ledger.rows[ANN].tried_at) == (0, None)


def test_an_unsent_message_reopens_its_finished_issue(publication: PublicationFolder) -> None:
    ledger = open_test_ledger(publication, ANN)
    claims = ledger.begin()
    ledger.dismiss()
    assert ledger.finish()
    assert ledger.stands() is IssueState.FAILED
    with ledger.writing() as connection:
        assert attempts.undo_attempts(connection, claims, LATER) == 1
    assert ledger.stands() is IssueState.SENDING
    assert ledger.counts == {"pending": 1}


def test_a_decided_row_is_not_undone(ledger: OpenLedger) -> None:
    claims = ledger.begin(1)
    ledger.settle(claims, S.SENT)
    with ledger.writing() as connection:
        assert attempts.undo_attempts(connection, claims, LATER) == 0
    assert ledger.states[ANN] == "sent"


# --- what is due


def test_the_next_due_time_is_that_of_the_earliest_postponed_row(
    publication: PublicationFolder,
) -> None:
    ledger, other = (
        open_test_ledger(publication, ANN),
        open_test_ledger(publication, BOB, language="ar"),
    )
    ledger.age(ANN, next_at=LATER)
    other.age(BOB, next_at=LATER - SECOND)
    with ledger.writing() as connection:
        assert claim_rows.next_due_at(connection, [ledger.number]) == LATER
        assert (
            claim_rows.next_due_at(connection, [ledger.number, other.number]) == LATER - SECOND
        )
        assert claim_rows.next_due_at(connection, []) is None


def test_deferred_held_and_stopped_rows_have_no_due_time(
    publication: PublicationFolder,
) -> None:
    ledger, other = (
        open_test_ledger(publication, ANN, CYD),
        open_test_ledger(publication, BOB, language="ar"),
    )
    ledger.settle(ledger.begin(1), S.DEFERRED, next_at=LATER)
    ledger.claim()
    other.pause()
    with ledger.writing() as connection:
        assert claim_rows.next_due_at(connection, [ledger.number, other.number]) is None


def test_due_rows_are_counted_up_to_a_limit(publication: PublicationFolder) -> None:
    ledger, other = (
        open_test_ledger(publication, ANN, CYD),
        open_test_ledger(publication, BOB, language="ar"),
    )
    ledger.settle(ledger.begin(1), S.DEFERRED, next_at=LATER)
    both = [ledger.number, other.number]
    with ledger.writing() as connection:
        assert claim_rows.count_due(connection, both, NOW, 9) == 2
        assert claim_rows.count_due(connection, both, LATER, 9) == 3
        assert claim_rows.count_due(connection, both, LATER, 2) == 2
        assert claim_rows.count_due(connection, [ledger.number], LATER, 9) == 2
        assert claim_rows.count_due(connection, both, NOW - SECOND, 9) == 0
        assert claim_rows.count_due(connection, [], LATER, 9) == 0


def test_receiving_domains_are_compared_in_lower_case(publication: PublicationFolder) -> None:
    ledger = open_test_ledger(publication, "ann@Example.COM", "bob@example.com")
    assert {claim.domain for claim in ledger.claim()} == {"example.com"}
