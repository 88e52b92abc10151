"""Running a publication's pipeline in tests, and looking at what it left on disk."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import feedparser

from publisher.app.operation.cycle import Pipeline
from publisher.clock import FixedClock
from publisher.config import Settings
from publisher.database import Database
from publisher.delivery.lineage.quarantine import ClockWatch
from publisher.delivery.transports import create_transport
from publisher.delivery.transports.base import Transport
from publisher.rendering import Renderer
from publisher.site import SiteReport, write_site, writer
from publisher.syndication.feed_writer import publish_feeds
from publisher.testing import SECRET
from tests.publisher.conftest import PublicationFolder

URL = "https://news.example.org"
LANGUAGES = ("en", "zh-Hans", "zh-Hant", "ar")


def renderer(publication: PublicationFolder) -> Renderer:
    return Renderer(publication.settings.folders.templates)


def pipeline_of(publication: PublicationFolder, transport: Transport | None = None) -> Pipeline:
    """Wire a pipeline over a publication as `publisher.app.start_checks.open_parts` does over a folder."""
    return Pipeline(
        settings=publication.settings,
        database=publication.database,
        renderer=renderer(publication),
        transport=transport or create_transport(publication.settings),
        clock=FixedClock(publication.clock.now()),
        secret=SECRET,
        # The time is the test's, and may be later than the machine's.
        watch=ClockWatch(is_confirmed=True),
    )


def write_issue_pages(
    settings: Settings, database: Database, _renderer: Renderer, now: datetime, *_more: object
) -> SiteReport:
    """Write the pages of issues alone, without which no mail leaves. It stands for `write_site`."""
    # Without it each cycle reads all articles again.
    settings.folders.public.mkdir(exist_ok=True)
    written = SiteReport()
    writer._write_issues(settings, database, now, written)
    return written


def syndicated(publication: PublicationFolder, **named: Any) -> tuple[int, list[str]]:
    """Pick up and write the feeds; gives how many changed and what went wrong."""
    publication.pick_up()
    made = renderer(publication)
    changed, problems = publish_feeds(
        publication.settings, publication.database, made, publication.clock.now(), **named
    )
    return changed, problems + made.take_faults()


def shown(publication: PublicationFolder) -> SiteReport:
    """Pick up and write the pages."""
    publication.pick_up()
    made = renderer(publication)
    written = write_site(
        publication.settings, publication.database, made, publication.clock.now()
    )
    written.problems += made.take_faults()
    return written


def public(publication: PublicationFolder) -> Path:
    return publication.settings.folders.public


def stamps(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Give each file's time of change and content, by its path."""
    return {
        file.relative_to(folder).as_posix(): (file.stat().st_mtime_ns, file.read_bytes())
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


@contextmanager
def changes(folder: Path) -> Iterator[set[str]]:
    """Collect the files that come, go or are touched while the block runs."""
    before = stamps(folder)
    found: set[str] = set()
    yield found
    after = stamps(folder)
    found |= {
        path for path in before.keys() | after.keys() if before.get(path) != after.get(path)
    }


def atom(publication: PublicationFolder, language: str) -> Any:
    parsed = feedparser.parse((public(publication) / f"feeds/{language}.atom.xml").read_bytes())
    assert not parsed.bozo
    return parsed


def rss(publication: PublicationFolder, language: str) -> Any:
    parsed = feedparser.parse((public(publication) / f"feeds/{language}.rss.xml").read_bytes())
    assert not parsed.bozo
    return parsed


def json_feed(publication: PublicationFolder, language: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (public(publication) / f"feeds/{language}.json").read_bytes()
    )
    return found


def override(publication: PublicationFolder, template: str, content: str) -> Path:
    file = publication.settings.folders.templates / template
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content, "utf-8")
    return file
