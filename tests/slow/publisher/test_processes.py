"""The program as a process: killed, doubled, stopped. Real processes, real signals."""

import json
import random
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.databases import environment_of
from tests.processes import COMMAND, ENVIRONMENT, publisher, start, tree
from tests.publisher.lanterns import FRIDAY, lay_out
from tests.sizes import PATIENCE, by_lane

KILLS = by_lane(4, 6)


def make(folder: Path) -> Path:
    """Lay out the demo's publication in a single language: every step is taken all the same."""
    lay_out(folder, "en")
    assert publisher("subscribers", "import", folder / "subscribers.csv", folder).code == 0
    return folder


def wait_for(what: str, found: Callable[[], bool], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


def test_killed_at_any_moment_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    """What is on disk after kills and one whole run equals what a whole run makes."""
    calm, hunted = make(tmp_path / "calm"), make(tmp_path / "hunted")
    begun = _files(calm)
    assert publisher("run", "--once", "--now", FRIDAY, calm).code == 0
    to_make = _files(calm) - begun
    moments = random.Random(20260109)
    killed = 0
    for number in range(KILLS):
        process = start("run", "--once", "--now", FRIDAY, hunted)
        # Spread over the whole of a run, so that every step is hit: by what is there already,
        # since a step takes as long as the machine lets it.
        there = begun + 1 + to_make * number // KILLS
        wait_for("files", partial(_has_come_to, process, hunted, there))
        time.sleep(0.1 * moments.random())
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
    assert killed >= KILLS - 1
    assert publisher("run", "--once", "--now", FRIDAY, hunted).code == 0
    assert tree(hunted / "public") == tree(calm / "public")
    assert tree(hunted / "outbox") == tree(calm / "outbox")
    assert sum(name.endswith(".eml") for name in tree(calm / "outbox")) == 5


def _has_come_to(process: subprocess.Popen[str], folder: Path, files: int) -> bool:
    return process.poll() is not None or _files(folder) >= files


def _files(folder: Path) -> int:
    return sum(1 for _ in folder.rglob("*.*"))


def test_the_service_works_is_alone_and_stops_when_asked(tmp_path: Path) -> None:
    folder = make(tmp_path / "lantern")
    service = start("run", folder)
    try:
        wait_for("a cycle", (folder / "var" / "heartbeat").is_file)
        assert (folder / "public" / "feeds" / "en.atom.xml").is_file()
        second = publisher("run", "--once", folder)
        assert second.code == 1
        assert re.fullmatch(
            rf"publisher: .*: process {service.pid} is running this publication already\n",
            second.err,
        )
        # Looking is always allowed.
        assert publisher("status", folder).code == 0
        out = tmp_path / "digest.html"
        preview = publisher(
            "preview", "weekly", folder, "--out", out, "--now", "2026-01-12T00:00:00Z"
        )
        assert preview.code in {0, 1}
        # A reader of our output may leave early.
        command = shlex.join([*COMMAND, "articles", "--json", str(folder)])
        done = subprocess.run(
            ["sh", "-c", f"{command} | head -c 10"],
            env=ENVIRONMENT | environment_of(folder),
            capture_output=True,
            timeout=PATIENCE,
            check=True,
        )
        assert (done.stdout, done.stderr) == (b'{\n  "artic', b"")
    finally:
        service.send_signal(signal.SIGTERM)
        _out, err = service.communicate(timeout=120)
    assert service.returncode == 0
    events = [json.loads(line)["event"] for line in err.splitlines()]
    # On a server, after who leads, and how the server of this run is set.
    assert "service started" in events[:3]
    assert events[-1] == "service stopped"
    assert "Traceback" not in err
