"""A service that goes on: settings that are edited, the engine of its turns, and its backup of each day."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from structlog.testing import capture_logs

from publisher.app.operation.attention import find_attention
from publisher.app.operation.backup import is_due, make_due_backup
from publisher.app.operation.cycle import CycleReport, Pipeline, ReloadedPipeline
from publisher.app.operation.run import open_engine, service_turns
from publisher.cli.operation.status import backup_lines, status_as_json
from publisher.config import SETTINGS_FILE, load_settings
from publisher.database.dialect.job_queue import cron_of
from publisher.delivery.dispatcher import Progress
from publisher.delivery.lineage.witness import set_lineage
from publisher.delivery.transports.outbox import OutboxTransport
from publisher.errors import ConfigError, LeaderLostError, StorageError, UsageError
from publisher.jobs.local_engine import Service
from publisher.jobs.shared_engine import TaskEngine
from publisher.jobs.turns import BackupState, Turn, TurnRunner
from tests.databases import at_database, on_postgresql
from tests.publisher.app.approving import HOUR
from tests.publisher.app.nights import DAY, NIGHT, HeldClock, Nights, silent
from tests.publisher.conftest import Make, PublicationFolder
from tests.publisher.delivery.mailing import outbox, ready, subscribe
from tests.publisher.mail.samples import parsed
from tests.publisher.printing import json_feed, pipeline_of, public
from tools.servers import MailServer

WRONG = "edited settings are wrong; the previous ones stay in use"
VALID = "settings are valid again"
CHANGED = "settings changed"
WEEK = timedelta(days=7)


class Going:
    """A pipeline that goes on, as in the service, from turn to turn."""

    def __init__(self, publication: PublicationFolder) -> None:
        self.publication = publication
        self.file = publication.settings.folders.root / SETTINGS_FILE
        self.clock = HeldClock()
        self.reports: list[CycleReport] = []
        pipeline = replace(pipeline_of(publication), clock=self.clock)
        live = ReloadedPipeline(pipeline)
        # What the file says at first is no edit.
        live.current()
        self.jobs = service_turns(live, self.reports.append)

    def turn(self, later: timedelta = timedelta()) -> list[dict[str, Any]]:
        """Run each job once; return the lines about settings in the log."""
        self.clock.instant += later
        with capture_logs() as logs:
            for job in self.jobs:
                job.work(silent)
        return [dict(one) for one in logs if "setting" in one["event"]]

    def edit(self, old: str, new: str) -> None:
        text = self.file.read_text("utf-8")
        assert old in text
        self.file.write_text(text.replace(old, new), "utf-8")

    def write(self, key: str, title: str) -> None:
        day = f"{self.clock.now():%Y-%m-%d}"
        self.publication.write(f"en/{key}.md", title=title, date=day)


def turn_first(publication: PublicationFolder) -> None:
    subscribe(publication, ("ann@example.com", "en"))
    one = Going(publication)
    one.write("tides", "Tides")
    assert one.turn() == []
    assert len(outbox(publication)) == 1


@pytest.fixture
def going(prepared_publication: Make, monkeypatch: pytest.MonkeyPatch) -> Going:
    """A publication after its first turn, with one article and one recipient."""
    # A changed file is read again after a pause, until it stays the same.
    monkeypatch.setattr("publisher.config.reload.sleep", lambda _seconds: None)
    return Going(prepared_publication(turn_first, languages=["en", "ar"]))


def home(going: Going) -> str:
    return (public(going.publication) / "en/index.html").read_text("utf-8")


def newest_mail(going: Going) -> str:
    root = going.publication.settings.folders.outbox
    newest = max(root.rglob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
    message = parsed(newest.read_bytes())
    return str(message["Subject"])


def test_an_edit_shows_in_pages_feeds_and_mail_from_the_next_cycle_on(going: Going) -> None:
    going.edit('"The week"', '"Seven days"')
    going.edit('"The Lantern"', '"The Beacon"')
    (line,) = going.turn()
    assert (line["event"], line["log_level"]) == (CHANGED, "info")
    assert line["keys"] == ["publication.title.en", "newsletter[weekly].title.en"]
    assert "The Beacon" in home(going)
    assert "The Lantern" not in home(going)
    assert json_feed(going.publication, "en")["title"] == "The Beacon"
    going.write("maps", "Maps")
    assert going.turn(WEEK) == []
    assert "Seven days" in newest_mail(going)


def test_a_mistake_keeps_the_old_settings_and_is_told_once_until_it_is_mended(
    going: Going,
) -> None:
    before = going.file.read_bytes()
    broken: tuple[Callable[[], object], ...] = (
        lambda: going.file.write_text("newsletter = [", "utf-8"),
        lambda: going.edit("newsletter = [", "newsletter = [["),
        lambda: going.file.write_bytes(before.replace(b"0 8 * * FRI", b"now")),
        going.file.unlink,
    )
    going.write("maps", "Maps")
    for damage in broken:
        damage()
        (line,) = going.turn()
        assert (line["event"], line["log_level"]) == (WRONG, "error")
        assert str(going.file) in line["reason"]
        assert line["reason"] in going.reports[-1].settings_problem
        assert going.reports[-1].problems == []
    assert going.turn() == []
    assert "Maps" in home(going)
    # As it was, and with another title.
    going.file.write_bytes(before)
    assert [one["event"] for one in going.turn()] == [VALID]
    going.file.write_bytes(b"")
    assert [one["event"] for one in going.turn()] == [WRONG]
    going.file.write_bytes(before.replace(b"The week", b"Seven days"))
    assert [one["event"] for one in going.turn()] == [CHANGED, VALID]
    assert going.turn() == []
    assert going.reports[-1].settings_problem == ""


def test_mail_goes_to_a_server_as_soon_as_the_settings_say_so(going: Going) -> None:
    before = len(outbox(going.publication))
    with MailServer() as server:
        text = going.file.read_text("utf-8")
        tables = f'host = "{server.host}"\nport = {server.port}\ntls = "none"\n'
        going.file.write_text(
            f'{text}[delivery]\ntransport = "smtp"\n[delivery.smtp]\n{tables}', "utf-8"
        )
        going.write("maps", "Maps")
        (line,) = going.turn(WEEK)
        assert line["keys"] == ["delivery"]
        assert server.recipients() == {"ann@example.com": 1}
        assert len(outbox(going.publication)) == before
        going.file.write_text(text, "utf-8")
        going.write("bells", "Bells")
        going.turn(WEEK)
        assert len(server.messages) == 1
    assert len(outbox(going.publication)) == before + 1


def test_settings_that_no_transport_can_be_made_from_are_a_mistake(going: Going) -> None:
    text = going.file.read_text("utf-8").replace('"The week"', '"Seven days"')
    smtp = 'transport = "smtp"\n[delivery.smtp]\nport = 1025\n'
    dkim = '[[delivery.dkim]]\nselector = "one"\ndomain = "news.example.org"\n'
    going.write("maps", "Maps")
    for table, reason, later in (
        (f'{smtp}user = "ann"', "PUBLISHER_SMTP_PASSWORD", WEEK),
        (f'{smtp}authorities = "no.pem"', "no.pem", timedelta()),
        (f'{dkim}key = "no.pem"', "no.pem", timedelta()),
    ):
        going.file.write_text(f"{text}[delivery]\n{table}\n", "utf-8")
        (line,) = going.turn(later)
        assert line["event"] == WRONG
        assert reason in line["reason"]
    assert going.turn() == []
    assert "Seven days" not in newest_mail(going)
    assert len(outbox(going.publication)) == 2


def test_a_newsletter_and_a_language_can_go(going: Going) -> None:
    going.edit('["en", "ar"]', '["en"]')
    (line,) = going.turn()
    assert line["keys"] == ["publication.languages"]
    assert going.reports[-1].problems == []
    text = going.file.read_text("utf-8")
    kept = [one for one in text.splitlines() if not one.startswith("newsletter")]
    going.file.write_text("\n".join(kept), "utf-8")
    (line,) = going.turn()
    assert line["event"] == WRONG
    assert "weekly is gone, and has" in line["reason"]
    going.edit('["en"]', '["en"], ended_newsletters = ["weekly"]')
    changed, valid = going.turn(WEEK)
    assert {*changed["keys"]} == {"newsletter", "publication.ended_newsletters"}
    assert valid["event"] == VALID
    going.turn(WEEK)
    assert len(outbox(going.publication)) == 1


def test_what_needs_a_restart_is_told(going: Going) -> None:
    going.edit('"timezone"', '"engine" = "procrastinate", "timezone"')
    text = going.file.read_text("utf-8")
    going.file.write_text(f'{text}[delivery]\ndurability = "normal"\n', "utf-8")
    events = {one["event"]: one for one in going.turn()}
    keys = {*events["a changed setting needs a restart"]["keys"]}
    assert keys == {"delivery.durability", "publication.engine"}


def test_a_server_is_used_only_after_a_restart_if_the_database_may_lose_commits(
    publication: PublicationFolder,
) -> None:
    file = publication.settings.folders.root / SETTINGS_FILE
    text = file.read_text("utf-8")
    file.write_text(f'{text}[delivery]\ndurability = "normal"\n', "utf-8")
    publication.settings = at_database(load_settings(publication.settings.folders.root))
    live = ReloadedPipeline(pipeline_of(publication))
    file.write_text(f"{text}[delivery]\njournal = false\n", "utf-8")
    assert not live.current().settings.delivery.journal
    file.write_text(f'{text}[delivery]\ntransport = "smtp"\nsmtp.port = 1025\n', "utf-8")
    assert isinstance(live.current().transport, OutboxTransport)
    assert 'delivery.transport: the database is open with durability = "normal"' in live.problem


def test_the_transport_stays_unless_it_is_made_from_other_settings(
    publication: PublicationFolder,
) -> None:
    pipeline = pipeline_of(publication)
    live = ReloadedPipeline(pipeline)
    file = publication.settings.folders.root / SETTINGS_FILE
    file.write_text(file.read_text("utf-8").replace("The week", "Seven days"), "utf-8")
    title = pipeline.settings.newsletters[0].title
    current = live.current()
    assert current.settings.newsletters[0].title != title
    # Work that is under way keeps what it began with.
    assert pipeline.settings.newsletters[0].title == title
    assert current.transport is pipeline.transport
    file.write_text(f'{file.read_text("utf-8")}[delivery.outbox]\nlayout = "maildir"\n')
    changed = live.current().transport
    assert isinstance(changed, OutboxTransport)
    assert changed is not pipeline.transport


# --- which engine starts the turns of the service, and why it can't
ON_A_FILE = "shares turns by a database on a server, and this publication has a file; write"


def pipeline_with(
    publication: PublicationFolder, engine: Literal["local", "procrastinate"]
) -> Pipeline:
    pipeline = pipeline_of(publication)
    own = pipeline.settings.publication.model_copy(update={"engine": engine})
    return replace(pipeline, settings=replace(pipeline.settings, publication=own))


def watch(_progress: Progress) -> None:
    """Do nothing."""


def test_turns_are_started_in_the_process_and_a_task_engine_needs_a_server(
    publication: PublicationFolder,
) -> None:
    assert pipeline_of(publication).settings.publication.engine == "local"
    assert isinstance(open_engine(pipeline_of(publication), watch), Service)
    pipeline = pipeline_with(publication, "procrastinate")
    if on_postgresql():
        assert isinstance(open_engine(pipeline, watch), TaskEngine)
        return
    with pytest.raises(ConfigError, match=rf"publication\.engine: procrastinate {ON_A_FILE}"):
        open_engine(pipeline, watch)


def test_a_task_engine_that_is_not_installed_is_named_with_the_remedy(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "publisher.database.dialect.job_queue", None)
    monkeypatch.setattr("publisher.config.Settings.database", "postgresql://publisher@/news")
    remedy = r"not installed; run `pip install --requirement requirements-extras.txt` in its folder, or leave"
    with pytest.raises(ConfigError, match=remedy):
        open_engine(pipeline_with(publication, "procrastinate"), watch)


@pytest.mark.parametrize("seconds", [1, 2, 5, 15, 60, 600, 3600, 43_200, 86_400])
def test_a_crontab_has_the_interval_of_its_turn(seconds: int) -> None:
    times = croniter(cron_of(seconds), 0)
    found = [times.get_next(float) for _ in range(5)]
    assert {later - earlier for earlier, later in pairwise(found)} == {seconds}
    assert cron_of(0.05) == cron_of(1)


# --- the backup of each day: when it is due, and what a failure costs (the slow lane makes more of them)


@pytest.fixture
def nights(publication: PublicationFolder) -> Nights:
    return Nights(publication)


def turn_of(nights: Nights) -> Turn:
    """Return the turn of a service that makes backups."""
    live = ReloadedPipeline(replace(pipeline_of(nights.publication), clock=nights.clock))
    (turn,) = (one for one in service_turns(live, lambda _: None) if one.name == "backup")
    return turn


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
    turn = turn_of(nights)
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
    turn = turn_of(nights)
    nights.clock.instant, leads = NIGHT, [False]
    assert TurnRunner(nights.publication.settings.folders.root, [turn]).run("backup")
    assert nights.names() == []
    # Another process follows when it has begun.
    with pytest.raises(LeaderLostError):
        turn.work(silent)
    assert nights.status().backup == BackupState()


def test_no_backup_is_made_of_an_old_database_or_without_the_table(nights: Nights) -> None:
    with nights.publication.database.writing() as connection:
        set_lineage(connection, copied_at=NIGHT)
    assert nights.turn(NIGHT) == []
    assert nights.status().backup == BackupState()
    publication = nights.publication
    publication.settings = replace(publication.settings, backup=None)
    make_due_backup(publication.settings, publication.database, nights.clock, silent)
    assert not nights.folder.exists()
    shown = status_as_json(publication.settings, nights.status())
    assert shown["backup"] is None


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
