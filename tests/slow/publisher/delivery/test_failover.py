"""The server fails over to a replica that lacks the last commits: nothing is sent twice.

Each machine is in a network namespace, where these are allowed (`networks`).
"""

import json
import subprocess
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from publisher.config import load_settings
from publisher.testing import SECRET
from tests.processes import publisher
from tests.sizes import only_at_night
from tests.slow.publisher.delivery.crashes.scene import (
    Scene,
    nobody_got_two,
    say,
    serving,
    wait_for,
)
from tests.slow.publisher.delivery.hosts import (
    CONNECTIONS,
    NAME,
    PORT,
    PROMISED,
    SHORT,
    SOCKET,
    Link,
    Place,
    clustered,
    end,
    listening,
    make_networks,
    make_scene,
    networks_or_skip,
    progress,
    start_machines,
    stop,
)
from tools.servers import PostgresDatabases, PostgresServer
from tools.servers.postgres_server import process_options

SUBSCRIBERS = 800
MACHINES = 2
PRIMARY = "wal_level = replica\nmax_wal_senders = 4\nwal_keep_size = 256MB\n"


class Replica(PostgresServer):
    """A server that follows another one."""

    def __init__(self, port: int) -> None:
        super().__init__(PRIMARY)
        self._port = port

    def _make_files(self, options: dict[str, Any]) -> None:
        source = f"host=127.0.0.1 port={self._port} user=publisher"
        copy = ["pg_basebackup", "-D", "data", "-d", source, "-R", "-X", "stream", "-c", "fast"]
        self._run(copy, options)
        with (self.folder / "data" / "postgresql.conf").open("a") as settings:
            settings.write(self._settings.format(folder=self.folder))

    def promote(self) -> None:
        """Lead from now on, with what has arrived."""
        words = ["pg_ctl", "promote", "--wait", "--silent", "--pgdata=data"]
        self._run(words, process_options(self.folder))

    @property
    def address(self) -> str:
        return PostgresDatabases(self.folder).url(NAME)

    def seen_by(self, scene: Scene) -> Scene:
        """Return the scene with this server's database."""
        own = {"PUBLISHER_SECRET": SECRET, "PUBLISHER_DATABASE": self.address}
        return Scene(load_settings(scene.folder, own), scene.recipients)

    def _run(self, words: list[str], options: dict[str, Any]) -> None:
        command = [str(self._programs / words[0]), *words[1:]]
        subprocess.run(command, check=True, capture_output=True, **options)


