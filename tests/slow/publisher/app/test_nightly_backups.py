"""Backups that the service makes night after night, of a file and of a server's database."""

import json
import os
import shutil
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from publisher.app.operation.backup import back_up_publication, read_backup
from publisher.cli.operation.status import backup_lines, status_as_json
from publisher.clock import FixedClock
from publisher.database.dialect import dump_database, postgresql_dump
from tests.publisher.app.approving import HOUR
from tests.publisher.app.nights import DAY, NIGHT, Nights
from tests.publisher.conftest import PublicationFolder


def test_a_backup_is_made_once_a_day_and_a_missed_one_later(
    publication: PublicationFolder,
) -> None:
    nights = Nights(publication)
    first = "publisher-20260109T120000Z"
    noon = NIGHT.replace(hour=12)
    # Nobody has made one since the hour.
    assert nights.turn(noon) == [first]
    assert nights.turn(noon + HOUR) == [first]
    assert nights.turn(NIGHT + DAY - HOUR) == [first]
    # The machine was off on the tenth and in the morning of the eleventh: that is one backup.
    later = [first, "publisher-20260111T090000Z"]
    assert nights.turn(NIGHT + 2 * DAY + 6 * HOUR) == later
    assert nights.turn(NIGHT + 2 * DAY + 7 * HOUR) == later
    assert nights.turn(NIGHT + 3 * DAY) == [*later, "publisher-20260112T030000Z"]
    last = read_backup(nights.folder / "publisher-20260112T030000Z")
    assert (last.made_at, last.is_scheduled) == (NIGHT + 3 * DAY, True)
    found = nights.status()
    assert status_as_json(publication.settings, found)["backup"] == {
        "problem": None,
        "tried_at": "2026-01-12T03:00:00Z",
        "made_at": "2026-01-12T03:00:00Z",
    }
    assert list(backup_lines(found)) == []


def test_the_oldest_go_and_what_is_not_the_turns_own_stays(
    publication: PublicationFolder,
) -> None:
    nights = Nights(publication, keep=2)
    by_hand = back_up_publication(
        publication.settings, nights.folder, FixedClock(NIGHT - 9 * DAY)
    ).folder
    (first,) = set(nights.turn(NIGHT)) - {by_hand.name}
    # Of another publication that has the same folder.
    other = shutil.copytree(nights.folder / first, nights.folder / "publisher-20250101T000000Z")
    about = json.loads((other / "backup.json").read_bytes())
    (other / "backup.json").write_text(json.dumps(about | {"incarnation": "other"}))
    notes = nights.folder / "publisher-notesZ"
    notes.mkdir()
    killed = nights.folder / ".publisher-20260108T030000Z.part"
    killed.mkdir()
    under_way = nights.folder / ".publisher-20260110T120000Z.part"
    under_way.mkdir()
    kept = {by_hand.name, other.name, notes.name}
    assert {*nights.turn(NIGHT + DAY)} == kept | {first, "publisher-20260110T030000Z"}
    with capture_logs() as logs:
        third = {*nights.turn(NIGHT + 2 * DAY)}
    assert third == kept | {"publisher-20260110T030000Z", "publisher-20260111T030000Z"}
    (line,) = [one for one in logs if one["event"] == "a backup was made"]
    assert line["removed"] == [first]
    assert (killed.exists(), under_way.exists()) == (False, True)


def test_a_new_backup_stays_although_a_wrong_clock_has_made_some_of_a_later_date(
    publication: PublicationFolder,
) -> None:
    nights = Nights(publication, keep=2)
    ahead = ["publisher-20270109T030000Z", "publisher-20270110T030000Z"]
    assert [nights.turn(NIGHT + days * DAY) for days in (365, 366)][-1] == ahead
    assert nights.turn(NIGHT + 2 * DAY) == ["publisher-20260111T030000Z", *ahead]
    nights.turn(NIGHT + 3 * DAY)
    with capture_logs() as logs:
        found = nights.turn(NIGHT + 4 * DAY)
    # The newest two by the right clock, and none of the others is lost to it.
    assert found == ["publisher-20260112T030000Z", "publisher-20260113T030000Z", *ahead]
    (line,) = [one for one in logs if "later than now" in one["event"]]
    assert line["backups"] == ahead
    # When their time has come, they are as good as any.
    assert nights.turn(NIGHT + 367 * DAY) == [ahead[1], "publisher-20270111T030000Z"]


def test_a_dump_that_is_not_wanted_any_more_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "pg_dump"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho $$ >"{tmp_path}/began"\nexec sleep 1000\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    monkeypatch.setattr(postgresql_dump, "_SECONDS_BETWEEN_LOOKS", 0.02)
    # There is no server to ask.
    monkeypatch.setattr(postgresql_dump, "_current_schema", lambda _address: "public")
    began = tmp_path / "began"

    class StoppedError(Exception):
        pass

    def require() -> None:
        if began.exists() and began.read_text().endswith("\n"):
            raise StoppedError

    with pytest.raises(StoppedError):
        dump_database("postgresql://nobody@/nothing", tmp_path / "dump", require=require)
    with pytest.raises(ProcessLookupError):
        os.kill(int(began.read_text()), 0)
