"""The ledger: opened for many recipients, claims from it, pages alone, the whole path, and a backup meanwhile.

On SQLite and, where a server is installed, on PostgreSQL with fsync and autovacuum on. Pages alone are
written without any message; on the whole path each message is composed, and thrown away. Witness and
journal are written. With `--full` a million recipients and an aim beside each figure that has one (docs/scaling.md),
otherwise a tenth, as on the whole path. Run as processes of their own: `python -m tools.bench.ledger claim FOLDER`, or
`page`, or `send`.
"""

import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.table import Table

from publisher.app.operation.backup import back_up_publication
from publisher.cli.main import OBJECTS_PER_COLLECTION
from publisher.clock import SystemClock
from publisher.config import Settings, load_settings
from publisher.database import Database, open_database
from publisher.delivery.dispatcher import Dispatcher
from publisher.delivery.issue_opening import open_due_issues
from publisher.delivery.job import JobBuilder
from publisher.delivery.lease_holder import hold_lease
from publisher.delivery.ledger import claims, leases
from publisher.delivery.ledger_writer import LedgerWriter
from publisher.delivery.lineage.quarantine import AgeCheck
from publisher.delivery.lineage.witness import open_witness
from publisher.delivery.queues import WorkQueue
from publisher.delivery.rates.limiter import RateLimiter
from publisher.delivery.transports.base import ACCEPTED_OUTCOME, MessageKey
from publisher.issues import store as issues
from publisher.issues.model import IssueState
from publisher.testing import SECRET
from tools.bench.audience import make_audience
from tools.bench.million import Discarding
from tools.bench.sizes import FULL, size
from tools.servers import PostgresDatabases, PostgresServer

COLUMNS = ("SQLite", "PostgreSQL", *(["Aim"] if FULL else []))
RECIPIENTS = size(100_000, smallest=200, full=1_000_000)
BYTES = 4_000
# The whole path takes as long for each mail, however many there are.
WHOLE_PATH = size(100_000, smallest=200)
SENDERS = size(4, smallest=2)
# Rows that are claimed at a time, and how often each process does so.
CLAIMED, CLAIMS = size(500, smallest=10), size(100, smallest=2, full=250)
OPENING = f"open the ledger for {RECIPIENTS:,}"
CLAIMING = f"claim {CLAIMED} of {RECIPIENTS:,}, {SENDERS} senders"
PAGES = f"pages alone, {SENDERS} processes"
WHOLE = f"whole path and a backup, {SENDERS} processes"
# As a server in use has them: the one of the tests waits for no disk.
DURABLE = "fsync = on\nfull_page_writes = on\nsynchronous_commit = on\nautovacuum = on\n"
DURABLE += "autovacuum_naptime = 5s\nshared_buffers = 256MB\nmax_wal_size = 2GB\n"


@dataclass(frozen=True)
class Aim:
    """What a figure of a million recipients must be: at most, or at least, a number."""

    number: float
    is_most: bool
    unit: str = ""

    def __str__(self) -> str:
        return f"{'at most' if self.is_most else 'at least'} {self.number:,.0f}{self.unit}"

    def is_met(self, figure: str) -> bool:
        """Return whether a figure, as it is printed, is as good as this."""
        number = float(figure.split(maxsplit=1)[0].replace(",", ""))
        return number <= self.number if self.is_most else number >= self.number


# By the figure's name.
AIMS = {
    OPENING: Aim(30, is_most=True, unit=" s"),
    f"{CLAIMING}: p99": Aim(50, is_most=True, unit=" ms"),
    f"{PAGES}: rows/s": Aim(5_000, is_most=False),
    f"{PAGES}: worst second": Aim(1_000, is_most=False),
}


def missed_aims(figures: Mapping[str, str]) -> list[str]:
    """Say which figures, by name, miss their aims. One that was not measured misses its own."""
    return [
        f"{name}: {figures.get(name, 'not measured')}, the aim is {aim}"
        for name, aim in AIMS.items()
        if name not in figures or not aim.is_met(figures[name])
    ]