@only_at_night
def test_what_a_replica_has_not_heard_of_is_not_sent_again(tmp_path: Path) -> None:
    with clustered(tmp_path, SUBSCRIBERS, postgres=PostgresServer(PRIMARY)) as cluster:
        primary, server, scene = cluster.postgres, cluster.server, cluster.scene
        stack, link = cluster.stack, cluster.link
        replication = link(primary.folder / SOCKET)
        replica = stack.enter_context(Replica(replication.port))
        networks = make_networks(range(10, 10 + MACHINES), stack)
        ends: list[tuple[str, tuple[str, ...]]] = [("127.0.0.1", ())] * MACHINES
        if isinstance(networks, str):
            say(networks)
        else:
            ends = [(one.here, one.prefix) for one in networks]
        databases = [link(primary.folder / SOCKET, here) for here, _prefix in ends]
        places = [
            Place(
                (here, database.port),
                (here, link(("127.0.0.1", server.port), here).port),
                prefix,
            )
            for (here, prefix), database in zip(ends, databases, strict=True)
        ]
        hosts = start_machines(scene, tmp_path, server, places, stack)
        progress(server, SUBSCRIBERS // 8, scene)
        with replication.cut():
            progress(server, SUBSCRIBERS // 8, scene)
            for database in databases:
                database.place = replica.folder / SOCKET
            primary.close()
            replica.promote()
        scene = replica.seen_by(scene)
        wait_for("the quarantine", lambda: _is_quarantined(scene))
        lost = server.count() - scene.counts()["sent"]
        stop(hosts)
        before = server.count()
        # Here, by the server's own address: commands are not in the machines' networks.
        here = {"PUBLISHER_DATABASE": replica.address}
        own = {host.folder: host.environment | here for host in hosts}
        for folder, environment in own.items():
            assert publisher("run", "--once", folder, environment=environment).code == 4
        assert server.count() == before
        one, other = own
        # Whoever sent last: the one or the other.
        for emptied, keeper in ((one, other), (other, one)):
            expect_doubts_without(emptied, keeper, own[keeper], scene, before)
        recover_completely(one, other, own[one])
        for host in hosts:
            host.start()
        end(scene, hosts)
        doubtful = nobody_got_two(scene, server.recipients())
    say(f"{lost} of {before} mails were unknown to the replica; {doubtful} in doubt at the end")
    assert lost > 0
    assert doubtful <= CONNECTIONS * PROMISED * MACHINES


def recover_completely(folder: Path, other: Path, environment: dict[str, str]) -> None:
    """Release the database, with what another machine's folder knows: nothing is missing."""
    words = ("recover", "--release", "--journal", other / "var", folder)
    recovered = publisher(*words, environment=environment)
    assert recovered.code == 0, recovered.err
    assert "Witness and journal have everything" in recovered.out


def expect_doubts_without(
    lost: Path, keeper: Path, environment: dict[str, str], scene: Scene, accepted: int
) -> None:
    """Without what one machine has written, everything that waited may have been sent."""
    found = _preview_without(lost, keeper, environment)
    assert not found["complete"]
    (issue,) = found["issues"]
    assert issue["not_sent"] == 0
    assert issue["sent"] <= accepted
    assert issue["sent"] + issue["in_doubt"] == scene.recipients


def _preview_without(lost: Path, keeper: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Return what a recovery would do if one machine had lost all that is in its `var`."""
    var, kept = lost / "var", lost / "kept"
    var.rename(kept)
    var.mkdir()
    try:
        words = ("recover", "--json", "--journal", var, keeper)
        previewed = publisher(*words, environment=environment)
    finally:
        var.rmdir()
        kept.rename(var)
    assert previewed.code == 0, previewed.err
    found: dict[str, Any] = json.loads(previewed.out)
    return found


def _is_quarantined(scene: Scene) -> bool:
    with scene.reading() as connection:
        found = connection.exec_driver_sql("SELECT quarantined_at FROM lineage").scalar_one()
    return found is not None


# --- one machine is stopped while another sends, dies, and its server loses what it has written


MORE_SUBSCRIBERS = 1_500
# Rare, so that the run that goes on is the first that could notice.
RARELY = ("publisher.jobs.turns:SECONDS_BETWEEN_CYCLES=15",)


def test_a_run_that_was_stopped_sends_nothing_of_what_its_new_server_has_not_heard(
    tmp_path: Path,
) -> None:
    with clustered(tmp_path, MORE_SUBSCRIBERS, postgres=PostgresServer(PRIMARY)) as cluster:
        primary, server, scene = cluster.postgres, cluster.server, cluster.scene
        replication, database = (cluster.link(primary.folder / SOCKET) for _ in range(2))
        replica = cluster.stack.enter_context(Replica(replication.port))
        place = replace(cluster.place, database=("127.0.0.1", database.port))
        hosts = start_machines(
            scene, tmp_path, server, [place] * 2, cluster.stack, (*SHORT, *RARELY)
        )
        dying, stopped = hosts
        wait_for("both send", lambda: all(map(_sends, [one.folder for one in hosts])))
        with stopped.frozen(), replication.cut():
            progress(server, MORE_SUBSCRIBERS // 10, scene)
            dying.kill()
            database.place = replica.folder / SOCKET
            primary.close()
            replica.promote()
        wait_for("the quarantine", lambda: stopped.has_said("the database may be old", 0))
        stop([stopped])
        scene = replica.seen_by(scene)
        before, known = server.count(), scene.counts()["sent"]
        assert set(server.recipients().values()) == {1}
        here = stopped.environment | {"PUBLISHER_DATABASE": replica.address}
        assert publisher("run", "--once", stopped.folder, environment=here).code == 4
        assert server.count() == before
        # Whoever is left has no gap: only the empty folder says that another one has sent since.
        kept = (stopped.folder, stopped.environment)
        expect_doubts_without(dying.folder, *kept, scene, before)
        recover_completely(stopped.folder, dying.folder, stopped.environment)
        stopped.start()
        end(scene, [stopped])
        doubtful = nobody_got_two(scene, server.recipients())
    say(
        f"{before - known} of {before} mails were unknown to the replica; {doubtful} in doubt at the end"
    )
    assert before > known
    assert doubtful <= CONNECTIONS * PROMISED * len(hosts)


def _sends(folder: Path) -> bool:
    return any((folder / "var" / "journal").glob("*.log"))


# --- without a failover, machines are cut off, stopped and killed; this needs root and the program `ip`


def test_a_machine_that_is_cut_off_stopped_or_killed_holds_up_no_other(tmp_path: Path) -> None:
    with ExitStack() as stack:
        networks = networks_or_skip(range(2), stack)
        postgres = stack.enter_context(listening(networks))
        server = stack.enter_context(serving(tmp_path / "log", "--slow", 0.03))
        scene = make_scene(tmp_path / "lantern", SUBSCRIBERS, postgres, server)
        places = []
        for network in networks:
            link = Link(("127.0.0.1", server.port), network.here)
            stack.callback(link.close)
            mail = (network.here, link.port)
            places.append(Place((network.here, PORT), mail, network.prefix))
        hosts = start_machines(scene, tmp_path, server, places, stack)
        progress(server, SUBSCRIBERS // 10, scene)

        def goes_on(event: str) -> None:
            progress(server, SUBSCRIBERS // 10, scene)
            say(event, server.count())

        with networks[0].cut():
            goes_on("one was cut off")
        with networks[1].cut():
            goes_on("the other was cut off")
        with hosts[0].frozen():
            goes_on("one was stopped")
        hosts[1].kill()
        goes_on("the other was killed")
        hosts[1].start()
        end(scene, hosts)
        doubtful = nobody_got_two(scene, server.recipients())
    say(f"{doubtful} of {SUBSCRIBERS} in doubt")
    assert doubtful <= CONNECTIONS * PROMISED * 4
