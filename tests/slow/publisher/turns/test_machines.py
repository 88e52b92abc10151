"""Two `publisher run` with an engine that they share: one issue, a stop, and one that goes on alone."""

import signal
import time
from pathlib import Path

from publisher.config import SETTINGS_FILE
from tests.sizes import only_at_night
from tests.slow.publisher.delivery.crashes.scene import nobody_got_two, say
from tests.slow.publisher.delivery.hosts import clustered, end, progress

SUBSCRIBERS = 800
# Seconds in which a service that is told to stop has ended. It takes some seven.
STOP_SECONDS = 35


@only_at_night
def test_a_stop_leaves_nothing_in_doubt_and_one_machine_goes_on_without_the_engine(
    tmp_path: Path,
) -> None:
    with clustered(tmp_path, SUBSCRIBERS, engine="procrastinate") as cluster:
        server, scene = cluster.server, cluster.scene
        hosts = cluster.start(2)
        progress(server, SUBSCRIBERS // 3, scene)
        stopped_at = time.monotonic()
        for host in hosts:
            host.process.send_signal(signal.SIGTERM)
        assert [host.process.wait(120) for host in hosts] == [0, 0]
        seconds = time.monotonic() - stopped_at
        say(f"SIGTERM to exit: {seconds:.1f} s")
        assert seconds <= STOP_SECONDS
        assert scene.counts().keys() <= {"sent", "pending"}
        logs = [(host.folder / "log").read_text("utf-8") for host in hosts]
        assert all("service started with a task engine" in log for log in logs)
        alone = hosts[0]
        file = alone.folder / SETTINGS_FILE
        text = file.read_text("utf-8").replace('"procrastinate"', '"local"')
        file.write_text(text, "utf-8")
        alone.start()
        end(scene, [alone])
        assert nobody_got_two(scene, server.recipients()) == 0
