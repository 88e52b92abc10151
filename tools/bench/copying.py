"""A publication that moves: all rows from a SQLite file to PostgreSQL and back, compared; and what a preview waits for.

With `--full` a million subscribers and as many rows of the ledger, otherwise a tenth. The server waits
for the disk, as one in use does.
"""

import tempfile
import time
from contextlib import closing
from pathlib import Path

from rich.table import Table
from sqlalchemy import text

from publisher.app.issues.dry_run import open_dry_run
from publisher.app.operation.databases import copy_publication
from publisher.clock import FixedClock
from publisher.config import Settings
from publisher.database import open_database
from tests.publisher.conftest import NOW
from tools.bench.audience import make_audience
from tools.bench.ledger import durable_server
from tools.bench.planning import ROWS
from tools.bench.sizes import peak_megabytes, size

COLUMNS = ("Measured",)
SUBSCRIBERS = size(100_000, smallest=50, full=1_000_000)


def measure(table: Table) -> None:
    """Measure, as rows of a table."""
    with tempfile.TemporaryDirectory() as folder:
        settings = make_audience(Path(folder) / "publication", SUBSCRIBERS, 1_000)
        with closing(open_database(settings.database)) as database, database.writing() as new:
            new.execute(text(ROWS))
        start = time.perf_counter()
        with open_dry_run(settings, FixedClock(NOW)):
            took = time.perf_counter() - start
        table.add_row(f"a preview's copy, beside {SUBSCRIBERS:,} subscribers", f"{took:.1f} s")
        _measure_moves(table, settings, Path(folder) / "back.db")


def _measure_moves(table: Table, settings: Settings, back: Path) -> None:
    with durable_server() as databases:
        if databases is None:
            table.add_row("PostgreSQL", "not installed")
            return
        server = databases.create("moved")
        for name, source, target in (
            ("SQLite to PostgreSQL", str(settings.database), server),
            ("PostgreSQL to SQLite", server, str(back)),
        ):
            start = time.perf_counter()
            copied = copy_publication(source, target, FixedClock(NOW))
            took = time.perf_counter() - start
            rows = sum(content.rows for _name, content in copied)
            table.add_row(f"{name}: {rows:,} rows", f"{took:.1f} s")
    table.add_row("memory of the program", f"{peak_megabytes():.0f} MB")
