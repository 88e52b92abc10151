"""Several `publisher run`, each with a folder of its own, share one issue: nobody gets it twice.

They are killed, stopped and cut off, their clocks are wrong, and the database's server crashes. Together they
keep to one rate, as the mail server sees it. `make machines` sets larger numbers; with
`MACHINES_ENGINE=procrastinate` the machines share a task engine.
"""

import os
import random
import time
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path

from tests.sizes import by_lane
from tests.slow.publisher.delivery.crashes.scene import Scene, Server, nobody_got_two, say
from tests.slow.publisher.delivery.hosts import (
    CONNECTIONS,
    CUT_SECONDS,
    ENGINE,
    EXPIRED,
    PROMISED,
    SOCKET,
    Link,
    Machine,
    Place,
    clustered,
    end,
    progress,
    start_machines,
)
from tools.servers import PostgresServer

MACHINES = int(os.environ.get("MACHINES", by_lane(3, 4)))
SUBSCRIBERS = int(os.environ.get("MACHINES_SUBSCRIBERS", by_lane(800, 2000)))
KILLS = int(os.environ.get("MACHINES_KILLS", by_lane(1, 2)))
FREEZES = int(os.environ.get("MACHINES_FREEZES", "1"))
CRASHES = int(os.environ.get("MACHINES_CRASHES", "1"))
CUTS = int(os.environ.get("MACHINES_CUTS", "2"))
# A machine that reaches the mail server and not the database has answers that it can't record.
EVENTS = (
    ["kill"] * KILLS
    + ["freeze"] * FREEZES
    + ["crash"] * CRASHES
    + ["cut off"] * (CUTS - CUTS // 2)
    + ["cut off from the database"] * (CUTS // 2)
)
# Mails a second, of all machines: so few that the issue outlasts the stops and cuts, twice over.
RATE = max(1, round(SUBSCRIBERS / 2 / (FREEZES * EXPIRED + CUTS * CUT_SECONDS + 3 * KILLS + 1)))

# Seconds by which the machines' clocks are wrong.
CLOCKS = (-20.0, 20.0, 7.0, 0.0)


def largest_excess(instants: Sequence[float], per_second: float) -> float:
    """Return by how much the mails of any window of w seconds are more than `per_second` * w, at most."""
    least, excess = 0.0, 0.0
    for number, at in enumerate(instants):
        # Those of a window are the difference of two such numbers, and its last mail.
        number_above = number - per_second * (at - instants[0])
        least = min(least, number_above)
        excess = max(excess, number_above + 1 - least)
    return excess


def play(
    scene: Scene,
    hosts: list[Machine],
    server: Server,
    links: list[tuple[Link, Link]],
    crash: PostgresServer,
) -> None:
    """Kill, stop, cut off and crash, in a mixed order, each after some progress."""
    dice = random.Random(20261127)
    events = [*EVENTS]
    dice.shuffle(events)
    for event in events:
        progress(server, SUBSCRIBERS // (2 * len(events) + 2), scene)
        number = dice.randrange(MACHINES)
        host, (to_database, to_mail) = hosts[number], links[number]
        before = server.count()
        if event == "kill":
            host.kill()
            host.start()
        elif event == "freeze":
            with host.frozen():
                time.sleep(EXPIRED)
        elif event == "crash":
            crash.crash()
        else:
            with ExitStack() as stack:
                stack.enter_context(to_database.cut())
                if event == "cut off":
                    stack.enter_context(to_mail.cut())
                time.sleep(CUT_SECONDS)
        say(f"{event}: machine {number}, {before} mails before it, {server.count()} after it")


def test_machines_that_are_killed_stopped_and_cut_off_send_each_mail_once(
    tmp_path: Path,
) -> None:
    rate = f"[delivery.rate]\nper_second = {RATE}\n"
    with clustered(tmp_path, SUBSCRIBERS, more=rate) as cluster:
        scene, server, postgres = cluster.scene, cluster.server, cluster.postgres
        links = [
            (cluster.link(postgres.folder / SOCKET), cluster.link(("127.0.0.1", server.port)))
            for _ in range(MACHINES)
        ]
        places = [
            Place(("127.0.0.1", one.port), ("127.0.0.1", other.port), clock=clock)
            for (one, other), clock in zip(links, cycle(CLOCKS), strict=False)
        ]
        hosts = start_machines(scene, tmp_path, server, places, cluster.stack)
        play(scene, hosts, server, links, postgres)
        end(scene, hosts)
        doubtful = nobody_got_two(scene, server.recipients())
        excess = largest_excess(sorted(one.at for one in server.accepted()), RATE)
    say(f"{MACHINES} machines, engine {ENGINE}: {doubtful} of {SUBSCRIBERS} in doubt")
    assert doubtful <= CONNECTIONS * PROMISED * len(EVENTS)
    say(
        f"at most {excess:.1f} mails more than {RATE} a second in any window; the burst is {RATE}"
    )
    # Whatever delays them, these at most were counted before a window and arrive in it: what connections hold,
    # and the last mail of each that was given up, or whose process was killed.
    held = MACHINES * CONNECTIONS * (PROMISED + 1)
    assert excess <= RATE + held
