"""Several machines with one database: a publication, and a service on each of them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from publisher.config import SETTINGS_FILE
from publisher.testing import SECRET
from tests.processes import ENVIRONMENT, ROOT
from tests.sizes import by_lane
from tests.slow.publisher.delivery.crashes.scene import (
    CHANGED,
    OPEN,
    SMTP,
    Scene,
    Server,
    serving,
    wait_for,
)
from tools.bench.audience import make_audience
from tools.servers import PostgresDatabases, PostgresServer
from tools.servers.postgres_server import find_server_programs

CONNECTIONS, PROMISED = 4, 4
# Seconds of every lease. As short as a busy machine allows, whose processes renew them once a second.
LEASE = float(os.environ.get("MACHINES_LEASE", by_lane(4, 6)))
# Seconds after which somebody else has followed whoever was stopped.
EXPIRED = LEASE + 1
# Longer than the lease; `make machines` cuts for a minute, in which connections are given up.
CUT_SECONDS = float(os.environ.get("MACHINES_CUT_SECONDS", EXPIRED))
# What starts turns: each machine for itself, or a queue that they share.
ENGINE = os.environ.get("MACHINES_ENGINE", "local")
NAME = "many"
SOCKET = ".s.PGSQL.5432"
SHORT = (
    f"publisher.delivery.ledger.leases:LEASE_SECONDS={LEASE}",
    f"publisher.leader.store:LEADER_SECONDS={LEASE}",
    f"publisher.leader.holder:LEADER_SECONDS={LEASE}",
    "publisher.leader.holder:_RENEWAL_SECONDS=1",
    # Who is stopped while it holds the writers' lock, or waits for it, must not hold up all for longer.
    "publisher.database.dialect.server_session:WRITER_IDLE_SECONDS=3",
    "publisher.app.operation.run:SECONDS_BETWEEN_NOTICES=60",
    "publisher.delivery.retry_policy:IMMEDIATE_RETRIES=1000",
)
# A service starts its jobs so often; the default would leave a machine idle for most of the test.
CYCLE = ("publisher.jobs.turns:SECONDS_BETWEEN_CYCLES=2",)


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
        if host != "127.0.0.1":  # no example is mailed from there
            text = text.replace("news.example.org", "sea.internal").replace(
                "1 Example", "1 Sea"
            )
        file.write_text(text.replace(known, f'host = "{host}"\nport = {port}\n'), "utf-8")
        started.append(Machine(own, f"host-{number}", place, changes))
        stack.callback(started[-1].close)
    return started


@dataclass
class Cluster:
    """A database's server, a mail server, and a publication that machines share."""

    folder: Path
    stack: ExitStack
    postgres: PostgresServer
    server: Server
    scene: Scene
    place: Place

    def start(self, count: int = 1, changes: Sequence[str] = (*SHORT, *CYCLE)) -> list[Machine]:
        """Start so many machines, which get to their servers by one link."""
        places = [self.place] * count
        return start_machines(self.scene, self.folder, self.server, places, self.stack, changes)

    def link(self, place: Path | tuple[str, int], host: str = "127.0.0.1") -> Link:
        """Make a way to a server that can be cut."""
        made = Link(place, host)
        self.stack.callback(made.close)
        return made


@contextmanager
def clustered(
    folder: Path,
    subscribers: int,
    *,
    postgres: PostgresServer | None = None,
    slow: float = 0.03,
    **options: Any,
) -> Iterator[Cluster]:
    """Run both servers, the database's as it is or a given one; mail takes `slow` seconds each.

    The options are those of `make_scene`. Skips the test if PostgreSQL is not installed.
    """
    if find_server_programs() is None:
        pytest.skip("PostgreSQL is not installed")
    with ExitStack() as stack:
        database = stack.enter_context(postgres or PostgresServer())
        server = stack.enter_context(serving(folder / "log", "--slow", slow))
        scene = make_scene(folder / "lantern", subscribers, database, server, **options)
        link = Link(database.folder / SOCKET)
        stack.callback(link.close)
        place = Place(("127.0.0.1", link.port), ("127.0.0.1", server.port))
        yield Cluster(folder, stack, database, server, scene, place)


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


