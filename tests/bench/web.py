"""Subscribers' pages: one-click requests while the server is killed, the preference page, memory.

The server is the program itself, in a process of its own; the clients are threads of this one. With
`--full`, the preference page has a million subscribers.
"""

from __future__ import annotations

import os
import re
import socket
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

from publisher.config import SETTINGS_FILE, Settings, load_settings
from publisher.database import open_database
from publisher.mail.signed_links import sign_link
from publisher.testing import SECRET, make_publication
from tests.bench.audience import RECIPIENTS, WISHES
from tests.bench.sizes import size

COLUMNS = ("Measured",)
POSTS = size(20_000, smallest=100)
CLIENTS = size(64, smallest=4)
KILLS = size(6, smallest=1)
IMPORTED = size(100_000, smallest=200, full=1_000_000)
SUBSCRIBERS = size(100_000, smallest=100, full=1_000_000)
PAGES_PER_SECOND = size(200, smallest=20)
SECONDS = size(30, smallest=1)
PATIENCE = 60.0


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
        read_pages(table, make_audience(Path(folder) / "one", SUBSCRIBERS))


def make_audience(folder: Path, subscribers: int) -> Settings:
    """Make a publication with so many subscribers, all of its weekly newsletter."""
    make_publication(folder)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (folder / SETTINGS_FILE).open("a", encoding="utf-8") as file:
        file.write(f'[web]\naddress = "127.0.0.1:{port}"\n')
    settings = load_settings(folder, {"PUBLISHER_SECRET": SECRET})
    settings.folders.public.mkdir()
    with (
        closing(open_database(settings.database)) as database,
        database.writing() as connection,
    ):
        connection.execute(text(RECIPIENTS), {"many": subscribers})
        connection.execute(text(WISHES))
    return settings


class WebServer:
    """`publisher web` in a process, which may be killed and started again."""

    def __init__(self, settings: Settings) -> None:
        self._command = [sys.executable, "-m", "publisher", "web", str(settings.folders.root)]
        self.start()

    def start(self) -> float:
        """Start it; return the seconds until it accepts connections."""
        begin = time.perf_counter()
        environment = os.environ | {"PUBLISHER_SECRET": SECRET}
        self.process = subprocess.Popen(
            self._command, env=environment, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None  # a pipe was asked for
        if not self.process.stdout.readline():
            raise RuntimeError("publisher web did not start")
        return time.perf_counter() - begin

    def kill(self) -> None:
        """Kill it, as the kernel does when memory runs out."""
        self.process.kill()
        self._reap()

    def megabytes(self) -> float:
        """Return its proportional share of memory (PSS)."""
        rollup = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        found = re.search(r"^Pss:\s+(\d+) kB$", rollup, re.MULTILINE)
        if found is None:
            raise RuntimeError("smaps_rollup has no Pss")
        return int(found[1]) / 1024

    def stop(self) -> float:
        """End it by SIGTERM; return the seconds that this takes."""
        begin = time.perf_counter()
        self.process.terminate()
        self._reap()
        return time.perf_counter() - begin

    def _reap(self) -> None:
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextmanager
def running(settings: Settings) -> Iterator[WebServer]:
    """Run the server while the block lasts."""
    server = WebServer(settings)
    try:
        yield server
    finally:
        server.kill()


class Connection:
    """A connection that is kept, as proxies do, and opened again when it was lost."""

    def __init__(self, settings: Settings) -> None:
        self._address = settings.web.host, settings.web.port
        self._socket: socket.socket | None = None

    def ask(self, head: str) -> int:
        """Send a request and read its answer; return the status. Raise OSError if there is none."""
        if self._socket is None:
            self._socket = socket.create_connection(self._address, PATIENCE)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._socket.sendall(f"{head}\r\nHost: localhost\r\n\r\n".encode())
            return self._read(self._socket)
        except OSError:
            self.close()
            raise

    def _read(self, connection: socket.socket) -> int:
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._part(connection)
        fields, _, body = answer.partition(b"\r\n\r\n")
        length = int(re.findall(rb"(?i)content-length: (\d+)", fields)[0])
        while len(body) < length:
            body += self._part(connection)
        return int(fields.split()[1])

    def _part(self, connection: socket.socket) -> bytes:
        part = connection.recv(65_536)
        if not part:
            raise ConnectionResetError
        return part

    def close(self) -> None:
        """Close it; the next request opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


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
