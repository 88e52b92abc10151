"""Rows are claimed, reserved, looked at and released, only by the lease that holds them."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from publisher.clock import FixedClock
from publisher.database import Database
from publisher.database.dialect import open_backend
from publisher.delivery.causes import HAS_UNSUBSCRIBED, INTERRUPTED
from publisher.delivery.ledger import attempts, leases
from publisher.delivery.ledger import claims as claim_rows
from publisher.delivery.ledger.claims import Claim, LedgerRecheck
from publisher.errors import DatabaseError
from publisher.issues.model import IssueState
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.ledger.open_ledgers import (
    ANN,
    BOB,
    CYD,
    LATER,
    LEASE_UNTIL,
    WAYS_TO_LEAVE,
    OpenLedger,
    S,
    leave,
    open_test_ledger,
)
from tests.publisher.delivery.mailing import erase, number_of
from tests.subscribers.leaving import unsubscribe

SECOND = timedelta(seconds=1)


def addresses(claims: list[claim_rows.Claim]) -> list[str]:
    return [claim.recipient.address for claim in claims]


# --- claims


def test_rows_are_claimed_in_order_when_they_are_due_and_none_twice(ledger: OpenLedger) -> None:
    assert ledger.claim(now=NOW - SECOND) == []
    assert addresses(ledger.claim(2)) == [ANN, BOB]
    assert addresses(ledger.claim(2)) == [CYD]
    assert ledger.claim(2) == []
    assert {(row.state, row.epoch) for row in ledger.rows.values()} == {("claimed", 1)}
    assert {row.lease_id for row in ledger.rows.values()} == {ledger.lease_id}


def test_a_claim_holds_recipient_due_time_and_epoch(publication: PublicationFolder) -> None:
    ledger = open_test_ledger(publication, "ann@Example.COM", "bob@example.com")
    claim, other = ledger.claim()
    assert claim.key == (ledger.number, number_of(ledger.publication.database, ANN))
    assert claim.recipient.address == ANN
    # Domains are compared in lower case.
    assert claim.domain == other.domain == "example.com"
    assert (claim.epoch, claim.attempts, claim.tried_at) == (1, 0, None)
    assert claim.due_at == NOW


@pytest.mark.parametrize("at_once", [1, 3])
def test_first_tries_are_claimed_longest_wait_first_and_retries_last(
    ledger: OpenLedger, at_once: int
) -> None:
    ledger.settle(ledger.begin(1), S.DEFERRED, next_at=NOW - 9 * SECOND)
    ledger.age(CYD, next_at=NOW - SECOND)
    claims = [claim for _ in range(3) for claim in ledger.claim(at_once)]
    assert addresses(claims) == [CYD, BOB, ANN]


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
    ann = ledger.rows[ANN]
    assert (ann.reason_key, ann.lease_id) == (HAS_UNSUBSCRIBED.key, None)


# --- reserving rows


def test_beginning_an_attempt_counts_it_once_and_records_the_first_time(
    ledger: OpenLedger,
) -> None:
    ledger.settle(ledger.begin(1), S.DEFERRED, next_at=LATER)
    claims = ledger.begin(9, LATER)
    assert ledger.mark(claims) == []
    ann, bob = ledger.rows[ANN], ledger.rows[BOB]
    assert (ann.state, ann.attempts, ann.tried_at) == ("attempting", 2, NOW)
    assert (bob.state, bob.attempts, bob.tried_at) == ("attempting", 1, LATER)


@pytest.mark.parametrize("way", WAYS_TO_LEAVE)
def test_a_subscriber_who_left_after_the_claim_is_suppressed_with_the_cause(
    ledger: OpenLedger, way: str
) -> None:
    claims = ledger.claim()
    with ledger.writing() as connection:
        # Of another newsletter that changes nothing.
        unsubscribe(connection, CYD, "daily", NOW)
    leave(ledger, BOB, way)
    with ledger.writing() as connection:
        marked, left = attempts.begin_attempts(connection, claims, NOW)
    assert (addresses(marked), left) == ([ANN, CYD], 1)
    bob = ledger.rows[BOB]
    assert (bob.state, bob.lease_id, bob.attempts) == ("suppressed", None, 0)
    assert bob.reason_key == WAYS_TO_LEAVE[way].key


@pytest.mark.parametrize("stopped", ["pause", "cancel"])
def test_no_attempt_begins_for_a_stopped_issue(ledger: OpenLedger, stopped: str) -> None:
    claims = ledger.claim()
    getattr(ledger, stopped)()
    assert ledger.mark(claims) == []
    assert ledger.counts == {"pending" if stopped == "pause" else "cancelled": 3}


def test_a_run_that_lost_its_rows_to_another_can_do_nothing_with_them(
    ledger: OpenLedger,
) -> None:
    stale = ledger.claim()
    ledger.dismiss()
    assert ledger.mark(stale) == []
    assert ledger.settle(stale, S.SENT) == set()
    assert ledger.counts == {"pending": 3}
    other = ledger.enlist()
    fresh = ledger.claim(lease_id=other)
    assert ledger.mark(stale) == []
    assert ledger.release(stale) == ledger.postpone(stale) == 0
    assert ledger.counts == {"claimed": 3}
    assert len(ledger.mark(fresh)) == 3
    assert ledger.settle(stale, S.FAILED) == set()
    assert len(ledger.settle(fresh, S.SENT)) == 3
    assert {row.lease_id for row in ledger.rows.values()} == {other}


# --- put down again


def test_a_row_postponed_by_a_rate_waits_for_its_time(ledger: OpenLedger) -> None:
    ann, bob, _cyd = ledger.claim()
    with ledger.writing() as connection:
        until = {ann: LATER, bob: LATER + SECOND}
        assert claim_rows.postpone_claims(connection, until, NOW) == 2
        assert claim_rows.next_due_at(connection, [ledger.number]) == LATER
    assert (ledger.rows[ANN].state, ledger.rows[ANN].lease_id) == ("pending", None)
    assert ledger.claim() == []
    assert addresses(ledger.claim(now=LATER)) == [ANN]


def test_released_and_undone_rows_are_as_they_were_before(ledger: OpenLedger) -> None:
    before = ledger.row_but_epoch(ANN)
    assert ledger.release(ledger.claim(1)) == 1
    assert ledger.row_but_epoch(ANN) == before
    assert ledger.undo(ledger.begin(1)) == 1
    assert ledger.row_but_epoch(ANN) == before
    ledger.settle(ledger.begin(1), S.DEFERRED, next_at=LATER)
    assert ledger.undo([one for one in ledger.begin(9, LATER) if one.attempts], LATER) == 1
    # The first attempt counts.
    assert (ledger.rows[ANN].attempts, ledger.rows[ANN].tried_at) == (1, NOW)


def test_only_claimed_rows_are_released_and_only_attempts_undone(ledger: OpenLedger) -> None:
    marked, claimed = ledger.begin(1), ledger.claim(1)
    assert ledger.release(marked) == ledger.postpone(marked) == ledger.undo(claimed) == 0
    assert ledger.states == {ANN: "attempting", BOB: "claimed", CYD: "pending"}
    ledger.settle(marked, S.SENT)
    assert ledger.undo(marked, LATER) == 0
    assert ledger.states[ANN] == "sent"


# --- a process that was stopped for too long, and goes on


def test_an_unsent_message_is_taken_out_of_doubt_and_reopens_its_finished_issue(
    ledger: OpenLedger,
) -> None:
    claims = ledger.begin()
    ledger.dismiss()
    assert ledger.finish()
    assert ledger.stands() is IssueState.FAILED
    assert ledger.undo(claims[:1], LATER) == 1
    assert ledger.states == {ANN: "pending", BOB: "in_doubt", CYD: "in_doubt"}
    assert (ledger.rows[ANN].attempts, ledger.rows[ANN].tried_at) == (0, None)
    assert ledger.stands() is IssueState.SENDING


# --- what is due


def test_the_next_due_time_is_that_of_the_earliest_postponed_row(
    publication: PublicationFolder,
) -> None:
    ledger = open_test_ledger(publication, ANN, CYD)
    other = open_test_ledger(publication, BOB, language="ar")
    both = [ledger.number, other.number]
    ledger.age(ANN, next_at=LATER)
    other.age(BOB, next_at=LATER - SECOND)
    with ledger.writing() as connection:
        assert claim_rows.next_due_at(connection, [ledger.number]) == NOW
        assert claim_rows.next_due_at(connection, [other.number]) == LATER - SECOND
        assert claim_rows.next_due_at(connection, []) is None
    # Rows that are held, deferred or of a stopped issue have none.
    ledger.claim()
    with ledger.writing() as connection:
        assert claim_rows.next_due_at(connection, both) == LATER - SECOND
    other.pause()
    with ledger.writing() as connection:
        assert claim_rows.next_due_at(connection, both) == LATER
    ledger.settle(ledger.begin(1, LATER), S.DEFERRED, next_at=LATER)
    with ledger.writing() as connection:
        assert claim_rows.next_due_at(connection, both) is None


def test_due_rows_are_counted_up_to_a_limit(publication: PublicationFolder) -> None:
    ledger = open_test_ledger(publication, ANN, CYD)
    other = open_test_ledger(publication, BOB, language="ar")
    ledger.settle(ledger.begin(1), S.DEFERRED, next_at=LATER)
    both = [ledger.number, other.number]
    with ledger.writing() as connection:
        assert claim_rows.count_due(connection, both, NOW, 9) == 2
        assert claim_rows.count_due(connection, both, LATER, 9) == 3
        assert claim_rows.count_due(connection, both, LATER, 2) == 2
        assert claim_rows.count_due(connection, [ledger.number], LATER, 9) == 2
        assert claim_rows.count_due(connection, both, NOW - SECOND, 9) == 0
        assert claim_rows.count_due(connection, [], LATER, 9) == 0


# --- leases, and the rows of a lease that was revoked


def known(ledger: OpenLedger) -> dict[int, leases.SendLease]:
    with ledger.writing() as connection:
        return {one.id: one for one in leases.list_leases(connection)}


def test_a_lease_id_is_never_used_again(ledger: OpenLedger) -> None:
    with ledger.writing() as connection:
        leases.release_lease(connection, ledger.lease_id)
    assert known(ledger) == {}
    assert ledger.enlist() != ledger.lease_id


def test_a_lease_can_be_renewed_until_it_is_revoked_once(ledger: OpenLedger) -> None:
    with ledger.writing() as connection:
        assert leases.renew_lease(connection, ledger.lease_id, 2_000.5)
    gone = known(ledger)[ledger.lease_id]
    assert gone.expires_at == 2_000.5
    with ledger.writing() as connection:
        assert leases.revoke_lease(connection, gone, LATER) == leases.RevokedRows()
        assert leases.revoke_lease(connection, gone, LATER) is None
        assert not leases.renew_lease(connection, ledger.lease_id, 3_000.0)
    assert known(ledger) == {}


def test_revoking_frees_claimed_rows_and_puts_attempts_in_doubt(ledger: OpenLedger) -> None:
    ledger.begin(1)
    ledger.claim(1)
    ledger.dismiss()
    ann, bob = ledger.rows[ANN], ledger.rows[BOB]
    assert (ann.state, ann.lease_id, ann.reason_key) == ("in_doubt", None, INTERRUPTED.key)
    assert (bob.state, bob.lease_id, bob.reason) == ("pending", None, None)
    # The answer may still arrive; a claim can't be reserved any more.
    assert (ann.epoch, bob.epoch) == (1, 2)
    assert (ann.changed_at, bob.changed_at) == (LATER, LATER)


def test_revoking_an_idempotent_lease_frees_every_row(publication: PublicationFolder) -> None:
    ledger = open_test_ledger(publication, ANN, BOB, guarantee="idempotent")
    attempted = ledger.begin(1)
    ledger.claim(1)
    ledger.dismiss()
    assert set(ledger.states.values()) == {"pending"}
    assert {row.epoch for row in ledger.rows.values()} == {2}
    assert ledger.settle(attempted, S.SENT) == set()


def test_rows_of_other_leases_are_left_alone(ledger: OpenLedger) -> None:
    other = ledger.enlist()
    ledger.mark(ledger.claim(1, lease_id=other))
    ledger.claim(1, lease_id=other)
    ledger.begin(1)
    ledger.dismiss()
    assert ledger.states == {ANN: "attempting", BOB: "claimed", CYD: "in_doubt"}
    assert known(ledger).keys() == {other}


def test_a_lease_renewed_meanwhile_is_not_revoked(ledger: OpenLedger) -> None:
    ledger.begin(1)
    ledger.claim(1)
    before = ledger.rows
    with ledger.writing() as connection:
        (as_read,) = leases.list_leases(connection)
        leases.renew_lease(connection, ledger.lease_id, LEASE_UNTIL + 1)
        assert leases.revoke_lease(connection, as_read, LATER) is None
    assert ledger.rows == before
    assert known(ledger).keys() == {ledger.lease_id}


@pytest.mark.parametrize("stopped", ["pause", "cancel"])
def test_rows_of_a_stopped_issue_are_taken_back_too(ledger: OpenLedger, stopped: str) -> None:
    ledger.begin(1)
    getattr(ledger, stopped)()
    ledger.dismiss()
    assert ledger.states[ANN] == "in_doubt"


def test_a_lease_that_still_holds_rows_is_not_deleted(ledger: OpenLedger) -> None:
    claims = ledger.begin(1)
    with ledger.writing() as connection:
        leases.release_lease(connection, ledger.lease_id)
    assert known(ledger).keys() == {ledger.lease_id}
    ledger.settle(claims, S.SENT)
    with ledger.writing() as connection:
        leases.release_lease(connection, ledger.lease_id)
    assert known(ledger) == {}


# --- the last look before a message leaves sees what is committed, from any thread


@pytest.fixture
def looker(ledger: OpenLedger) -> Iterator[LedgerRecheck]:
    with closing(LedgerRecheck(ledger.publication.database, FixedClock(NOW))) as looker:
        yield looker


@pytest.fixture
def claim(ledger: OpenLedger) -> Claim:
    return ledger.begin(1)[0]


@pytest.mark.parametrize("way", WAYS_TO_LEAVE)
def test_a_subscriber_wants_the_mail_until_they_leave(
    ledger: OpenLedger, looker: LedgerRecheck, claim: Claim, way: str
) -> None:
    assert looker(claim) is True
    assert looker(claim) is True
    leave(ledger, ANN, way)
    assert looker(claim) is False


def test_a_change_counts_from_its_commit(
    ledger: OpenLedger, looker: LedgerRecheck, claim: Claim
) -> None:
    with ledger.writing() as connection:
        unsubscribe(connection, ANN, "weekly", NOW)
        assert looker(claim) is True
    assert looker(claim) is False


def test_a_stopped_issue_is_not_sent(
    ledger: OpenLedger, looker: LedgerRecheck, claim: Claim
) -> None:
    ledger.pause()
    assert looker(claim) is None
    ledger.resume()
    assert looker(claim) is True
    ledger.cancel()
    assert looker(claim) is None


def test_one_thread_checks_and_another_closes(looker: LedgerRecheck, claim: Claim) -> None:
    seen: list[bool | None] = []
    thread = threading.Thread(target=lambda: seen.append(looker(claim)))
    thread.start()
    thread.join()
    assert seen == [True]
    looker.close()
    looker.close()


@pytest.mark.sqlite("its log")
def test_a_check_does_not_block_checkpoints(
    ledger: OpenLedger, looker: LedgerRecheck, claim: Claim
) -> None:
    # A look that kept its snapshot would keep the log from ever being emptied.
    assert looker(claim) is True
    ledger.claim()
    with ledger.publication.database.reading() as connection:
        found = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
    assert tuple(found) == (0, 0, 0)


@pytest.mark.sqlite("the file")
def test_an_unreadable_database_is_named(tmp_path: Path, claim: Claim) -> None:
    path = tmp_path / "none.db"
    database = Database(open_backend(path, "full"))
    with (
        closing(LedgerRecheck(database, FixedClock(NOW))) as looker,
        pytest.raises(DatabaseError, match=str(path)),
    ):
        looker(claim)
    assert not path.exists()