# --- ways to a server that can be cut: nothing gets through meanwhile, and nobody is told


# A Unix socket, or host and port.
End = Path | tuple[str, int]


class Link:
    """A port that leads to a server. What is on its way when it is cut arrives afterwards."""

    def __init__(self, place: End, host: str = "127.0.0.1") -> None:
        self.place = place
        self._is_whole = Event()
        self._is_whole.set()
        self._listener = socket.create_server((host, 0))
        self.port: int = self._listener.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Let nothing through in either direction; connections stay open."""
        self._is_whole.clear()
        try:
            yield
        finally:
            self._is_whole.set()

    def close(self) -> None:
        """Accept no more connections."""
        self._is_whole.set()
        # Closing alone would not wake the thread.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        self._is_whole.wait()
        with ExitStack() as stack, suppress(OSError):
            stack.enter_context(client)
            server = stack.enter_context(_connected(self.place))
            answers = Thread(target=self._pass_on, args=(server, client), daemon=True)
            answers.start()
            self._pass_on(client, server)
            answers.join()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self._is_whole.wait()
                sink.sendall(data)
        self._is_whole.wait()
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def _connected(place: End) -> socket.socket:
    if isinstance(place, tuple):
        return socket.create_connection(place)
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(str(place))
    except OSError:
        server.close()
        raise
    return server


# --- network namespaces, each with one cable to here that can be unplugged. They need root and `ip`


# Of addresses for private networks (RFC 1918): the host's end and the machine's end.
HERE, THERE = "10.213.{number}.1", "10.213.{number}.2"
PORT = 5432


class Network:
    """A namespace with one cable to here."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.name = f"publisher-{os.getpid()}-{number}"
        self.here, there = HERE.format(number=number), THERE.format(number=number)
        self._end, other = f"pub{os.getpid()}-{number}", f"far{os.getpid()}-{number}"
        self.prefix = ("ip", "netns", "exec", self.name)
        _ip("netns", "add", self.name)
        try:
            _ip("link", "add", self._end, "type", "veth", "peer", other, "netns", self.name)
            _ip("address", "add", f"{self.here}/30", "dev", self._end)
            _ip("link", "set", self._end, "up")
            _ip("-n", self.name, "address", "add", f"{there}/30", "dev", other)
            for device in ("lo", other):
                _ip("-n", self.name, "link", "set", device, "up")
        except BaseException:
            self.close()
            raise

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Unplug the cable: packets are lost, and no connection learns of it."""
        _ip("link", "set", self._end, "down")
        try:
            yield
        finally:
            _ip("link", "set", self._end, "up")

    def close(self) -> None:
        """Remove both; the cable goes with the namespace."""
        _ip("netns", "delete", self.name)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def make_networks(numbers: Iterable[int], stack: ExitStack) -> list[Network] | str:
    """Return one for each number until the stack is closed, or why there can be none.

    Tests that run at the same time have other numbers.
    """
    if os.getuid() != 0 or shutil.which("ip") is None:
        return "network namespaces need root and `ip`"
    made = []
    try:
        for number in numbers:
            made.append(Network(number))
            stack.callback(made[-1].close)
    except subprocess.CalledProcessError as error:
        return f"network namespaces are not allowed here: {error.stderr.decode()}"
    return made


def networks_or_skip(numbers: Iterable[int], stack: ExitStack) -> list[Network]:
    """Return one for each number, to reach a server of PostgreSQL, or skip the test."""
    if find_server_programs() is None:
        pytest.skip("PostgreSQL is not installed")
    made = make_networks(numbers, stack)
    if isinstance(made, str):
        pytest.skip(made)
    return made


def listening(networks: Sequence[Network]) -> PostgresServer:
    """Make a server that these networks can reach, at PORT."""
    hosts = ",".join(one.here for one in networks)
    postgres = PostgresServer(
        f"listen_addresses = '{hosts}'\nport = {PORT}\nhba_file = '{{folder}}/hba'\n"
    )
    (postgres.folder / "hba").write_text(
        "local all all trust\nhost all all 10.213.0.0/16 trust\n"
    )
    (postgres.folder / "hba").chmod(0o644)
    return postgres
