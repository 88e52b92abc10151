"""Two machines with a network of their own: one is cut off, stopped, killed, and the other goes on.

Each is a network namespace, which needs root and the program `ip`. `test_many_machines` plays the
same with more machines and events where these are missing.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from tests.slow.publisher.delivery.crashes.scene import nobody_got_two, say, serving
from tests.slow.publisher.delivery.hosts import (
    CONNECTIONS,
    PROMISED,
    Machine,
    Place,
    end,
    make_scene,
    progress,
    start_machines,
)
from tests.slow.publisher.delivery.links import Link
from tests.slow.publisher.delivery.networks import PORT, listening, networks_or_skip

SUBSCRIBERS = 800


def test_a_machine_that_is_cut_off_stopped_or_killed_holds_up_no_other(
    tmp_path: Path,
) -> None:
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
        _kill_and_wait(hosts[1])
        goes_on("the other was killed")
        hosts[1].start()
        end(scene, hosts)
        doubtful = nobody_got_two(scene, server.recipients())
    say(f"{doubtful} of {SUBSCRIBERS} in doubt")
    assert doubtful <= CONNECTIONS * PROMISED * 4


def _kill_and_wait(host: Machine) -> None:
    host.kill()
    assert host.process.returncode != 0
