"""Several `publisher run`, each with a folder of its own, share one issue: nobody gets it twice.

They are killed and stopped, and so is the database's server. `make torture` sets larger numbers.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from publisher.config import SETTINGS_FILE
from publisher.testing import SECRET, PostgresDatabases, PostgresServer
from publisher.testing.postgres_server import find_server_programs
from tests.bench.audience import make_audience
from tests.processes import ENVIRONMENT, ROOT
from tests.slow.publisher.delivery.crashes.scene import (
    CHANGED,
    OPEN,
    SMTP,
    Scene,
    nobody_got_two,
    say,
    serving,
)
from tests.slow.publisher.delivery.crashes.servers import Server, wait_for

MACHINES = 3
SUBSCRIBERS = int(os.environ.get("MACHINES_SUBSCRIBERS", "2000"))
KILLS = int(os.environ.get("MACHINES_KILLS", "2"))
FREEZES = int(os.environ.get("MACHINES_FREEZES", "1"))
CRASHES = int(os.environ.get("MACHINES_CRASHES", "1"))
CONNECTIONS, PROMISED = 4, 4
LEASE = 6
SHORT = (
    f"publisher.delivery.ledger.leases:LEASE_SECONDS={LEASE}",
    f"publisher.leader.store:LEADER_SECONDS={LEASE}",
    f"publisher.leader.holder:LEADER_SECONDS={LEASE}",
    "publisher.leader.holder:_RENEWAL_SECONDS=1",
    "publisher.app.run:SECONDS_BETWEEN_NOTICES=60",
    "publisher.delivery.retry_policy:IMMEDIATE_RETRIES=1000",
)
# A service starts its jobs so often; the default would leave a machine idle for most of the test.
CYCLE = ("publisher.service:SECONDS_BETWEEN_CYCLES=2",)


class Machine:
    """A host with its own folder, whose service is started again whenever it ends."""

    def __init__(self, folder: Path, name: str, address: str) -> None:
        self._folder = folder
        own = {
            "PUBLISHER_DATABASE": address,
            "PUBLISHER_HOST": name,
            "PUBLISHER_SECRET": SECRET,
        }
        self._environment = ENVIRONMENT | own
        self._log = (folder / "log").open("ab")
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [*CHANGED, *SHORT, *CYCLE, "--", "run", str(self._folder)],
            cwd=ROOT,
            env=self._environment,
            stdout=self._log,
            stderr=self._log,
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

    def close(self) -> None:
        self.kill()
        self._log.close()


def machines(scene: Scene, folder: Path, address: str, stack: ExitStack) -> list[Machine]:
    """Start a service on each machine; `public` is on a disk that they share."""
    (folder / "public").mkdir()
    started = []
    for number in range(MACHINES):
        own = folder / f"machine-{number}"
        shutil.copytree(scene.folder, own, ignore=shutil.ignore_patterns("var", "public"))
        (own / "public").symlink_to(folder / "public")
        started.append(Machine(own, f"host-{number}", address))
        stack.callback(started[-1].close)
    return started


def progress(server: Server, count: int, scene: Scene) -> None:
    """Wait until so many more mails were accepted, or all is over."""
    goal = server.count() + count
    wait_for(f"{goal} mails", lambda: server.count() >= goal or is_over(scene))


def is_over(scene: Scene) -> bool:
    counts = scene.counts()
    return sum(counts.values()) == scene.recipients and not any(counts[one] for one in OPEN)


def play(scene: Scene, hosts: list[Machine], server: Server, postgres: PostgresServer) -> None:
    """Kill, stop and crash, in a mixed order, each after some progress."""
    events = ["kill"] * KILLS + ["freeze"] * FREEZES + ["crash"] * CRASHES
    dice = random.Random(20261127)
    dice.shuffle(events)
    for event in events:
        progress(server, SUBSCRIBERS // (2 * len(events) + 2), scene)
        host = dice.choice(hosts)
        say(event, server.count())
        if event == "kill":
            host.kill()
            host.start()
        elif event == "freeze":
            with host.frozen():
                time.sleep(LEASE + 2)
        else:
            postgres.crash()


def test_killed_stopped_and_crashed_machines_send_each_mail_once(tmp_path: Path) -> None:
    if find_server_programs() is None:
        pytest.skip("PostgreSQL is not installed")
    with ExitStack() as stack:
        postgres = stack.enter_context(PostgresServer())
        databases = PostgresDatabases(postgres.folder)
        address = databases.create("many")
        databases.close()
        server = stack.enter_context(serving(tmp_path / "log", "--slow", 0.03))
        delivery = SMTP.format(port=server.port, connections=CONNECTIONS, promised=PROMISED)
        settings = make_audience(tmp_path / "lantern", SUBSCRIBERS, 3_000, delivery, address)
        file = settings.folders.root / SETTINGS_FILE
        text = file.read_text("utf-8")
        file.write_text(
            text.replace('"name" = "weekly"', '"name" = "weekly", "in_doubt" = "hold"'), "utf-8"
        )
        scene = Scene(settings, SUBSCRIBERS)
        hosts = machines(scene, tmp_path, address, stack)
        play(scene, hosts, server, postgres)
        wait_for("the end", lambda: is_over(scene))
        for host in hosts:
            host.process.send_signal(signal.SIGTERM)
        for host in hosts:
            host.process.wait(60)
        doubtful = nobody_got_two(scene, server.recipients())
    say(f"{doubtful} of {SUBSCRIBERS} in doubt")
    assert doubtful <= CONNECTIONS * PROMISED * (KILLS + FREEZES + CRASHES)
