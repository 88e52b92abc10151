"""What it costs to ask a thousand feeds, each of a host of its own, over loopback: new ones, then unchanged ones."""

import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from rich.table import Table
from sqlalchemy import event

from publisher.app.source_polls import polled_sources
from publisher.clock import FixedClock
from publisher.config import Settings
from publisher.database import Database, open_database
from publisher.fetching.addresses import LOOPBACK
from publisher.fetching.client import GuardedClient
from publisher.polling.parser_process import ParserProcess
from publisher.polling.poller import Poller
from publisher.testing import make_publication
from tools.bench.sizes import size

FEEDS = size(1_000, smallest=3)
NOW = datetime(2026, 1, 9, 12, tzinfo=UTC)
COLUMNS = ("CPU seconds", "seconds", "transactions", "MB at most")


def measure(table: Table) -> None:
    """Measure polls in a process of their own, since memory is counted for a process."""
    # Not in that process.
    from tests.publisher.polling.news_server import news_server

    with news_server() as server, tempfile.TemporaryDirectory() as folder:
        for number in range(FEEDS):
            server.put(f"/{number}", _feed(number))
        for what, days in (("new", 0), ("unchanged", 2), ("unchanged", 4)):
            # It loads what polls need, and not all benchmarks.
            call = f"_print_measured({folder!r}, {server.port}, {what!r}, {days})"
            code = f"from tools.bench import polling; polling.{call}"
            done = subprocess.run(
                [sys.executable, "-c", code], check=True, stdout=subprocess.PIPE
            )
            for row in json.loads(done.stdout):
                table.add_row(*row)


def _print_measured(folder: str, port: int, what: str, days: int) -> None:
    rows = _measured(Path(folder), port, what, NOW + timedelta(days=days))
    sys.stdout.write(json.dumps(rows))


def _measured(folder: Path, port: int, what: str, at: datetime) -> list[tuple[str, ...]]:
    feeds = [
        {"kind": "feed", "url": f"http://feed-{n}.example:{port}/{n}"} for n in range(FEEDS)
    ]
    settings = make_publication(folder, sources=feeds)
    database = open_database(settings.database)
    commits = list[object]()
    event.listen(database._engine, "commit", commits.append)
    parser = ParserProcess()
    poller = Poller(polled_sources(settings), database, FixedClock(at), parser.run, "bench")
    poller.client = GuardedClient(
        networks=LOOPBACK[:1], lookup=lambda _host, _port: ["127.0.0.1"]
    )
    rows = []
    for name, work in (
        (f"{FEEDS:,} {what} feeds", poller.run),
        ("  and the pick-up after it", partial(_pick_up, settings, database, at)),
    ):
        began, used, before = time.perf_counter(), time.process_time(), len(commits)
        work()
        rows.append(_row(name, began, used, len(commits) - before))
    return rows


def _pick_up(settings: Settings, database: Database, at: datetime) -> None:
    # Its memory is not that of a poll.
    from publisher.ingest.pickup.source_pickup import pick_up

    pick_up(settings, database, at)


def _row(what: str, began: float, used: float, commits: int) -> tuple[str, ...]:
    # Not by getrusage, which begins with what the parent had.
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    memory = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
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
