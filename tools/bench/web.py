"""Subscribers' pages: one-click requests while the server is killed, the preference page, memory.

The server is the program itself, in a process of its own; the clients are threads of this one. With
`--full`, the preference page has a million subscribers.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue

from rich.table import Table
from sqlalchemy import text

from publisher.config import Settings
from publisher.database import open_database
from publisher.mail.signed_addresses import sign_link
from publisher.testing import SECRET
from tools.bench.sizes import size
from tools.bench.web_memory import measure_growth
from tools.bench.web_server import Connection, make_audience, running

COLUMNS = ("Measured",)
POSTS = size(20_000, smallest=100)
CLIENTS = size(64, smallest=4)
KILLS = size(6, smallest=1)
IMPORTED = size(100_000, smallest=200, full=1_000_000)
SUBSCRIBERS = size(100_000, smallest=100, full=1_000_000)
PAGES_PER_SECOND = size(200, smallest=20)
SECONDS = size(30, smallest=1)


@dataclass
class Clicks:
    """One-click requests: seconds of those that were answered, whose they were, and refusals."""

    seconds: list[float] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    duration: float = 0.0


def measure(table: Table) -> None:
    """Measure, as rows of a table."""
    with tempfile.TemporaryDirectory() as folder:
        settings = make_audience(Path(folder) / "one", POSTS)
        report(
            table,
            f"{POSTS:,} one-click requests, {KILLS} kills",
            *clicked(settings, POSTS, CLIENTS, KILLS),
        )
    with tempfile.TemporaryDirectory() as folder:
        settings = make_audience(Path(folder) / "one", POSTS)
        with importing(settings):
            report(
                table,
                f"the same while {IMPORTED:,} are imported",
                *clicked(settings, POSTS, CLIENTS),
            )
    with tempfile.TemporaryDirectory() as folder:
        settings = make_audience(Path(folder) / "one", SUBSCRIBERS)
        read_pages(table, settings)
        measure_growth(table, settings, SUBSCRIBERS)


def clicked(settings: Settings, posts: int, threads: int, kills: int = 0) -> tuple[Clicks, int]:
    """Unsubscribe so many by one click; return what was answered, and how much of it was lost."""
    clicks, waiting = Clicks(), SimpleQueue[int]()
    for number in range(1, posts + 1):
        waiting.put(number)
    begin = time.perf_counter()
    with running(settings) as server, ThreadPoolExecutor(threads) as pool:
        clients = [pool.submit(_click, settings, waiting, clicks) for _ in range(threads)]
        for kill in range(1, kills + 1):
            while len(clicks.answered) < posts * kill // (kills + 1):
                time.sleep(0.01)
            server.kill()
            server.start()
        for client in clients:
            client.result()
        clicks.duration = time.perf_counter() - begin
        # At once: what was answered has to be stored.
        server.kill()
    return clicks, len({*clicks.answered} - _unsubscribed(settings))


def _click(settings: Settings, waiting: SimpleQueue[int], clicks: Clicks) -> None:
    connection = Connection(settings)
    with closing(connection):
        while True:
            try:
                number = waiting.get_nowait()
            except Empty:
                return
            token = sign_link(SECRET, "unsubscribe", number, newsletter="weekly")
            _click_until_answered(
                connection, f"POST /en/unsubscribe/?t={token} HTTP/1.1", clicks
            )
            clicks.answered.append(number)


def _click_until_answered(connection: Connection, head: str, clicks: Clicks) -> None:
    """Repeat a request as mail providers do: after a lost connection, and after 503."""
    while True:
        begin = time.perf_counter()
        try:
            status = connection.ask(f"{head}\r\nContent-Length: 0")
        except OSError:
            time.sleep(0.05)
            continue
        if status == 200:
            clicks.seconds.append(time.perf_counter() - begin)
            return
        clicks.refused.append(status)
        if status != 503:
            raise RuntimeError(f"answered with {status}")
        time.sleep(0.5)


def _unsubscribed(settings: Settings) -> set[int]:
    query = "SELECT subscriber_id FROM subscription WHERE status = 'unsubscribed'"
    with (
        closing(open_database(settings.database)) as database,
        database.reading() as connection,
    ):
        return set(connection.execute(text(query)).scalars())


@contextmanager
def importing(settings: Settings) -> Iterator[None]:
    """Import subscribers in another process while the block lasts."""
    file = settings.folders.root / "more.csv"
    rows = (f"new{number}@example.org\n" for number in range(IMPORTED))
    file.write_text("email\n" + "".join(rows))
    command = [sys.executable, "-m", "publisher", "subscribers", "import"]
    process = subprocess.Popen(
        [*command, str(file), str(settings.folders.root)],
        env=os.environ | {"PUBLISHER_SECRET": SECRET},
        stdout=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def report(table: Table, what: str, clicks: Clicks, lost: int) -> None:
    """Add what one-click requests came to."""
    table.add_row(f"{what}: answered", f"{len(clicks.answered):,}")
    table.add_row("  answered and lost", f"{lost:,}")
    table.add_row("  answered with 503, and repeated", f"{len(clicks.refused):,}")
    table.add_row("  a second", f"{len(clicks.answered) / clicks.duration:,.0f}")
    _add_quantiles(table, clicks.seconds)


def _add_quantiles(table: Table, seconds: Sequence[float]) -> None:
    percent = statistics.quantiles(seconds, n=100, method="inclusive")
    for name, value in (("p50", percent[49]), ("p95", percent[94]), ("p99", percent[98])):
        table.add_row(f"  {name}", f"{value * 1000:.1f} ms")


def read_pages(table: Table, settings: Settings) -> None:
    """Ask for the preference page at a steady rate; each request has its time, answered or not."""
    with running(settings) as server:
        server.stop()
        seconds = server.start()
        time.sleep(1)
        table.add_row("start of `publisher web`", f"{seconds:.1f} s")
        table.add_row("memory when idle (PSS)", f"{server.megabytes():.0f} MB")
        waits: list[float] = []
        before = server.processor_seconds()
        with ThreadPoolExecutor(CLIENTS) as pool:
            begin = time.perf_counter()
            asked = [
                pool.submit(_read_page, settings, client, begin, waits)
                for client in range(CLIENTS)
            ]
            for one in asked:
                one.result()
        table.add_row(
            f"preference page of {SUBSCRIBERS:,} subscribers, {PAGES_PER_SECOND} a second",
            f"{len(waits):,}",
        )
        _add_quantiles(table, waits)
        spent = (server.processor_seconds() - before) / len(waits)
        table.add_row("  processor time of a page", f"{spent * 1000:.1f} ms")
        table.add_row("memory after these (PSS)", f"{server.megabytes():.0f} MB")
        table.add_row("end by SIGTERM", f"{server.stop():.2f} s")


def _read_page(settings: Settings, client: int, begin: float, waits: list[float]) -> None:
    """Ask for every n-th page, each at its own instant."""
    connection = Connection(settings)
    with closing(connection):
        for number in range(client, PAGES_PER_SECOND * SECONDS, CLIENTS):
            token = sign_link(SECRET, "preferences", number * 7919 % SUBSCRIBERS + 1)
            due = begin + number / PAGES_PER_SECOND
            time.sleep(max(0.0, due - time.perf_counter()))
            status = connection.ask(f"GET /en/preferences/?t={token} HTTP/1.1")
            waits.append(time.perf_counter() - due)
            if status != 200:
                raise RuntimeError(f"answered with {status}")
