"""Living processes keep their rows; dead and expired ones lose them."""

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from publisher.config import Folders, Settings
from publisher.delivery.lease_holder import (
    HeldLease,
    hold_lease,
    revoke_dead_leases,
    sender_lock_scope,
)
from publisher.delivery.ledger import leases
from publisher.delivery.ledger.leases import LEASE_SECONDS
from publisher.delivery.transports.base import Guarantee
from publisher.errors import DatabaseError
from publisher.testing import FakeTimer, MemoryTransport
from tests.publisher.conftest import PublicationFolder
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
def ledger(publication: PublicationFolder) -> OpenLedger:
    """A ledger without a lease."""
    ledger = open_test_ledger(publication, ANN, BOB, CYD)
    with ledger.writing() as connection:
        leases.release_lease(connection, ledger.lease_id)
    return ledger


def enlist(
    publication: PublicationFolder, timer: FakeTimer, guarantee: Guarantee = "ambiguous"
) -> AbstractContextManager[HeldLease]:
    return hold_lease(
        publication.settings, publication.database, MemoryTransport(guarantee), timer
    )


def living(publication: PublicationFolder, timer: FakeTimer) -> set[int]:
    return revoke_dead_leases(publication.settings, publication.database, timer, LATER)


def locks(publication: PublicationFolder) -> list[Path]:
    return sorted(publication.settings.folders.senders.iterdir())


def known(publication: PublicationFolder) -> list[leases.SendLease]:
    with publication.database.reading() as connection:
        return leases.list_leases(connection)


# --- the living


def test_a_living_run_has_a_lease_a_locked_file_and_its_rows(
    ledger: OpenLedger, timer: FakeTimer
) -> None:
    publication = ledger.publication
    with enlist(publication, timer) as place:
        (lease,) = known(publication)
        (lock,) = locks(publication)
        scope, until = sender_lock_scope(publication.settings), timer.time() + LEASE_SECONDS
        assert lease == leases.SendLease(
            place.id, until, "memory", "ambiguous", lock.name, scope
        )
        assert not place.is_released
        ledger.mark(ledger.claim(1, lease_id=place.id))
        ledger.claim(1, lease_id=place.id)
        before = ledger.rows
        assert living(publication, timer) == {place.id}
        assert living(publication, timer) == {place.id}
        assert ledger.rows == before


# --- the end


def leave(
    ledger: OpenLedger, timer: FakeTimer, *, is_over: bool, with_error: bool = False
) -> None:
    """Claim a row, reserve another, and end: properly, or not."""
    with enlist(ledger.publication, timer) as place:
        ledger.mark(ledger.claim(1, lease_id=place.id))
        ledger.claim(1, lease_id=place.id)
        place.is_released = is_over
        if with_error:
            raise ZeroDivisionError


@pytest.mark.parametrize(
    ("is_over", "with_error"), [(False, True), (False, False), (True, False)]
)
def test_rows_of_a_dead_process_or_left_by_a_released_lease_are_taken_back_at_once(
    ledger: OpenLedger, timer: FakeTimer, *, is_over: bool, with_error: bool
) -> None:
    try:
        leave(ledger, timer, is_over=is_over, with_error=with_error)
    except ZeroDivisionError:
        assert with_error
    assert is_over or len(locks(ledger.publication)) == len(known(ledger.publication)) == 1
    assert living(ledger.publication, timer) == set()
    assert ledger.states == {ANN: "in_doubt", BOB: "pending", CYD: "pending"}
    assert locks(ledger.publication) == []
    assert known(ledger.publication) == []


# --- the dead


def test_a_lease_without_a_lock_file_is_revoked(ledger: OpenLedger, timer: FakeTimer) -> None:
    with enlist(ledger.publication, timer) as place:
        ledger.claim(lease_id=place.id)
        for lock in locks(ledger.publication):
            lock.unlink()
        assert living(ledger.publication, timer) == set()
    assert ledger.counts == {"pending": 3}


def test_a_lock_file_that_can_t_be_opened_leaves_the_decision_to_the_lease(
    ledger: OpenLedger, timer: FakeTimer
) -> None:
    with enlist(ledger.publication, timer) as place:
        (lock,) = locks(ledger.publication)
        lock.unlink()
        lock.mkdir()
        assert living(ledger.publication, timer) == {place.id}
        timer.advance(LEASE_SECONDS + SECOND)
        assert living(ledger.publication, timer) == set()


# --- what stands in the way


def test_a_lock_folder_that_can_t_be_made_is_named(
    publication: PublicationFolder, timer: FakeTimer
) -> None:
    folder = publication.settings.folders.senders
    folder.write_bytes(b"a file where a folder should be")
    with (
        pytest.raises(DatabaseError, match=f"{folder}: can't be locked: "),
        enlist(publication, timer),
    ):
        raise AssertionError
    assert known(publication) == []


def test_a_lease_that_can_t_be_written_leaves_no_lock_file(
    publication: PublicationFolder, timer: FakeTimer
) -> None:
    with publication.database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE send_lease")
    with pytest.raises(DatabaseError, match="send_lease"), enlist(publication, timer):
        raise AssertionError
    assert locks(publication) == []


# --- another machine


def elsewhere(publication: PublicationFolder, folder: Path, host: str = "two") -> Settings:
    """Settings of a machine with a folder of its own, on the same database."""
    return replace(publication.settings, folders=Folders(folder), host=host)


def test_a_second_machine_with_its_own_var_dismisses_no_living_sender(
    ledger: OpenLedger, timer: FakeTimer, tmp_path: Path
) -> None:
    there, database = (
        elsewhere(ledger.publication, tmp_path / "two"),
        ledger.publication.database,
    )
    with enlist(ledger.publication, timer) as place:
        ledger.claim(1, lease_id=place.id)
        timer.advance(LEASE_SECONDS)
        assert revoke_dead_leases(there, database, timer, LATER) == {place.id}
        timer.advance(SECOND)
        assert revoke_dead_leases(there, database, timer, LATER) == set()
    assert ledger.counts == {"pending": 3}


def test_locks_of_two_folders_or_two_hosts_count_apart(
    publication: PublicationFolder, tmp_path: Path
) -> None:
    one = sender_lock_scope(elsewhere(publication, tmp_path / "one", host="a"))
    assert one == sender_lock_scope(elsewhere(publication, tmp_path / "one", host="a"))
    assert one.startswith("a/")
    assert one != sender_lock_scope(elsewhere(publication, tmp_path / "two", host="a"))
    # Containers may share the rest.
    assert one != sender_lock_scope(elsewhere(publication, tmp_path / "one", host="b"))


class Corrected(FakeTimer):
    """Is found to be fast when it is read a second time, as a server's clock is in a transaction."""

    def time(self) -> float:
        instant = super().time()
        self.advance(-2 * LEASE_SECONDS)
        return instant


def test_a_lease_is_judged_by_the_clock_of_the_transaction_that_revokes_it(
    ledger: OpenLedger, timer: FakeTimer, tmp_path: Path
) -> None:
    with enlist(ledger.publication, timer) as place:
        late = Corrected()
        late.advance(LEASE_SECONDS + SECOND)
        there = elsewhere(ledger.publication, tmp_path / "two")
        database = ledger.publication.database
        assert revoke_dead_leases(there, database, late, LATER) == {place.id}
        assert [one.id for one in known(ledger.publication)] == [place.id]
