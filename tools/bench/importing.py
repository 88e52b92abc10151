"""An import of subscribers: rows per second, how long its transactions hold the lock, and whom that delays.

With `--full` a million rows, otherwise a tenth. Its steps are processes of their own; meanwhile this one writes,
as a page does, twenty times a second.
"""

import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from rich.table import Table
from sqlalchemy import Connection, text

from publisher.app.subscribers.records import import_subscribers
from publisher.cli.main import OBJECTS_PER_COLLECTION
from publisher.clock import SystemClock
from publisher.config import load_settings
from publisher.database import Database, open_database
from publisher.testing import SECRET, make_publication
from tools.bench.sizes import peak_megabytes, size

COLUMNS = ("Rows/s", "Lock held: p99, longest ms", "Another writer: p99, longest ms", "MB")
ROWS = size(100_000, smallest=500, full=1_000_000)
# Seconds between two changes of the other writer.
_PAUSE = 0.05
# A row of a hundred has no address; all others say when their people agreed.
_BAD = 100
STEPS = {"dry run": True, "import": False, "the same file again": False}


def measure(table: Table) -> None:
    """Import a list into an empty publication, and again."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "publication"
        make_publication(folder)
        settings = load_settings(folder, {"PUBLISHER_SECRET": SECRET})
        file = folder / "list.csv"
        with file.open("w", encoding="utf-8") as out:
            out.writelines(_lines())
        with closing(open_database(settings.database)) as database:
            for step, is_dry in STEPS.items():
                command = [sys.executable, "-m", "tools.bench.importing", str(folder)]
                waits, printed = _beside(
                    database, [*command, *(["--dry-run"] if is_dry else [])]
                )
                found = json.loads(printed)
                table.add_row(
                    f"{step}: {found['rows']:,} rows in {found['seconds']:.0f} s",
                    f"{found['rows'] / found['seconds']:,.0f}",
                    _spread(found["held"]),
                    _spread(waits),
                    f"{found['megabytes']:.0f}",
                )


def _lines() -> Iterator[str]:
    yield "email,name,language,timezone,consented,network\n"
    for number in range(ROWS):
        address = (
            f"reader{number}"
            if number % _BAD == 0
            else f"reader{number}@mail{number % 3000}.example"
        )
        yield f"{address},Reader {number},en,Europe/Berlin,2025-03-04T05:06:07Z,192.0.2.{number % 250}\n"


def _beside(database: Database, command: Sequence[str]) -> tuple[list[float], str]:
    """Run a command, and write meanwhile. Return the seconds that each change took, and what it printed."""
    waits = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            start = time.perf_counter()
            with database.writing() as connection:
                connection.execute(
                    text("UPDATE subscriber SET timezone = timezone WHERE id = 1")
                )
            waits.append(time.perf_counter() - start)
            time.sleep(_PAUSE)
        out = process.communicate()[0]
    if process.returncode:
        raise RuntimeError("the import failed")
    return waits, out


def _spread(seconds: Sequence[float]) -> str:
    p99 = statistics.quantiles(seconds, n=100)[-1] if len(seconds) > 1 else seconds[0]
    return f"{p99 * 1000:.0f}, {max(seconds) * 1000:.0f}"


def _import(folder: Path, *, dry_run: bool) -> None:
    settings = load_settings(folder, {"PUBLISHER_SECRET": SECRET})
    with (
        closing(open_database(settings.database)) as database,
        (folder / "list.csv").open("rb") as lines,
    ):
        held: list[float] = []
        plain = database._portion  # to be timed

        @contextmanager
        def timed(connection: Connection) -> Iterator[Connection]:
            with plain(connection) as one:
                start = time.perf_counter()
                yield one
            held.append(time.perf_counter() - start)

        setattr(database, "_portion", timed)  # noqa: B010  # as above
        start = time.perf_counter()
        report = import_subscribers(
            settings, database, lines, SystemClock().now(), dry_run=dry_run
        )
        found = {
            "rows": report.taken + report.refused,
            "seconds": time.perf_counter() - start,
            "held": held,
            "megabytes": peak_megabytes(),
        }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    # As commands run: else the search for unused objects lasts longer than a transaction.
    gc.set_threshold(OBJECTS_PER_COLLECTION)
    _import(Path(sys.argv[1]), dry_run="--dry-run" in sys.argv)
