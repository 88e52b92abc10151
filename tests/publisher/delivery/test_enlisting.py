"""Who may send: the living keep what they hold, and the dead and the overdue lose it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from publisher.config import Folders
from publisher.database import open_database
from publisher.delivery.lease_holder import HeldLease, hold_lease, revoke_dead_leases
from publisher.delivery.ledger import leases
from publisher.delivery.ledger.leases import LEASE_SECONDS
from publisher.delivery.transports.base import Guarantee
from publisher.errors import DatabaseError
from publisher.testing import FakeTimer, MemoryTransport
from tests.publisher.conftest import NOW, House
from tests.publisher.delivery.ledger.books import ANN, BOB, CYD, LATER, Book, open_book

SECOND = 1.0


@pytest.fixture
def timer() -> FakeTimer:
    return FakeTimer()


@pytest.fixture
def book(house: House) -> Book:
    """A ledger that nobody sends from."""
    book = open_book(house, ANN, BOB, CYD)
    with book.writing() as connection:
        leases.release_lease(connection, book.lease_id)
    return book


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


def test_who_is_enlisted_has_a_number_a_lease_and_a_lock(
    house: House, timer: FakeTimer
) -> None:
    with enlist(house, timer) as place:
        (lease_id,) = known(house)
        (lock,) = locks(house)
        assert lease_id == leases.SendLease(
            place.id, timer.time() + LEASE_SECONDS, "memory", "ambiguous", lock.name
        )
        assert not place.is_released
        assert living(house, timer) == {place.id}
        assert living(house, timer) == {place.id}


def test_several_may_send_at_once(house: House, timer: FakeTimer) -> None:
    with enlist(house, timer) as one, enlist(house, timer) as other:
        assert one.id != other.id
        assert len(locks(house)) == 2
        assert living(house, timer) == {one.id, other.id}


def test_what_the_living_hold_is_not_touched(book: Book, timer: FakeTimer) -> None:
    with enlist(book.house, timer) as place:
        book.mark(book.claim(1, lease_id=place.id))
        book.claim(1, lease_id=place.id)
        before = book.rows
        living(book.house, timer)
        assert book.rows == before


# --- the end


def leave(book: Book, timer: FakeTimer, *, is_over: bool, with_error: bool = False) -> None:
    """Claim a row, mark another, and go: in good order, or not."""
    with enlist(book.house, timer) as place:
        book.mark(book.claim(1, lease_id=place.id))
        book.claim(1, lease_id=place.id)
        place.is_released = is_over
        if with_error:
            raise ZeroDivisionError


def test_who_holds_nothing_any_more_leaves_no_lock(house: House, timer: FakeTimer) -> None:
    with enlist(house, timer) as place:
        with house.database.writing() as connection:
            leases.release_lease(connection, place.id)
        place.is_released = True
    assert locks(house) == []
    assert living(house, timer) == set()


def test_an_error_leaves_no_lock_either_when_all_is_put_down(
    book: Book, timer: FakeTimer
) -> None:
    # Else each turn that finds no server would leave a file behind.
    with pytest.raises(ZeroDivisionError):
        leave(book, timer, is_over=True, with_error=True)
    assert locks(book.house) == []


@pytest.mark.parametrize("with_error", [True, False])
def test_what_was_not_put_down_is_taken_back_at_once(
    book: Book, timer: FakeTimer, *, with_error: bool
) -> None:
    try:
        leave(book, timer, is_over=False, with_error=with_error)
    except ZeroDivisionError:
        assert with_error
    assert len(locks(book.house)) == len(known(book.house)) == 1
    assert living(book.house, timer) == set()
    assert book.states == {ANN: "in_doubt", BOB: "pending", CYD: "pending"}
    assert locks(book.house) == []
    assert known(book.house) == []


def test_who_says_that_all_is_over_and_holds_something_is_found_out(
    book: Book, timer: FakeTimer
) -> None:
    leave(book, timer, is_over=True)
    assert living(book.house, timer) == set()
    assert book.states == {ANN: "in_doubt", BOB: "pending", CYD: "pending"}


# --- the dead


def test_who_has_no_lock_file_is_dead(book: Book, timer: FakeTimer) -> None:
    with enlist(book.house, timer) as place:
        book.claim(lease_id=place.id)
        for lock in locks(book.house):
            lock.unlink()
        assert living(book.house, timer) == set()
    assert book.counts == {"pending": 3}


def test_a_lock_that_cannot_be_judged_is_left_to_its_lease(
    book: Book, timer: FakeTimer
) -> None:
    with enlist(book.house, timer) as place:
        (lock,) = locks(book.house)
        lock.unlink()
        lock.mkdir()
        assert living(book.house, timer) == {place.id}
        timer.advance(LEASE_SECONDS + SECOND)
        assert living(book.house, timer) == set()


def test_the_dead_of_a_cancelled_issue_leave_nothing_to_be_sent(
    book: Book, timer: FakeTimer
) -> None:
    with enlist(book.house, timer, "idempotent") as place:
        book.mark(book.claim(1, lease_id=place.id))
        book.cancel()
    living(book.house, timer)
    assert book.counts == {"cancelled": 3}


class Renewing(FakeTimer):
    """Lets a sender renew its lease between the moment when it is looked at and the judgement."""

    def __init__(self, house: House, number: int) -> None:
        super().__init__()
        self._house = house
        self._number = number

    def time(self) -> float:
        instant = super().time()
        with self._house.database.writing() as connection:
            leases.renew_lease(connection, self._number, instant + LEASE_SECONDS)
        return instant


def test_who_renews_its_lease_in_that_very_moment_keeps_it(
    book: Book, timer: FakeTimer
) -> None:
    with enlist(book.house, timer) as place:
        book.claim(lease_id=place.id)
        late = Renewing(book.house, place.id)
        late.advance(LEASE_SECONDS + SECOND)
        assert living(book.house, late) == {place.id}
        assert len(locks(book.house)) == 1
    assert book.counts == {"claimed": 3}


def test_nobody_to_recover_is_nothing_to_do(house: House, timer: FakeTimer) -> None:
    assert living(house, timer) == set()


# --- what stands in the way


def test_a_folder_that_cannot_be_made_is_named(house: House, timer: FakeTimer) -> None:
    folder = house.settings.folders.senders
    folder.write_bytes(b"a file where a folder should be")
    with (
        pytest.raises(DatabaseError, match=f"{folder}: can't be locked: "),
        enlist(house, timer),
    ):
        raise AssertionError
    assert known(house) == []


def test_who_cannot_be_written_down_leaves_no_lock(house: House, timer: FakeTimer) -> None:
    with house.database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE send_lease")
    with pytest.raises(DatabaseError, match="no such table"), enlist(house, timer):
        raise AssertionError
    assert locks(house) == []


def test_each_publication_has_senders_of_its_own(
    house: House, timer: FakeTimer, tmp_path: Path
) -> None:
    other = replace(house.settings, folders=Folders(tmp_path / "other"))
    database = open_database(other.folders.database)
    with enlist(house, timer):
        assert revoke_dead_leases(other, database, timer, NOW) == set()
        assert not other.folders.senders.exists()
    database.close()
