"""One machine is stopped while another sends, dies, and its server loses what it has written."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from publisher.config import load_settings
from publisher.testing import SECRET, PostgresDatabases, PostgresServer
from publisher.testing.postgres_server import find_server_programs
from tests.processes import publisher
from tests.slow.publisher.delivery.crashes.scene import Scene, nobody_got_two, say, serving
from tests.slow.publisher.delivery.crashes.servers import wait_for
from tests.slow.publisher.delivery.hosts import (
    CONNECTIONS,
    NAME,
    PROMISED,
    SHORT,
    Place,
    end,
    make_scene,
    progress,
    start_machines,
    stop,
)
from tests.slow.publisher.delivery.links import Link
from tests.slow.publisher.delivery.test_failover import (
    PRIMARY,
    SOCKET,
    Replica,
    expect_doubts_without,
)

SUBSCRIBERS = 1_500
# Rare, so that the run that goes on is the first that could notice.
CYCLE = ("publisher.turns:SECONDS_BETWEEN_CYCLES=15",)


def test_a_run_that_was_stopped_sends_nothing_of_what_its_new_server_has_not_heard(
    tmp_path: Path,
) -> None:
    if find_server_programs() is None:
        pytest.skip("PostgreSQL is not installed")
    with ExitStack() as stack:
        primary = stack.enter_context(PostgresServer(PRIMARY))
        replication, database = Link(primary.folder / SOCKET), Link(primary.folder / SOCKET)
        stack.callback(replication.close)
        stack.callback(database.close)
        replica = stack.enter_context(Replica(replication.port))
        server = stack.enter_context(serving(tmp_path / "log", "--slow", 0.03))
        scene = make_scene(tmp_path / "lantern", SUBSCRIBERS, primary, server)
        place = Place(("127.0.0.1", database.port), ("127.0.0.1", server.port))
        hosts = start_machines(scene, tmp_path, server, [place] * 2, stack, (*SHORT, *CYCLE))
        dying, stopped = hosts
        wait_for("both send", lambda: all(map(_sends, [one.folder for one in hosts])))
        with stopped.frozen(), replication.cut():
            progress(server, SUBSCRIBERS // 10, scene)
            dying.kill()
            database.place = replica.folder / SOCKET
            primary.close()
            replica.promote()
        wait_for("the quarantine", lambda: stopped.has_said("the database may be old", 0))
        stop([stopped])

        address = PostgresDatabases(replica.folder).url(NAME)
        own_settings = {"PUBLISHER_SECRET": SECRET, "PUBLISHER_DATABASE": address}
        scene = Scene(load_settings(scene.folder, own_settings), SUBSCRIBERS)
        before, known = server.count(), scene.counts()["sent"]
        assert set(server.recipients().values()) == {1}
        # Whoever is left has no gap: only the empty folder says that another one has sent since.
        kept = (stopped.folder, stopped.environment)
        expect_doubts_without(dying.folder, *kept, scene, before)
        words = ("recover", "--release", "--journal", dying.folder / "var", stopped.folder)
        recovered = publisher(*words, environment=stopped.environment)
        assert recovered.code == 0, recovered.err
        assert "Witness and journal have everything" in recovered.out
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
