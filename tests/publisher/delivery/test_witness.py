"""Several processes write witness and journal; one that is stopped holds up none of the others."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from publisher.delivery.lineage.journal import FOLDER, KEEP_DAYS, JournalPage, read_journals
from publisher.delivery.lineage.state import LedgerPage
from publisher.delivery.lineage.witness import FILE, Witness, read_witness

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
