"""The mail server dies in the middle and comes back: no mail is sent twice, the rest is sent."""

from __future__ import annotations

from pathlib import Path

from publisher.testing import Behaviour, MailServer
from tests.slow.publisher.delivery.crashes.scene import (
    CONNECTIONS,
    RECIPIENTS,
    nobody_got_two,
    reach,
    say,
    serving,
    smtp_scene,
)
from tests.slow.publisher.delivery.crashes.servers import PATIENCE

RESTARTS = 3


def test_a_server_that_is_killed_and_started_again_gets_the_rest(tmp_path: Path) -> None:
    with serving(tmp_path / "log", "--slow", 0.02) as server:
        scene = smtp_scene(tmp_path / "lantern", server.port)
        with scene.sender() as sender:
            reach(server, sender, RECIPIENTS // 3)
            server.kill()
            server.start()
            end = sender.ended()

        # Starting a process may take longer than a run waits for a server.
        assert end.code in {0, 1}
        last = scene.deliver()
        assert last.code == 0, last.err
        doubtful = nobody_got_two(scene, server.recipients())
        say("in doubt", doubtful)
    # One message of each connection may have had its final dot, and no answer.
    assert doubtful <= CONNECTIONS


def test_a_server_that_is_back_at_once_is_found_again_by_the_same_turn(tmp_path: Path) -> None:
    with MailServer(Behaviour(slow=0.02)) as server:
        scene = smtp_scene(tmp_path / "lantern", server.port)
        with scene.sender() as sender:
            for number in range(RESTARTS):
                server.wait_for(RECIPIENTS * (number + 1) // (RESTARTS + 1), PATIENCE)
                server.stop()
                server.start()
            end = sender.ended()

        assert end.code == 0, end.err
        doubtful = nobody_got_two(scene, server.recipients())
        say("in doubt", doubtful)
    assert doubtful <= CONNECTIONS * RESTARTS


def test_a_server_that_stays_away_ends_the_turn_and_gets_the_rest_later(tmp_path: Path) -> None:
    with serving(tmp_path / "log", "--slow", 0.02) as server:
        scene = smtp_scene(tmp_path / "lantern", server.port)
        with scene.sender() as sender:
            reach(server, sender, RECIPIENTS // 4)
            server.kill()
            end = sender.ended()

        assert end.code == 1
        (complaint,) = end.complaints
        assert complaint == f"publisher: 127.0.0.1:{server.port}: no server listens there"
        assert scene.issue() == (
            "sending",
            f"waiting: 127.0.0.1:{server.port}: no server listens there",
        )
        assert not scene.under_way()
        server.start()
        last = scene.deliver()
        assert last.code == 0, last.err
        assert nobody_got_two(scene, server.recipients()) <= CONNECTIONS
