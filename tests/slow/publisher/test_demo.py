"""The demo: what it shows, and that it is equal on PostgreSQL and never in a publication's database."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from publisher.app.operation.cycle import CycleReport
from publisher.config import load_settings
from publisher.database import open_database
from publisher.demo.live import add_live_sites
from publisher.secrets import DEMO_SECRET
from tests.databases import DATABASE_FILE
from tests.processes import publisher, tree
from tests.sizes import only_at_night
from tests.subscribers.conftest import a_subscriber, add
from tools.mail_validator import violations
from tools.servers import PostgresDatabases, PostgresServer
from tools.servers.postgres_server import find_server_programs

LEDGER = """
SELECT newsletter, issue.language, day, issue.state, email, delivery.state
FROM delivery JOIN issue ON issue.id = issue_id JOIN subscriber ON subscriber.id = subscriber_id
"""

WITHDRAWN = "en/stories/lighthouse-for-sale"
SHOWN = (
    "en/weekly/2026-01-09",
    "en/daily/2026-01-08",
    "en/weekly/2026-01-16",
    *(f"{language}/stories/bell-buoy" for language in ("en", "zh-Hans", "zh-Hant", "ar")),
)
LIVE_DAYS = (datetime(2026, 1, 16, 8, tzinfo=UTC), datetime(2026, 1, 19, 6, tzinfo=UTC))
FETCHED = {
    "en": [
        "A new wheel for the long walk",
        "will be the highest of the year",
        "Berth nine is closed until the crane has been weighed",
    ],
    "ar": ["إغلاق الرصيف التاسع إلى أن تُوزن الرافعة"],
    "zh-Hans": ["绳廊换上了新轮子", "周六将迎来全年最高潮位"],
    "zh-Hant": ["繩廊換上了新輪子", "週六將迎來全年最高潮位"],
}
AFFILIATIONS = (
    "Correspondent, The Lantern",
    "《灯笼》记者",
    "《燈籠》記者",
    "مراسلة «الفانوس»",
)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresDatabases]:
    if find_server_programs() is None:
        pytest.skip("PostgreSQL is not installed")
    with PostgresServer() as server:
        databases = PostgresDatabases(server.folder)
        yield databases
        databases.close()


@pytest.fixture(scope="module")
def address(server: PostgresDatabases) -> str:
    return server.create("demo")


def ledger(address: Path | str) -> Counter[tuple[str, ...]]:
    with closing(open_database(address)) as database, database.reading() as connection:
        return Counter(tuple(map(str, row)) for row in connection.execute(text(LEDGER)))


@only_at_night
@pytest.mark.sqlite("and PostgreSQL: both are compared here")
def test_the_demo_is_the_same_on_both_databases(
    tmp_path: Path, demo: Path, address: str
) -> None:
    there = tmp_path / "there"
    done = publisher("demo", there, environment={"PUBLISHER_DATABASE": address})
    assert (done.code, done.err) == (0, "")
    assert not (there / DATABASE_FILE).exists()
    for name in ("public", "outbox"):
        assert tree(there / name) == tree(demo / name)
    assert sum(ledger(address).values()) > 30
    assert ledger(address) == ledger(demo / DATABASE_FILE)
    # The demo has a secret of its own, and the databases were used with it.
    own = {"PUBLISHER_SECRET": (there / "var" / "secret").read_text("ascii")}
    status = publisher("status", "--json", demo, environment=own).out
    theirs = {**own, "PUBLISHER_DATABASE": address}
    on_server = publisher("status", "--json", there, environment=theirs)
    assert json.loads(on_server.out) == json.loads(status)


def test_the_demo_is_refused_where_a_publication_is(
    tmp_path: Path, server: PostgresDatabases
) -> None:
    address = server.create("theirs")
    with closing(open_database(address)) as database, database.writing() as connection:
        add(connection, a_subscriber())
    done = publisher("demo", tmp_path / "other", environment={"PUBLISHER_DATABASE": address})
    assert done.code == 2
    assert "the demo needs an empty database, and this one holds a publication" in done.err
    assert not (tmp_path / "other").exists()


def test_the_demo_shows_what_happens_to_articles_after_they_were_mailed(demo: Path) -> None:
    public, outbox = demo / "public", demo / "outbox"
    page = {name: (public / name / "index.html").read_text("utf-8") for name in SHOWN}
    # A story that was mailed is withdrawn: its page is gone, and an entry of feeds says so.
    assert not (public / WITHDRAWN / "index.html").exists()
    assert (public / WITHDRAWN / ".gone.html").is_file()
    feed = json.loads((public / "feeds/en.json").read_text("utf-8"))
    assert [entry["title"] for entry in feed["items"] if WITHDRAWN in entry["url"]] == [
        "This article was withdrawn."
    ]
    # An issue is corrected by a mail to those who got it, and on its pages.
    corrections = (outbox / "weekly/en/2026-01-09").glob("*-correction.*.eml")
    assert len([*corrections]) == 3
    assert all("January 12, 2026" in page[name] for name in SHOWN[:2])
    assert "Example Translate 3" in page["ar/stories/bell-buoy"]
    # people.toml has them: the byline is a name alone.
    for name, affiliation in zip(SHOWN[3:], AFFILIATIONS, strict=True):
        assert affiliation in page[name]
    assert page["en/weekly/2026-01-16"].count("<article") == 30


def test_every_message_of_the_demo_conforms_to_the_rfcs(demo: Path) -> None:
    messages = [*(demo / "outbox").rglob("*.eml")]
    assert messages
    for path in messages:
        assert [*violations(path.read_bytes())] == [], path


def test_the_live_demo_picks_up_what_sites_of_this_machine_publish(
    demo: Path, tmp_path: Path
) -> None:
    here = Path(shutil.copytree(demo, tmp_path / "demo"))
    settings = replace(load_settings(here, {}), secret=SecretStr(DEMO_SECRET))
    with as_file(files("publisher") / "demo" / "data") as data:
        add_live_sites(settings, data, LIVE_DAYS, lambda _now, report: no_problem(report))
    monday = {one: here / f"public/{one}/daily/2026-01-19/index.html" for one in FETCHED}
    for language, titles in FETCHED.items():
        page = monday[language].read_text("utf-8")
        assert [title for title in titles if title not in page] == []
    assert " · tide-table.example\n" in monday["en"].read_text("utf-8")
    # The one with a picture has it from here, and a translation is the same story.
    story = here / "public/en/stories/new-wheel/index.html"
    assert "/media/" in story.read_text("utf-8")
    assert story.parent.name in monday["zh-Hans"].read_text("utf-8")
    # An entry from before the last week is an archive, and nothing is asked any more.
    assert "The old gauge" not in monday["en"].read_text("utf-8")
    listed = publisher("sources", "--json", here, environment={"PUBLISHER_SECRET": DEMO_SECRET})
    assert (listed.code, listed.err) == (0, "")
    polled = [one["polled"] for one in json.loads(listed.out)["sources"] if one["polled"]]
    assert {one["paused"] for one in polled} == {True}
    # The folder is that of a demo, and may be used again.
    assert publisher("demo", here).code == 0


def no_problem(report: CycleReport) -> None:
    assert report.problems == []
