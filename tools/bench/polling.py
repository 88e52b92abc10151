"""What it costs to ask a thousand feeds, each of a host of its own, over loopback: new ones, then unchanged ones."""

import json
import multiprocessing
import resource
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

from rich.table import Table
from sqlalchemy import event

from publisher.app.source_polls import polled_sources
from publisher.clock import FixedClock
from publisher.database import open_database
from publisher.ingest.pickup.source_pickup import pick_up
from publisher.polling.poller import Poller
from publisher.testing import make_publication
from tests.publisher.conftest import NOW
from tests.publisher.polling.news_server import NewsServer, news_server
from tests.publisher.polling.polled_publication import parse
from tools.bench.sizes import size

FEEDS = size(1_000, smallest=3)
COLUMNS = ("CPU seconds", "seconds", "transactions", "MB at most")


def measure(table: Table) -> None:
    """Measure polls in a process of their own, since memory is counted for a process."""
    with news_server() as server, tempfile.TemporaryDirectory() as folder:
        for number in range(FEEDS):
            server.put(f"/{number}", _feed(number))
        context = multiprocessing.get_context("spawn")
        for what, days in (("new", 0), ("unchanged", 2), ("unchanged", 4)):
            with context.Pool(1) as pool:
                arguments = Path(folder), server.port, what, NOW + timedelta(days=days)
                for row in pool.apply(_measured, arguments):
                    table.add_row(*row)


def _measured(folder: Path, port: int, what: str, at: datetime) -> list[tuple[str, ...]]:
    server = NewsServer(port)
    feeds = [
        {"kind": "feed", "url": server.url(f"/{n}", f"feed-{n}.example")} for n in range(FEEDS)
    ]
    settings = make_publication(folder, sources=feeds)
    database = open_database(settings.database)
    commits = list[object]()
    event.listen(database._engine, "commit", commits.append)
    poller = Poller(polled_sources(settings), database, FixedClock(at), parse, "bench")
    poller.client = server.client
    rows = []
    for name, work in (
        (f"{FEEDS:,} {what} feeds", poller.run),
        ("  and the pick-up after it", lambda: pick_up(settings, database, at)),
    ):
        began, used, before = time.perf_counter(), time.process_time(), len(commits)
        work()
        rows.append(_row(name, began, used, len(commits) - before))
    return rows


def _row(what: str, began: float, used: float, commits: int) -> tuple[str, ...]:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cpu, wall = time.process_time() - used, time.perf_counter() - began
    return what, f"{cpu:.2f}", f"{wall:.1f}", str(commits), f"{memory:.0f}"


def _feed(number: int) -> str:
    """Write a feed of ten entries in 20 KB."""
    words = f"Words of feed {number}, which nobody has read before. " * 40
    items = [
        {
            "id": f"{number}-{n}",
            "url": f"https://feed-{number}.example/{n}",
            "title": f"Story {n} of {number}",
            "content_html": f"<p>{words}</p>",
            "date_published": f"2026-01-0{1 + n % 8}T08:00:00Z",
        }
        for n in range(10)
    ]
    return json.dumps(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": f"Feed {number}",
            "items": items,
        }
    )