def measure(table: Table) -> list[str]:
    """Measure, as rows of a table. Return which aims were missed; only `--full` has aims."""
    found: list[dict[str, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        found.append(_measure_all(Path(folder), None))
    with durable_server() as databases, tempfile.TemporaryDirectory() as folder:
        found.append(_measure_all(Path(folder), databases) if databases else {})
    for name in found[0]:
        aim = [str(AIMS.get(name, ""))] if FULL else []
        table.add_row(name, *(one.get(name, "not installed") for one in found), *aim)
    return [missed for one in found if one and FULL for missed in missed_aims(one)]


@contextmanager
def durable_server() -> Iterator[PostgresDatabases | None]:
    """Run a server that waits for the disk; None if PostgreSQL is not installed."""
    try:
        server = PostgresServer(DURABLE)
    except FileNotFoundError:
        yield None
        return
    with server, closing(PostgresDatabases(server.folder)) as databases:
        yield databases


def _measure_all(folder: Path, databases: PostgresDatabases | None) -> dict[str, str]:
    first, second = (databases.create(f"ledger_{n}") if databases else None for n in (1, 2))
    return _measure(folder / "1", first) | _measure_backup(folder / "2", second)


def _make(place: Path, address: str | None, recipients: int) -> tuple[Settings, float]:
    """Make an audience and open the ledger for it; return the seconds that this took."""
    settings = make_audience(place, recipients, BYTES, address=address)
    start = time.perf_counter()
    with (
        closing(open_database(settings.database)) as database,
        database.writing() as connection,
    ):
        open_due_issues(connection, settings, SystemClock().now())
    return settings, time.perf_counter() - start


def _measure(place: Path, address: str | None) -> dict[str, str]:
    settings, opened = _make(place, address, RECIPIENTS)
    claimed = [one for found in _run("claim", settings) for one in found]
    pages = _all_pages(_run("page", settings), RECIPIENTS)
    return _claims_in_words(opened, claimed) | _pages_in_words(PAGES, pages)


def _all_pages(found: list[list[list[float]]], recipients: int) -> list[list[float]]:
    pages = sorted(page for one in found for page in one)
    if (sent := sum(count for _at, count in pages)) != recipients:
        raise RuntimeError(f"{sent} of {recipients} were sent")
    return pages


def _measure_backup(place: Path, address: str | None) -> dict[str, str]:
    """Measure how long no page is committed while a backup is made, and when none is."""
    settings, _opened = _make(place, address, WHOLE_PATH)
    taken: list[tuple[float, float]] = []

    def back_up() -> None:
        time.sleep(0.5)
        begun = time.time()
        back_up_publication(settings, place / "backups", SystemClock())
        taken.append((begun, time.time()))

    pages = _all_pages(_run("send", settings, meanwhile=back_up), WHOLE_PATH)
    times = [at for at, _count in pages]
    (begun, ended) = taken[0]
    pauses = [(one, other - one) for one, other in pairwise(times)]
    during = [length for at, length in pauses if begun - length <= at <= ended]
    others = [length for at, length in pauses if not begun - length <= at <= ended]
    return _pages_in_words(WHOLE, pages) | {
        "backup while mail leaves": f"{ended - begun:.1f} s",
        "longest time without a page meanwhile": f"{max(during, default=0):.2f} s",
        "longest time without a page otherwise": f"{max(others, default=0):.2f} s",
    }


def _claims_in_words(opened: float, claimed: list[list[float]]) -> dict[str, str]:
    """`claimed` are the seconds of each claim, and with the wait for the lock and the commit."""
    words = {OPENING: f"{opened:.1f} s"}
    for name, seconds in zip(
        (CLAIMING, "the same with lock and commit"), zip(*claimed, strict=True), strict=True
    ):
        percentiles = statistics.quantiles(seconds, n=100)
        words[f"{name}: p50"] = f"{1000 * percentiles[49]:.1f} ms"
        words[f"{name}: p99"] = f"{1000 * percentiles[98]:.1f} ms"
    return words


def _pages_in_words(name: str, pages: list[list[float]]) -> dict[str, str]:
    """`pages` are when each page was committed, and how many rows were sent with it."""
    first, last = min(at for at, _count in pages), max(at for at, _count in pages)
    windows = Counter[int]()
    for at, count in pages:
        windows[int(at - first)] += int(count)
    # The last one is not whole.
    rows = sum(windows.values())
    whole = [windows[number] for number in range(int(last - first))] or [rows]
    return {
        f"{name}: rows/s": f"{rows / max(last - first, 0.001):,.0f}",
        f"{name}: worst second": f"{min(whole):,}",
        f"{name}: rows a page": f"{rows / len(pages):.0f}",
    }


def _run(
    task: str, settings: Settings, meanwhile: Callable[[], None] = lambda: None
) -> list[Any]:
    """Run a task in all processes at once; return what each has found."""
    environment = os.environ | {"PUBLISHER_SECRET": SECRET}
    if isinstance(settings.database, str):
        environment["PUBLISHER_DATABASE"] = settings.database
    command = [sys.executable, "-m", "tools.bench.ledger", task, str(settings.folders.root)]
    processes = [
        subprocess.Popen(
            [*command, *sys.argv[1:]],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(SENDERS)
    ]
    for process in processes:
        assert process.stdout is not None  # a pipe was asked for
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None  # as above
        process.stdin.write("go\n")
        process.stdin.flush()
    meanwhile()
    return [json.loads(process.communicate()[0].splitlines()[-1]) for process in processes]


# --- in a process of its own


def _claim(settings: Settings) -> list[tuple[float, float]]:
    """Claim and release, and return the seconds of each claim."""
    found = []
    with closing(open_database(settings.database)) as database:
        with database.writing() as connection:
            [issue] = issues.issues_in_state(connection, IssueState.SENDING)
            lease = leases.create_lease(connection, "bench", "ambiguous", "none", 2e9)
        _wait_for_start()
        for _ in range(CLAIMS):
            now = SystemClock().now()
            begun = time.perf_counter()
            with database.writing() as connection:
                start = time.perf_counter()
                rows = claims.claim(connection, issue.id, lease, now, CLAIMED)
                seconds = time.perf_counter() - start
            found.append((seconds, time.perf_counter() - begun))
            with database.writing() as connection:
                claims.release_claims(connection, rows, now)
        with database.writing() as connection:
            leases.release_lease(connection, lease)
    return found


class _Counting(Discarding):
    """Counts what is committed, with the time."""

    def __init__(self) -> None:
        self.pages: list[tuple[float, int]] = []

    def on_committed(self, lease_id: int, keys: Collection[MessageKey]) -> None:  # noqa: ARG002  # the seam's
        """Count a page."""
        self.pages.append((time.time(), len(keys)))


def _page(settings: Settings) -> list[tuple[float, int]]:
    """Write pages as a run does, whose messages take no time; return them as `_send` does."""
    transport = _Counting()
    with closing(open_database(settings.database)) as database:
        with database.reading() as connection:
            [issue] = issues.issues_in_state(connection, IssueState.SENDING)
        jobs = {issue.id: JobBuilder(settings, database, transport, SECRET, ()).build(issue)}
        _wait_for_start()
        with hold_lease(settings, database, transport, database.timer) as lease:
            queue = WorkQueue(transport.connections, transport.prefetch)
            writer = LedgerWriter(
                lease_id=lease.id,
                transport=transport,
                jobs=jobs,
                queue=queue,
                limiter=RateLimiter(settings.delivery, transport.name),
                witness=open_witness(settings),
                is_old=AgeCheck(settings, database),
                clock=SystemClock(),
                timer=database.timer,
            )
            _write_pages(database, writer, queue)
            with database.writing() as connection:
                leases.release_lease(connection, lease.id)
            lease.is_released = True
    return transport.pages


def _write_pages(database: Database, writer: LedgerWriter, queue: WorkQueue) -> None:
    for number in range(queue.workers):
        queue.connected(number)
    while writer.drain() or not writer.is_done:
        with database.writing() as connection:
            batch = writer.write(connection)
        writer.after_commit(batch)
        for number in range(queue.workers):
            while queue.peek(number) is not None and queue.take(number) is not None:
                queue.finish(number, ACCEPTED_OUTCOME, 0.0)


def _send(settings: Settings) -> list[tuple[float, int]]:
    """Deliver, and return when each page was committed, with its number of rows."""
    transport = _Counting()
    with closing(open_database(settings.database)) as database:
        _wait_for_start()
        report = Dispatcher(settings, database, transport, SECRET, SystemClock()).deliver()
    if report.problems:
        raise RuntimeError(f"not sent: {report.problems}")
    return transport.pages


def _wait_for_start() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()


_TASKS: dict[str, Callable[[Settings], Any]] = {"claim": _claim, "page": _page, "send": _send}

if __name__ == "__main__":
    # As commands run: else the search for unused objects costs 60 ms now and then.
    gc.set_threshold(OBJECTS_PER_COLLECTION)
    _found = _TASKS[sys.argv[1]](load_settings(Path(sys.argv[2]), dict(os.environ)))
    sys.stdout.write(f"{json.dumps(_found)}\n")
