"""Leases, and the rows of a lease that was revoked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from publisher.delivery.causes import INTERRUPTED
from publisher.delivery.ledger import leases
from publisher.delivery.transports.base import Guarantee
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.ledger.open_ledgers import (
    ANN,
    BOB,
    CYD,
    LATER,
    LEASE_UNTIL,
    OpenLedger,
    S,
    open_test_ledger,
)


def known(ledger: OpenLedger) -> dict[int, leases.SendLease]:
    with ledger.writing() as connection:
        return {one.id: one for one in leases.list_leases(connection)}


def test_a_lease_id_is_never_used_again(ledger: OpenLedger) -> None:
    with ledger.writing() as connection:
        leases.release_lease(connection, ledger.lease_id)
    assert known(ledger) == {}
    assert ledger.enlist() != ledger.lease_id


def test_a_lease_can_be_renewed_until_it_is_revoked(ledger: OpenLedger) -> None:
    with ledger.writing() as connection:
        assert leases.renew_lease(connection, ledger.lease_id, 2_000.5)
    assert known(ledger)[ledger.lease_id].expires_at == 2_000.5
    ledger.dismiss()
    with ledger.writing() as connection:
        assert not leases.renew_lease(connection, ledger.lease_id, 3_000.0)
    assert known(ledger) == {}


def test_revoking_frees_claimed_rows_and_puts_attempts_in_doubt(ledger: OpenLedger) -> None:
    ledger.begin(1)
    ledger.claim(1)
    ledger.dismiss()
    ann, bob = ledger.rows[ANN], ledger.rows[BOB]
    assert (ann.state, ann.lease_id, ann.reason_key) == (
        "in_doubt",
        None,
        INTERRUPTED.key,
    )
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


def test_a_revoked_claim_can_t_be_attempted(ledger: OpenLedger) -> None:
    claims = ledger.claim()
    ledger.dismiss()
    assert ledger.mark(claims) == []
    assert ledger.counts == {"pending": 3}


@pytest.mark.parametrize("guarantee", ["ambiguous", "idempotent"])
def test_a_lease_renewed_meanwhile_is_not_revoked(
    ledger: OpenLedger, guarantee: Guarantee
) -> None:
    ledger.begin(1)
    ledger.claim(1)
    before = ledger.rows
    with ledger.writing() as connection:
        (looked_at,) = leases.list_leases(connection)
        leases.renew_lease(connection, ledger.lease_id, LEASE_UNTIL + 1)
        gone = replace(looked_at, guarantee=guarantee)
        assert leases.revoke_lease(connection, gone, LATER) is None
    assert ledger.rows == before
    assert known(ledger).keys() == {ledger.lease_id}


def test_a_lease_is_revoked_once(ledger: OpenLedger) -> None:
    gone = known(ledger)[ledger.lease_id]
    with ledger.writing() as connection:
        assert leases.revoke_lease(connection, gone, LATER) == leases.RevokedRows()
        assert leases.revoke_lease(connection, gone, LATER) is None


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
