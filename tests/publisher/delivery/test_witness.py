"""Several processes write witness and journal; one that is stopped holds up none of the others."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from publisher.config import Folders
from publisher.delivery.lineage.journal import (
    FOLDER,
    KEEP_DAYS,
    JournalPage,
    append_values,
    read_journals,
)
from publisher.delivery.lineage.quarantine import find_quarantine
from publisher.delivery.lineage.state import LedgerPage, read_lineage, set_lineage
from publisher.delivery.lineage.witness import FILE, Witness, read_witness
from publisher.testing import MemoryTransport
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import ready, send, subscribe

NOW = datetime(2026, 1, 9, 12, tzinfo=UTC)


def page(number: int) -> JournalPage:
    return JournalPage("lantern", number, number, 7, {"weekly": {"sent": [number]}})


@contextmanager
def stopped_in(file: Path) -> Iterator[None]:
    """Hold the lock of a witness, as a process that was stopped while it wrote."""
    with file.open("r+b") as witness:
        fcntl.flock(witness, fcntl.LOCK_EX)
        yield


def test_a_process_that_is_stopped_while_it_writes_holds_up_nobody(tmp_path: Path) -> None:
    one, other = Witness([tmp_path]), Witness([tmp_path])
    one.record(page(1), NOW)
    with stopped_in(tmp_path / FILE):
        other.record(page(2), NOW)
        other.record(page(3), NOW)
        assert read_witness(tmp_path) == LedgerPage("lantern", 3)
        with stopped_in(tmp_path / f"{FILE}.1"):
            other.record(page(4), NOW)
    one.record(page(5), NOW)
    # A page that was written late does not hide a later one.
    other.record(page(2), NOW)
    assert read_witness(tmp_path) == LedgerPage("lantern", 5)
    content = read_journals([tmp_path], "lantern", 0)
    assert content.missing == 0
    assert content.last == 5
    assert sorted(content.words["weekly"]) == [1, 2, 3, 4, 5]
    assert sorted(file.name for file in (tmp_path / FOLDER).iterdir()) == [
        "2026-01-09.1.log",
        "2026-01-09.2.log",
        "2026-01-09.log",
    ]


def test_journals_that_gave_the_same_number_to_different_pages_are_merged(
    tmp_path: Path,
) -> None:
    pages = {
        "one": {"sent": [1, 2], "attempting": [3], "pending": [4]},
        "other": {"attempting": [1], "pending": [2, 3], "sent": [4]},
    }
    for folder, moves in pages.items():
        witness = Witness([tmp_path / folder, tmp_path / f"second of {folder}"])
        witness.record(JournalPage("lantern", 98, 98, 7, {"weekly": moves}), NOW)
    folders = [*tmp_path.iterdir()]
    assert len(folders) == 4
    for order in (folders, folders[::-1]):
        content = read_journals(order, "lantern", 97)
        words = {number: word.state for number, word in content.words["weekly"].items()}
        assert words == {1: "sent", 2: "sent", 3: "attempting", 4: "sent"}
        # More may have been sent of either: what nothing is said about may have been sent.
        assert (content.last, content.missing) == (98, 1)


def test_old_journals_are_deleted_whoever_wrote_them(tmp_path: Path) -> None:
    witness = Witness([tmp_path])
    for days, number in ((0, 1), (1, 3)):
        day = NOW + timedelta(days)
        witness.record(page(number), day)
        with stopped_in(tmp_path / FILE):
            witness.record(page(number + 1), day)
    witness.record(page(5), NOW + timedelta(days=KEEP_DAYS + 1))
    assert sorted(file.name for file in (tmp_path / FOLDER).iterdir()) == [
        "2026-01-10.1.log",
        "2026-01-10.log",
        "2026-02-10.log",
    ]


def test_a_clock_that_is_a_year_ahead_for_a_day_deletes_two_days_at_most(
    tmp_path: Path,
) -> None:
    days = [f"2026-01-{number:02}" for number in range(1, 29)]
    (tmp_path / FOLDER).mkdir()
    for name in (f"{day}.{suffix}" for day in days for suffix in ("log", "1.log", "left")):
        (tmp_path / FOLDER / name).touch()
    for number, hours in enumerate((0, 1, 2)):
        # Each process of a machine, and each kind of file.
        now = NOW + timedelta(days=365, hours=hours)
        Witness([tmp_path]).record(page(number), now)
        append_values(tmp_path, "left", [], now)
    wrong = ["2027-01-09.left", "2027-01-09.log"]
    found = sorted(file.name for file in (tmp_path / FOLDER).iterdir())
    assert found[:1] + found[-3:] == ["2026-01-03.1.log", "2026-01-28.log", *wrong]
    assert len(found) == 3 * 26 + 2
    # By the right clock, those of a later date delete nothing.
    Witness([tmp_path]).record(page(9), NOW + timedelta(days=20))
    assert len([*(tmp_path / FOLDER).iterdir()]) == len(found) + 1


def test_a_machine_that_sent_nothing_notices_that_a_database_was_put_back_in_its_place(
    publication: PublicationFolder, tmp_path: Path
) -> None:
    database, now = publication.database, publication.clock.now()
    elsewhere = replace(publication.settings, folders=Folders(tmp_path / "elsewhere"))
    with database.reading() as connection:
        before = read_lineage(connection)
    assert before is not None
    # A new database says nothing that could be missed.
    assert find_quarantine(elsewhere, database, now) is None
    assert read_witness(elsewhere.folders.var) is None
    subscribe(publication, ("reader@example.com", "en"))
    ready(publication)
    send(publication, MemoryTransport())
    last = read_witness(publication.settings.folders.var)
    assert last is not None
    assert find_quarantine(elsewhere, database, now, records=False) is None
    assert read_witness(elsewhere.folders.var) is None
    assert find_quarantine(elsewhere, database, now) is None
    assert read_witness(elsewhere.folders.var) == last
    with database.writing() as connection:
        set_lineage(connection, page=before.page)
    reason = find_quarantine(elsewhere, database, now)
    assert reason is not None
    assert f"page {before.page}, and page {last.number} was written" in reason
