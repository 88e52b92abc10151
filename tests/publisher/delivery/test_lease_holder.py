"""Living processes keep their rows; dead and expired ones lose them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from publisher.delivery.lease_holder import HeldLease, hold_lease, revoke_dead_leases
from publisher.delivery.ledger import leases
from publisher.delivery.ledger.leases import LEASE_SECONDS
from publisher.delivery.transports.base import Guarantee
from publisher.errors import DatabaseError
from publisher.testing import FakeTimer, MemoryTransport
from tests.publisher.conftest import House
from tests.publisher.delivery.ledger.open_ledgers import (
    ANN,
    BOB,
    CYD,
    LATER,
    OpenLedger,
    open_test_ledger,
)

SECOND = 1.0


@pytest.fixture
def timer() -> FakeTimer:
    return FakeTimer()


@pytest.fixture
def ledger(house: House) -> OpenLedger:
    """A ledger without a lease."""
    ledger = open_test_ledger(house, ANN, BOB, CYD)
    with ledger.writing() as connection:
        leases.release_lease(connection, ledger.lease_id)
    return ledger


def enlist(
    house: House, timer: FakeTimer, guarantee: Guarantee = "ambiguous"
) -> AbstractContextManager[HeldLease]:
    return hold_lease(house.settings, house.database, MemoryTransport(guarantee), timer)


def living(house: House, timer: FakeTimer) -> set[int]:
    return revoke_dead_leases(house.settings, house.database, timer, LATER)


def locks(house: House) -> list[Path]:
    return sorted(house.settings.folders.senders.iterdir())


def known(house: House) -> list[leases.SendLease]:
    with house.database.reading() as connection:
        return leases.list_leases(connection)


# --- the living


def test_a_run_has_a_lease_and_a_locked_file(house: House, timer: FakeTimer) -> None:
    with enlist(house, timer) as place:
        (lease_id,) = known(house)
        (lock,) = locks(house)
        assert lease_id == leases.SendLease(
            place.id, timer.time() + LEASE_SECONDS, "memory", "ambiguous", lock.name
        )
        assert not place.is_released
        assert living(house, timer) == {place.id}
        assert living(house, timer) == {place.id}


def test_rows_of_living_processes_are_left_alone(ledger: OpenLedger, timer: FakeTimer) -> None:
    with enlist(ledger.house, timer) as place:
        ledger.mark(ledger.claim(1, lease_id=place.id))
        ledger.claim(1, lease_id=place.id)
        before = ledger.rows
        living(ledger.house, timer)
        assert ledger.rows == before


# --- the end


def leave(
    ledger: OpenLedger, timer: FakeTimer, *, is_over: bool, with_error: bool = False
) -> None:
    """Claim a row, reserve another, and end: properly, or not."""
    with enlist(ledger.house, timer) as place:
        ledger.mark(ledger.claim(1, lease_id=place.id))
        ledger.claim(1, lease_id=place.id)
        place.is_released = is_over
        if with_error:
            raise ZeroDivisionError


@pytest.mark.parametrize("with_error", [True, False])
def test_rows_of_a_dead_process_are_taken_back_at_once(
    ledger: OpenLedger, timer: FakeTimer, *, with_error: bool
) -> None:
    try:
        leave(ledger, timer, is_over=False, with_error=with_error)
    except ZeroDivisionError:
        assert with_error
    assert len(locks(ledger.house)) == len(known(ledger.house)) == 1
    assert living(ledger.house, timer) == set()
    assert ledger.states == {ANN: "in_doubt", BOB: "pending", CYD: "pending"}
    assert locks(ledger.house) == []
    assert known(ledger.house) == []


def test_a_lease_released_with_rows_still_held_is_revoked(
    ledger: OpenLedger, timer: FakeTimer
) -> None:
    leave(ledger, timer, is_over=True)
    assert living(ledger.house, timer) == set()
    assert ledger.states == {ANN: "in_doubt", BOB: "pending", CYD: "pending"}


# --- the dead


def test_a_lease_without_a_lock_file_is_revoked(ledger: OpenLedger, timer: FakeTimer) -> None:
    with enlist(ledger.house, timer) as place:
        ledger.claim(lease_id=place.id)
        for lock in locks(ledger.house):
            lock.unlink()
        assert living(ledger.house, timer) == set()
    assert ledger.counts == {"pending": 3}


def test_a_lock_file_that_can_t_be_opened_leaves_the_decision_to_the_lease(
    ledger: OpenLedger, timer: FakeTimer
) -> None:
    with enlist(ledger.house, timer) as place:
        (lock,) = locks(ledger.house)
        lock.unlink()
        lock.mkdir()
        assert living(ledger.house, timer) == {place.id}
        timer.advance(LEASE_SECONDS + SECOND)
        assert living(ledger.house, timer) == set()


class Renewing(FakeTimer):
    """Renews a lease between the moment when it is read and the decision."""

    def __init__(self, house: House, number: int) -> None:
        super().__init__()
        self._house = house
        self._number = number

    def time(self) -> float:
        instant = super().time()
        with self._house.database.writing() as connection:
            leases.renew_lease(connection, self._number, instant + LEASE_SECONDS)
        return instant


def test_a_lease_renewed_at_that_moment_is_kept(ledger: OpenLedger, timer: FakeTimer) -> None:
    with enlist(ledger.house, timer) as place:
        ledger.claim(lease_id=place.id)
        late = Renewing(ledger.house, place.id)
        late.advance(LEASE_SECONDS + SECOND)
        assert living(ledger.house, late) == {place.id}
        assert len(locks(ledger.house)) == 1
    assert ledger.counts == {"claimed": 3}


# --- what stands in the way


def test_a_lock_folder_that_can_t_be_made_is_named(house: House, timer: FakeTimer) -> None:
    folder = house.settings.folders.senders
    folder.write_bytes(b"a file where a folder should be")
    with (
        pytest.raises(DatabaseError, match=f"{folder}: can't be locked: "),
        enlist(house, timer),
    ):
        raise AssertionError
    assert known(house) == []


def test_a_lease_that_can_t_be_written_leaves_no_lock_file(
    house: House, timer: FakeTimer
) -> None:
    with house.database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE send_lease")
    with pytest.raises(DatabaseError, match="no such table"), enlist(house, timer):
        raise AssertionError
    assert locks(house) == []
