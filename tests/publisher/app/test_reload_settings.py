"""Settings that are edited while the pipeline goes on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from publisher.app.pipeline import CycleReport, Pipeline
from publisher.app.reload_settings import ReloadedPipeline
from publisher.app.run import service_turns
from publisher.config import SETTINGS_FILE, load_settings
from publisher.delivery.transports.outbox import OutboxTransport
from publisher.testing import MailServer
from tests.databases import at_database
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import outbox, subscribe
from tests.publisher.mail.samples import parsed
from tests.publisher.printing import json_feed, pipeline_of, public

WRONG = "edited settings are wrong; the previous ones stay in use"
VALID = "settings are valid again"
CHANGED = "settings changed"
WEEK = timedelta(days=7)


class HeldClock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.instant = NOW

    def now(self) -> datetime:
        return self.instant


class Going:
    """A pipeline that goes on, as in the service, from turn to turn."""

    def __init__(self, publication: PublicationFolder) -> None:
        self.publication = publication
        self.file = publication.settings.folders.root / SETTINGS_FILE
        self.clock = HeldClock()
        self.reports: list[CycleReport] = []
        pipeline = pipeline_of(publication)
        pipeline = Pipeline(
            **{name: getattr(pipeline, name) for name in Pipeline.__slots__}
            | {"clock": self.clock}
        )
        self.jobs = service_turns(ReloadedPipeline(pipeline), self.reports.append)

    def turn(self, later: timedelta = timedelta()) -> list[dict[str, Any]]:
        """Run each job once; return the lines about settings in the log."""
        self.clock.instant += later
        with capture_logs() as logs:
            for job in self.jobs:
                job.work(_silent)
        return [dict(one) for one in logs if "setting" in one["event"]]

    def edit(self, old: str, new: str) -> None:
        text = self.file.read_text("utf-8")
        assert old in text
        self.file.write_text(text.replace(old, new), "utf-8")

    def write(self, key: str, title: str) -> None:
        day = f"{self.clock.now():%Y-%m-%d}"
        self.publication.write(f"en/{key}.md", title=title, date=day)


def _silent(_step: str, _done: int, _of: int, _note: str = "") -> None:
    """Ignore progress."""


@pytest.fixture
def going(new_publication: Callable[..., PublicationFolder]) -> Going:
    """A publication after its first turn, with one article and one recipient."""
    publication = new_publication(languages=["en", "ar"])
    subscribe(publication, ("ann@example.com", "en"))
    one = Going(publication)
    one.write("tides", "Tides")
    assert one.turn() == []
    assert len(outbox(publication)) == 1
    return one


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


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_text("newsletter = [", "utf-8"),
        lambda path: path.write_text(
            path.read_text("utf-8").replace("0 8 * * FRI", "now"), "utf-8"
        ),
        lambda path: path.unlink(),
    ],
    ids=["half", "wrong", "gone"],
)
def test_a_mistake_keeps_the_old_settings_and_is_told_once(
    going: Going, damage: Callable[[Path], object]
) -> None:
    before = going.file.read_bytes()
    damage(going.file)
    going.write("maps", "Maps")
    (line,) = going.turn()
    assert (line["event"], line["log_level"]) == (WRONG, "error")
    assert str(going.file) in line["reason"]
    assert going.turn() == going.turn() == []
    assert "Maps" in home(going)
    assert line["reason"] in going.reports[-1].settings_problem
    assert going.reports[-1].problems == []

    going.file.write_bytes(before.replace(b"The week", b"Seven days"))
    mended = going.turn()
    assert [one["event"] for one in mended] == [CHANGED, VALID]
    assert going.turn() == []
    assert going.reports[-1].settings_problem == ""


def test_a_mistake_that_is_taken_back_changes_nothing(going: Going) -> None:
    before = going.file.read_bytes()
    going.file.write_bytes(b"")
    going.turn()
    going.file.write_bytes(before)
    assert [one["event"] for one in going.turn()] == [VALID]


def test_each_edit_of_a_broken_file_is_told(going: Going) -> None:
    going.edit("0 8 * * FRI", "0 8 * *")
    assert len(going.turn()) == 1
    going.edit("0 8 * *", "0 8 *")
    assert [one["event"] for one in going.turn()] == [WRONG]


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


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ('transport = "smtp"\n[delivery.smtp]\nuser = "ann"', "PUBLISHER_SMTP_PASSWORD"),
        ('transport = "smtp"\n[delivery.smtp]\nauthorities = "no.pem"', "no.pem"),
        ('[[delivery.dkim]]\nselector = "one"\ndomain = "news.example.org"\nkey = "no.pem"', "no.pem"),
    ],
    ids=["password", "authorities", "key"],
)  # fmt: skip
def test_settings_that_no_transport_can_be_made_from_are_a_mistake(
    going: Going, table: str, reason: str
) -> None:
    text = going.file.read_text("utf-8").replace('"The week"', '"Seven days"')
    going.file.write_text(f"{text}[delivery]\n{table}\n", "utf-8")
    going.write("maps", "Maps")
    (line,) = going.turn(WEEK)
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
    going.file.write_text(
        f'{going.file.read_text("utf-8")}[delivery]\ndurability = "normal"\n', "utf-8"
    )
    events = {one["event"]: one for one in going.turn()}
    assert events["a changed setting needs a restart"]["keys"] == ["delivery.durability"]


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
    file.write_text(f'{text}[delivery]\ntransport = "smtp"\n', "utf-8")
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
