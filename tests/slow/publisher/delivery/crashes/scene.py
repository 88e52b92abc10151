"""The scene of the crashes: subscribers, an issue that is ready, and the process that sends it.

Senders are processes, the database is a real one, and what became of it all is read from the
ledger as it was committed.
"""

import json
import os
import select
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from publisher.config import SETTINGS_FILE, Settings
from publisher.database import open_database
from publisher.i18n.messages import unpacked
from tests.databases import environment_of
from tests.processes import COMMAND, ENVIRONMENT, ROOT
from tools.bench.audience import make_audience

# So few that all of it takes seconds; `CRASH_RECIPIENTS=5000 CRASH_KILLS=20` is the whole of it.
RECIPIENTS = int(os.environ.get("CRASH_RECIPIENTS", "400"))
CONNECTIONS = 8
PROMISED = 4
# A message of the program's own takes more; what is in it is no matter here.
BYTES = 3_000
ISSUE = "weekly-en-2026-01-09"
CHANGED = (sys.executable, "-m", "tests.slow.publisher.delivery.crashes.changed")
SMTP = """
[delivery]
transport = "smtp"

[delivery.smtp]
host = "127.0.0.1"
port = {port}
tls = "none"
connections = {connections}
promised = {promised}
"""
STATES = """
    SELECT subscriber.address, delivery.state
    FROM delivery JOIN subscriber ON subscriber.id = delivery.subscriber_id
"""
UNDER_WAY = "SELECT subscriber_id, epoch FROM delivery WHERE state = 'attempting'"
OPEN = ("pending", "claimed", "attempting", "deferred")
SERVER_COMMAND = (sys.executable, "-m", "tools.servers")
# Seconds within which anything that is waited for has happened, on a machine that is busy.
PATIENCE = 300.0


@dataclass(frozen=True)
class Accepted:
    """One message that the server has said it took, or was about to."""

    recipient: str
    message_id: str
    sha256: str
    connection: int
    # Seconds on the server's own clock, which nobody sets.
    at: float


