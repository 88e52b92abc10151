"""The backup that the service makes each day: when it is due, and what a failure costs.

tests/slow/publisher/app/test_nightly_backups.py makes more of them, also on a server.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from publisher.app.attention import find_attention
from publisher.app.backup_turn import is_due, make_due_backup
from publisher.app.pipeline import Pipeline
from publisher.app.reload_settings import ReloadedPipeline
from publisher.app.run import service_turns
from publisher.backup_state import BackupState
from publisher.cli.process_lines import backup_lines
from publisher.cli.status_json import status_as_json
from publisher.delivery.lineage.state import set_lineage
from publisher.errors import LeaderLostError, StorageError, UsageError
from publisher.turns import TurnRunner
from tests.publisher.app.nights import DAY, NIGHT, Nights, silent
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import outbox, ready, subscribe
from tests.publisher.printing import pipeline_of

HOUR = timedelta(hours=1)


@pytest.fixture
def nights(publication: PublicationFolder) -> Nights:
    return Nights(publication)


@pytest.mark.parametrize(
    ("zone", "tried_at", "now", "due"),
    [
        ("UTC", None, NIGHT, True),
        ("UTC", NIGHT, NIGHT, False),
        ("UTC", NIGHT, NIGHT + DAY - timedelta(seconds=1), False),
        ("UTC", NIGHT, NIGHT + DAY, True),
        ("UTC", NIGHT - timedelta(seconds=1), NIGHT + 20 * HOUR, True),
        # 03:00 in Shanghai is 19:00 UTC of the day before.
        ("Asia/Shanghai", NIGHT, NIGHT.replace(hour=18, minute=59), False),
        ("Asia/Shanghai", NIGHT, NIGHT.replace(hour=19), True),
        # The clock was set back by an hour; it was a month ahead.
        ("UTC", NIGHT + HOUR, NIGHT, False),
        ("UTC", NIGHT + 30 * DAY, NIGHT, True),
    ],
)
def test_a_backup_is_due_once_after_its_hour(
    zone: str, tried_at: datetime | None, now: datetime, due: bool
) -> None:
    assert is_due(time(3), ZoneInfo(zone), BackupState(tried_at), now) is due


@pytest.mark.parametrize(("minute", "due"), [(29, False), (30, True)])
def test_an_hour_that_summer_time_leaves_out_counts_as_the_next_one(
    minute: int, due: bool
) -> None:
    # On this day 02:30 in Berlin counts as 03:30, which is 01:30 UTC.
    now = datetime(2026, 3, 29, 1, minute, tzinfo=UTC)
    state = BackupState(now - 2 * HOUR)
    assert is_due(time(2, 30), ZoneInfo("Europe/Berlin"), state, now) is due


@pytest.mark.sqlite("a server's backup starts a process")
def test_a_backup_is_made_at_its_hour_by_the_turn_of_the_leader(nights: Nights) -> None:
    pipeline = replace(pipeline_of(nights.publication), clock=nights.clock)
    live = ReloadedPipeline(pipeline)
    (turn,) = (one for one in service_turns(live, lambda _: None) if one.name == "backup")
    assert turn.is_ours()
    runner = TurnRunner(nights.publication.settings.folders.root, [turn])
    for hour in (0, 1, 23):
        nights.clock.instant = NIGHT + hour * HOUR
        assert runner.run("backup")
    assert nights.names() == ["publisher-20260109T030000Z"]


def test_a_process_that_does_not_lead_makes_none_and_ends_one_that_is_under_way(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pipeline, "leads", property(lambda _: leads[0]))
    pipeline = replace(pipeline_of(nights.publication), clock=nights.clock)
    (turn,) = (
        one
        for one in service_turns(ReloadedPipeline(pipeline), lambda _: None)
        if one.name == "backup"
    )
    nights.clock.instant, leads = NIGHT, [False]
    assert TurnRunner(nights.publication.settings.folders.root, [turn]).run("backup")
    assert nights.names() == []
    # Another process follows when it has begun.
    with pytest.raises(LeaderLostError):
        turn.work(silent)
    assert nights.status().backup == BackupState()


def test_without_the_table_nothing_is_made(nights: Nights) -> None:
    publication = nights.publication
    publication.settings = replace(publication.settings, backup=None)
    make_due_backup(publication.settings, publication.database, nights.clock, silent)
    assert not nights.folder.exists()
    shown = status_as_json(publication.settings, nights.status())
    assert shown["backup"] is None


def test_no_backup_is_made_of_an_old_database(nights: Nights) -> None:
    with nights.publication.database.writing() as connection:
        set_lineage(connection, copied_at=NIGHT)
    assert nights.turn(NIGHT) == []
    assert nights.status().backup == BackupState()


def test_a_failure_is_shown_and_tried_again_the_next_day_while_mail_goes_out(
    nights: Nights,
) -> None:
    publication = nights.publication
    subscribe(publication, ("ann@example.com", "en"))
    ready(publication)
    (nights.folder / "publisher-20260109T120000Z").mkdir(parents=True)
    pipeline = replace(pipeline_of(publication), clock=nights.clock)
    turns = service_turns(ReloadedPipeline(pipeline), lambda _report: None)
    runner = TurnRunner(publication.settings.folders.root, turns)
    nights.clock.instant = NIGHT + 9 * HOUR

    with capture_logs() as logs:
        assert not runner.run("backup")
        assert runner.run("deliver")

    assert len(outbox(publication)) == 1
    assert any("is there already" in one.get("reason", "") for one in logs)
    found = nights.status()
    assert found.backup
    assert found.backup.tried_at == NIGHT + 9 * HOUR
    assert "is there already" in str(found.backup.problem)
    (line,) = backup_lines(found)
    assert "tried again the next day (there is none yet)" in line
    (item,) = [one for one in find_attention(found, NIGHT) if one.kind == "backup"]
    assert (item.urgent, item.text) == (False, found.backup.problem)
    # Not on this day any more: it would fail.
    (nights.folder / "publisher-20260109T130000Z").mkdir()
    nights.turn(NIGHT + 10 * HOUR)
    (nights.folder / "publisher-20260110T030000Z").mkdir()
    with pytest.raises(UsageError, match="20260110T030000Z: is there already"):
        nights.turn(NIGHT + DAY)


def test_a_folder_that_is_a_file_is_named(nights: Nights) -> None:
    nights.folder.write_text("no folder")
    with pytest.raises(StorageError, match="backups: can't be made"):
        nights.turn(NIGHT)
    state = nights.status().backup
    assert state
    assert str(nights.folder) in str(state.problem)


def test_of_two_backups_in_the_same_second_one_is_refused_and_leaves_the_other_alone(
    nights: Nights,
) -> None:
    other = nights.folder / ".publisher-20260109T030000Z.part" / "publisher.db"
    other.parent.mkdir(parents=True)
    other.write_text("half")
    with pytest.raises(StorageError, match="20260109T030000Z: another backup is being made"):
        nights.turn(NIGHT)
    assert other.read_text() == "half"
    assert nights.names() == []


def test_a_service_that_is_stopped_has_no_failed_backup(nights: Nights) -> None:
    nights.folder.write_text("no folder")
    calls: list[str] = []

    class StoppedError(Exception):
        pass

    def stopping(step: str, _done: int, _of: int, _note: str = "") -> None:
        calls.append(step)
        if len(calls) > 1:
            raise StoppedError

    with pytest.raises(StoppedError):
        nights.turn(NIGHT, stopping)
    assert nights.status().backup == BackupState()
