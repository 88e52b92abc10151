"""Several machines with one database: a publication, and a service on each of them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from publisher.config import SETTINGS_FILE
from publisher.testing import SECRET, PostgresDatabases, PostgresServer
from tests.processes import ENVIRONMENT, ROOT
from tests.slow.publisher.delivery.crashes.scene import CHANGED, OPEN, SMTP, Scene
from tests.slow.publisher.delivery.crashes.servers import Server, wait_for
from tools.bench.audience import make_audience

CONNECTIONS, PROMISED = 4, 4
LEASE = 6
# Longer than the lease; `make machines` cuts for a minute, in which connections are given up.
CUT_SECONDS = float(os.environ.get("MACHINES_CUT_SECONDS", LEASE + 2))
# What starts turns: each machine for itself, or a queue that they share.
ENGINE = os.environ.get("MACHINES_ENGINE", "local")
NAME = "many"
SHORT = (
    f"publisher.delivery.ledger.leases:LEASE_SECONDS={LEASE}",
    f"publisher.leader.store:LEADER_SECONDS={LEASE}",
    f"publisher.leader.holder:LEADER_SECONDS={LEASE}",
    "publisher.leader.holder:_RENEWAL_SECONDS=1",
    # Who is stopped while it holds the writers' lock, or waits for it, must not hold up all for longer.
    "publisher.database.dialect.server_session:WRITER_IDLE_SECONDS=4",
    "publisher.app.run:SECONDS_BETWEEN_NOTICES=60",
    "publisher.delivery.retry_policy:IMMEDIATE_RETRIES=1000",
)
# A service starts its jobs so often; the default would leave a machine idle for most of the test.
CYCLE = ("publisher.turns:SECONDS_BETWEEN_CYCLES=2",)


@dataclass(frozen=True)
class Place:
    """How a machine gets to its servers: host and port of each, and what its commands begin with.

    Its clock is wrong by `clock` seconds.
    """

    database: tuple[str, int]
    mail: tuple[str, int]
    prefix: Sequence[str] = ()
    clock: float = 0.0


class Machine:
    """A host with its own folder, whose service is started again whenever it ends."""

    def __init__(
        self, folder: Path, name: str, place: Place, changes: Sequence[str] = (*SHORT, *CYCLE)
    ) -> None:
        self.folder = folder
        changes = (*changes, f"--clock={place.clock}")
        self._command = [*place.prefix, *CHANGED, *changes, "--", "run", str(folder)]
        host, port = place.database
        own = {
            "PUBLISHER_DATABASE": f"postgresql://publisher@{host}:{port}/{NAME}",
            "PUBLISHER_HOST": name,
            "PUBLISHER_SECRET": SECRET,
        }
        self.environment = ENVIRONMENT | own
        self._log = (folder / "log").open("ab")
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            self._command, cwd=ROOT, env=self.environment, stdout=self._log, stderr=self._log
        )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def log_size(self) -> int:
        return (self.folder / "log").stat().st_size

    def has_said(self, words: str, since: int) -> bool:
        """Return whether the log has some words, after so many bytes."""
        return words.encode() in (self.folder / "log").read_bytes()[since:]

    def close(self) -> None:
        self.kill()
        self._log.close()


def make_scene(  # what differs between the tests
    folder: Path,
    subscribers: int,
    postgres: PostgresServer,
    server: Server,
    *,
    connections: int = CONNECTIONS,
    more: str = "",
    engine: str = ENGINE,
) -> Scene:
    """Make a publication whose issue is ready; doubts are for a person."""
    databases = PostgresDatabases(postgres.folder)
    address = databases.create(NAME)
    databases.close()
    delivery = SMTP.format(port=server.port, connections=connections, promised=PROMISED)
    settings = make_audience(folder, subscribers, 3_000, delivery + more, address)
    file = folder / SETTINGS_FILE
    text = file.read_text("utf-8")
    held = '"name" = "weekly", "in_doubt" = "hold"'
    text = text.replace('"name" = "weekly"', held)
    file.write_text(text.replace('"timezone"', f'"engine" = "{engine}", "timezone"'), "utf-8")
    return Scene(settings, subscribers)


def start_machines(
    scene: Scene,
    folder: Path,
    server: Server,
    places: Sequence[Place],
    stack: ExitStack,
    changes: Sequence[str] = (*SHORT, *CYCLE),
) -> list[Machine]:
    """Start a service on each machine; `public` is on a disk that they share."""
    (folder / "public").mkdir()
    started = []
    for number, place in enumerate(places):
        own = folder / f"machine-{number}"
        shutil.copytree(scene.folder, own, ignore=shutil.ignore_patterns("var", "public"))
        (own / "public").symlink_to(folder / "public")
        file, (host, port) = own / SETTINGS_FILE, place.mail
        text, known = file.read_text("utf-8"), f'host = "127.0.0.1"\nport = {server.port}\n'
        assert known in text
        file.write_text(text.replace(known, f'host = "{host}"\nport = {port}\n'), "utf-8")
        started.append(Machine(own, f"host-{number}", place, changes))
        stack.callback(started[-1].close)
    return started


def progress(server: Server, count: int, scene: Scene) -> None:
    """Wait until so many more mails were accepted, or all is over."""
    goal = server.count() + count
    wait_for(f"{goal} mails", lambda: server.count() >= goal or is_over(scene))


def is_over(scene: Scene) -> bool:
    """Return whether no row is open."""
    counts = scene.counts()
    return sum(counts.values()) == scene.recipients and not any(counts[one] for one in OPEN)


def end(scene: Scene, hosts: Sequence[Machine]) -> None:
    """Let the issue end, and then the services."""
    # Until the issue has ended, a late answer may move a row that was in doubt back.
    wait_for("the end", lambda: is_over(scene) and not _is_sending(scene))
    stop(hosts)


def _is_sending(scene: Scene) -> bool:
    with scene.reading() as connection:
        found = connection.exec_driver_sql(
            "SELECT 1 FROM issue WHERE state = 'sending'"
        ).first()
    return found is not None


def stop(hosts: Sequence[Machine]) -> None:
    """End the services properly."""
    for host in hosts:
        host.process.send_signal(signal.SIGTERM)
    for host in hosts:
        host.process.wait(120)