class Server:
    """A mail server at one port, whatever happens to its process; `log` is what it accepted."""

    def __init__(self, log: Path, *options: object) -> None:
        self._log = log
        self._options = options
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    def start(self) -> None:
        """Begin to listen: at any port, and later always at the same."""
        words = ("--port", self.port, "--log", self._log, *self._options)
        self._process = subprocess.Popen(
            [*SERVER_COMMAND, *map(str, words)],
            cwd=ROOT,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
        assert ready, "the server does not start"
        self.port = int(self._process.stdout.readline().rpartition(":")[2])

    def kill(self) -> None:
        """End it at once; what it has accepted is written down."""
        if self._process:
            self._process.kill()
            self._process.communicate(timeout=PATIENCE)
            self._process = None

    def count(self) -> int:
        """Count what was accepted so far."""
        return self._log.read_bytes().count(b"\n") if self._log.exists() else 0

    def accepted(self) -> list[Accepted]:
        """Give what was accepted so far, in order."""
        lines: list[dict[str, Any]] = [
            json.loads(line) for line in self._log.read_text("utf-8").splitlines()
        ]
        return [
            Accepted(
                line["recipient"],
                line["message-id"],
                line["sha256"],
                line["connection"],
                line["at"],
            )
            for line in lines
        ]

    def recipients(self) -> Counter[str]:
        """Count the mails of each recipient."""
        return Counter(one.recipient for one in self.accepted())


def wait_for(what: str, found: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.005)


@dataclass(frozen=True)
class Ended:
    """How a process ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def complaints(self) -> list[str]:
        """The problems that it printed."""
        return [line for line in self.err.splitlines() if line.startswith("publisher: ")]


class SteppedRun:
    """`publisher deliver` as a process."""

    def __init__(self, words: tuple[object, ...], changes: tuple[str, ...] = ()) -> None:
        command = (*CHANGED, *changes, "--") if changes else COMMAND
        self.process = subprocess.Popen(
            [*command, *map(str, words)],
            cwd=ROOT,
            env=ENVIRONMENT | environment_of(*words),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def ended(self) -> Ended:
        out, err = self.process.communicate(timeout=PATIENCE)
        return Ended(self.process.returncode, out, err)

    def kill(self) -> Ended:
        """Kill it, unless it has ended; a code below zero says that it had not."""
        self.process.kill()
        return self.ended()


@dataclass(frozen=True)
class Scene:
    """A publication with an issue that is ready."""

    settings: Settings
    recipients: int

    @property
    def folder(self) -> Path:
        return self.settings.folders.root

    @contextmanager
    def sender(self, *changes: str, command: str = "deliver") -> Iterator[SteppedRun]:
        """Start sending; whatever happens, the process is gone afterwards."""
        sender = SteppedRun((command, self.folder), changes)
        try:
            yield sender
        finally:
            if sender.is_alive:
                sender.kill()

    def deliver(self, *changes: str) -> Ended:
        with self.sender(*changes) as sender:
            return sender.ended()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read the database as any other process might."""
        with (
            closing(open_database(self.settings.database)) as database,
            database.reading() as connection,
        ):
            yield connection

    def states(self) -> dict[str, str]:
        """Return the state of each delivery, by address."""
        with self.reading() as connection:
            return {row.address: row.state for row in connection.exec_driver_sql(STATES)}

    def counts(self) -> Counter[str]:
        return Counter(self.states().values())

    def under_way(self) -> set[tuple[int, int]]:
        """Return the rows that are being attempted: subscribers and epochs."""
        with self.reading() as connection:
            return {(number, epoch) for number, epoch in connection.exec_driver_sql(UNDER_WAY)}

    def issue(self) -> tuple[str, str | None]:
        """Give the issue's state, and its reason."""
        with self.reading() as connection:
            state, reason = connection.exec_driver_sql("SELECT state, reason FROM issue").one()
        return state, unpacked(reason) if reason else reason


def smtp_scene(
    folder: Path,
    port: int,
    *,
    recipients: int = RECIPIENTS,
    connections: int = CONNECTIONS,
    in_doubt: str = "hold",
    more: str = "",
) -> Scene:
    """Make a publication whose mail goes to a server at this port."""
    settings = SMTP.format(port=port, connections=connections, promised=PROMISED)
    return _scene(folder, recipients, settings + more, in_doubt)


def outbox_scene(folder: Path, *, recipients: int) -> Scene:
    """Make a publication whose mail goes to its outbox."""
    return _scene(folder, recipients, "", "hold")


def _scene(folder: Path, recipients: int, delivery: str, in_doubt: str) -> Scene:
    settings = make_audience(folder, recipients, BYTES, delivery)
    file = folder / SETTINGS_FILE
    text = file.read_text("utf-8")
    name = '"name" = "weekly"'
    assert name in text
    file.write_text(text.replace(name, f'{name}, "in_doubt" = "{in_doubt}"'), "utf-8")
    return Scene(settings, recipients)


@contextmanager
def serving(log: Path, *options: object) -> Iterator[Server]:
    """Have a server, for as long as this lasts."""
    server = Server(log, *options)
    try:
        server.start()
        yield server
    finally:
        server.kill()


def reach(server: Server, sender: SteppedRun, count: int) -> None:
    """Wait until so much was accepted, while somebody sends."""
    wait_for(f"{count} messages", lambda: server.count() >= count or not sender.is_alive)
    assert server.count() >= count, sender.ended()


def nobody_got_two(scene: Scene, got: Mapping[str, int]) -> int:
    """Hold the ledger against what was accepted, once all is over; gives how many are in doubt."""
    states = scene.states()
    assert not {address: count for address, count in got.items() if count > 1}
    assert len(states) == scene.recipients
    still_open = {address: state for address, state in states.items() if state in OPEN}
    assert not still_open, still_open
    sent = {address for address, state in states.items() if state == "sent"}
    doubtful = {address for address, state in states.items() if state == "in_doubt"}
    assert sent | doubtful == set(states)
    # What the ledger calls sent was taken; what it does not know may have been.
    assert sent <= set(got) <= sent | doubtful
    return len(doubtful)


def say(*words: object) -> None:
    """Write down what was seen: `pytest -rP` shows it."""
    sys.stdout.write(f"{' '.join(map(str, words))}\n")
