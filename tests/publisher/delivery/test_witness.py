"""Several processes write witness and journal; one that is stopped holds up none of the others."""

import fcntl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from publisher.config import Folders
from publisher.delivery.lineage import witness as witnesses
from publisher.delivery.lineage.quarantine import find_quarantine
from publisher.testing import MemoryTransport
from tests.publisher.app.restoring import Scene
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import ready_for, send

NOW = datetime(2026, 1, 9, 12, tzinfo=UTC)


def page(number: int) -> witnesses.JournalPage:
    return witnesses.JournalPage("lantern", number, number, 7, {"weekly": {"sent": [number]}})


@contextmanager
def stopped_in(file: Path) -> Iterator[None]:
    """Hold the lock of a witness, as a process that was stopped while it wrote."""
    with file.open("r+b") as witness:
        fcntl.flock(witness, fcntl.LOCK_EX)
        yield


def test_a_process_that_is_stopped_while_it_writes_holds_up_nobody(tmp_path: Path) -> None:
    one, other = witnesses.Witness([tmp_path]), witnesses.Witness([tmp_path])
    one.record(page(1), NOW)
    with stopped_in(tmp_path / witnesses.FILE):
        other.record(page(2), NOW)
        other.record(page(3), NOW)
        assert witnesses.read_witness(tmp_path) == witnesses.LedgerPage("lantern", 3)
        with stopped_in(tmp_path / f"{witnesses.FILE}.1"):
            other.record(page(4), NOW)
    one.record(page(5), NOW)
    # A page that was written late does not hide a later one.
    other.record(page(2), NOW)
    assert witnesses.read_witness(tmp_path) == witnesses.LedgerPage("lantern", 5)
    content = witnesses.read_journals([tmp_path], "lantern", 0)
    assert content.missing == 0
    assert content.last == 5
    assert sorted(content.words["weekly"]) == [1, 2, 3, 4, 5]
    assert sorted(file.name for file in (tmp_path / witnesses.FOLDER).iterdir()) == [
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
        witness = witnesses.Witness([tmp_path / folder, tmp_path / f"second of {folder}"])
        witness.record(witnesses.JournalPage("lantern", 98, 98, 7, {"weekly": moves}), NOW)
    folders = [*tmp_path.iterdir()]
    assert len(folders) == 4
    for order in (folders, folders[::-1]):
        content = witnesses.read_journals(order, "lantern", 97)
        words = {number: word.state for number, word in content.words["weekly"].items()}
        assert words == {1: "sent", 2: "sent", 3: "attempting", 4: "sent"}
        # More may have been sent of either: what nothing is said about may have been sent.
        assert (content.last, content.missing) == (98, 1)


def test_old_journals_are_deleted_whoever_wrote_them(tmp_path: Path) -> None:
    witness = witnesses.Witness([tmp_path])
    for days, number in ((0, 1), (1, 3)):
        day = NOW + timedelta(days)
        witness.record(page(number), day)
        with stopped_in(tmp_path / witnesses.FILE):
            witness.record(page(number + 1), day)
    witness.record(page(5), NOW + timedelta(days=witnesses.KEEP_DAYS + 1))
    assert sorted(file.name for file in (tmp_path / witnesses.FOLDER).iterdir()) == [
        "2026-01-10.1.log",
        "2026-01-10.log",
        "2026-02-10.log",
    ]


def test_a_clock_that_is_a_year_ahead_for_a_day_deletes_two_days_at_most(
    tmp_path: Path,
) -> None:
    days = [f"2026-01-{number:02}" for number in range(1, 29)]
    (tmp_path / witnesses.FOLDER).mkdir()
    for name in (f"{day}.{suffix}" for day in days for suffix in ("log", "1.log", "left")):
        (tmp_path / witnesses.FOLDER / name).touch()
    for number, hours in enumerate((0, 1, 2)):
        # Each process of a machine, and each kind of file.
        now = NOW + timedelta(days=365, hours=hours)
        witnesses.Witness([tmp_path]).record(page(number), now)
        witnesses.append_values(tmp_path, "left", [], now)
    wrong = ["2027-01-09.left", "2027-01-09.log"]
    found = sorted(file.name for file in (tmp_path / witnesses.FOLDER).iterdir())
    assert found[:1] + found[-3:] == ["2026-01-03.1.log", "2026-01-28.log", *wrong]
    assert len(found) == 3 * 26 + 2
    # By the right clock, those of a later date delete nothing.
    witnesses.Witness([tmp_path]).record(page(9), NOW + timedelta(days=20))
    assert len([*(tmp_path / witnesses.FOLDER).iterdir()]) == len(found) + 1


def test_a_machine_that_sent_nothing_notices_that_a_database_was_put_back_in_its_place(
    publication: PublicationFolder, tmp_path: Path
) -> None:
    database, now = publication.database, publication.clock.now()
    elsewhere = replace(publication.settings, folders=Folders(tmp_path / "elsewhere"))
    with database.reading() as connection:
        before = witnesses.read_lineage(connection)
    assert before is not None
    # Of a new database it knows that nothing was sent, which a lost witness would not say.
    assert find_quarantine(elsewhere, database, now, records=False) is None
    assert witnesses.read_witness(elsewhere.folders.var) is None
    assert find_quarantine(elsewhere, database, now) is None
    nothing = witnesses.LedgerPage(before.incarnation, 0)
    assert witnesses.read_witness(elsewhere.folders.var) == nothing
    ready_for(publication, ("reader@example.com", "en"))
    send(publication, MemoryTransport())
    last = witnesses.read_witness(publication.settings.folders.var)
    assert last is not None
    assert find_quarantine(elsewhere, database, now, records=False) is None
    assert witnesses.read_witness(elsewhere.folders.var) == nothing
    assert find_quarantine(elsewhere, database, now) is None
    assert witnesses.read_witness(elsewhere.folders.var) == last
    with database.writing() as connection:
        witnesses.set_lineage(connection, page=before.page)
    reason = find_quarantine(elsewhere, database, now)
    assert reason is not None
    assert f"has the number {before.page}, and there was one with {last.number}" in reason


# --- what a journal lacks


def test_who_takes_over_records_the_page_of_a_process_that_was_killed_before_it_did(
    publication: PublicationFolder,
) -> None:
    scene, random = Scene(publication), Random(1)
    scene.cycle()
    copy = scene.copy()
    while not scene.gaps:
        scene.send_and_be_killed(random)
    scene.send()
    before = Counter(scene.states().values())
    scene.restore(copy)
    found = scene.preview()
    assert (found.is_complete, found.missing_pages) == (True, 0)
    (issue,) = found.issues
    assert (issue.sent, issue.in_doubt) == (before["sent"], before["in_doubt"])
    # The one that was put back, which no fixture knows.
    scene.database.close()


@pytest.mark.sqlite("a server's backup starts a process")
def test_a_restore_records_the_last_page_of_the_database_that_it_replaces(
    publication: PublicationFolder,
) -> None:
    scene, random = Scene(publication), Random(1)
    scene.cycle()
    backup, witness = scene.back_up(), publication.settings.folders.var / witnesses.FILE
    while not scene.gaps:
        scene.send_and_be_killed(random)
    before = witnesses.read_witness(witness.parent)
    scene.restore(backup)
    after = witnesses.read_witness(witness.parent)
    assert before is not None
    assert after is not None
    assert after.number == before.number + 1
    assert (scene.preview().is_complete, scene.preview().missing_pages) == (True, 0)


@pytest.mark.sqlite("a server's backup starts a process")
def test_a_backup_from_before_the_first_mail_is_complete_unless_the_witness_is_lost(
    publication: PublicationFolder,
) -> None:
    scene = Scene(publication)
    backup = scene.back_up()
    for is_lost in (False, True):
        if is_lost:
            scene.lose_var()
        scene.restore(backup)
        assert scene.recover().is_complete is not is_lost
    # A jump over numbers is no gap for whoever puts it back again, but one for a lost witness.
    scene.restore(backup)
    assert not scene.preview().is_complete
