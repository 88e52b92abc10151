"""A million recipients: the memory of who sends, and looks at how it stands.

With `--full` a million, otherwise a tenth. The transport throws everything away, so that what is
measured is ours. Run as a process of its own: `python -m tools.bench.million deliver FOLDER`.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from rich.table import Table

from publisher.app.operation.status import take_snapshot
from publisher.clock import SystemClock
from publisher.config import load_settings
from publisher.database import open_database
from publisher.delivery.dispatcher import Dispatcher
from publisher.delivery.transports.base import (
    ACCEPTED_OUTCOME,
    Guarantee,
    Outcome,
    OutgoingMessage,
    Transport,
)
from publisher.testing import SECRET
from tools.bench.audience import make_audience
from tools.bench.sizes import peak_megabytes, size

COLUMNS = ("Measured",)
RECIPIENTS = size(100_000, smallest=50, full=1_000_000)
BYTES = 57_000
SECONDS_BETWEEN_LOOKS = 1.0


def measure(table: Table) -> None:
    """Measure, as rows of a table."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "publication"
        make_audience(place, RECIPIENTS, BYTES)
        command = [sys.executable, "-m", "tools.bench.million", "deliver", str(place)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            looks, whole = _look(place, process)
            assert process.stdout is not None  # a pipe was asked for
            found = json.loads(process.stdout.read().splitlines()[-1])
    if found["messages"] != RECIPIENTS or found["problems"]:
        raise RuntimeError(f"not sent: {found}")
    table.add_row("mails a second, all thrown away", f"{RECIPIENTS / found['seconds']:,.0f}")
    table.add_row("memory before the first, MB", f"{found['before']:.0f}")
    table.add_row("memory at most, MB", f"{found['most']:.0f}")
    for name, seconds in (("asked within a process", looks), ("`publisher status`", whole)):
        worst, median = max(seconds), statistics.median(seconds)
        table.add_row(f"status meanwhile, {name}: median", f"{median:.3f} s")
        table.add_row(f"status meanwhile, {name}: worst of {len(seconds)}", f"{worst:.3f} s")


def _look(place: Path, process: subprocess.Popen[str]) -> tuple[list[float], list[float]]:
    """Ask how things stand for as long as a process works; gives the seconds of each answer."""
    settings = load_settings(place, {"PUBLISHER_SECRET": SECRET})
    inside, outside = [], []
    environment = {**os.environ, "PUBLISHER_SECRET": SECRET}
    with closing(open_database(settings.folders.database)) as database:
        while process.poll() is None:
            start = time.perf_counter()
            take_snapshot(settings, database, SystemClock().now())
            inside.append(time.perf_counter() - start)
            start = time.perf_counter()
            command = [sys.executable, "-m", "publisher", "status", str(place)]
            done = subprocess.run(
                command, env=environment, check=False, capture_output=True, text=True
            )
            if not done.stdout:  # its exit code is 1 while something waits
                raise RuntimeError(done.stderr)
            outside.append(time.perf_counter() - start)
            time.sleep(SECONDS_BETWEEN_LOOKS)
    return inside, outside


class Discarding(Transport):
    """A transport, and its connections, that throw everything away."""

    name = "discarding"
    guarantee: Guarantee = "ambiguous"
    connections = 8
    prefetch = 8
    is_open = True

    def connect(self, lease_id: int, holds_lease: Callable[[], bool]) -> Discarding:  # noqa: ARG002  # the seam's
        """Give itself."""
        return self

    def send(
        self,
        outgoing: OutgoingMessage,  # noqa: ARG002  # the protocol has it
        next_message: OutgoingMessage | None = None,  # noqa: ARG002  # as above
    ) -> Outcome:
        """Throw a message away."""
        return ACCEPTED_OUTCOME

    def close(self) -> None:
        """Hold nothing."""


def _deliver(folder: Path) -> None:
    settings = load_settings(folder, {"PUBLISHER_SECRET": SECRET})
    database = open_database(settings.folders.database)
    before = peak_megabytes()
    with closing(database):
        start = time.perf_counter()
        sent = Dispatcher(settings, database, Discarding(), SECRET, SystemClock()).deliver()
        seconds = time.perf_counter() - start
    found = {
        "messages": sent.messages,
        "problems": sent.problems,
        "seconds": seconds,
        "before": before,
        "most": peak_megabytes(),
    }
    sys.stdout.write(f"{json.dumps(found)}\n")


if __name__ == "__main__":
    _deliver(Path(sys.argv[2]))
