"""Killed with -9 at any moment, and started again: no mail is sent twice, none is missed."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.slow.publisher.delivery.crashes.scene import (
    CONNECTIONS,
    PROMISED,
    RECIPIENTS,
    Scene,
    SteppedRun,
    nobody_got_two,
    outbox_scene,
    say,
    serving,
    smtp_scene,
)
from tests.slow.publisher.delivery.crashes.servers import wait_for

KILLS = int(os.environ.get("CRASH_KILLS", "4"))
SLOW = ("--slow", 0.02)
# Every so many kills hit a start, before anything is sent.
STARTS = 3


def hunt(scene: Scene, progress: Callable[[], int], seed: int) -> list[int]:
    """Kill runs at random moments. Returns how many messages each has left under way."""
    chance = random.Random(seed)
    left: list[int] = []
    known: set[tuple[int, int]] = set()
    starting = 1.0
    for number in range(KILLS):
        with scene.sender() as sender:
            begun, before = time.monotonic(), progress()
            if number % STARTS == 0:
                time.sleep(starting * chance.random())
            else:
                more = chance.randrange(RECIPIENTS // (2 * KILLS))
                _wait_for_more(sender, progress, before)
                starting = time.monotonic() - begun
                _wait_for_more(sender, progress, before + more)
                time.sleep(0.03 * chance.random())
            end = sender.kill()
            assert end.code < 0, (end, left, scene.counts())
        under_way = scene.under_way()
        left.append(len(under_way - known))
        known |= under_way
    return left


def _wait_for_more(sender: SteppedRun, progress: Callable[[], int], count: int) -> None:
    wait_for("mail to go out", lambda: progress() > count or not sender.is_alive)


def test_each_recipient_gets_exactly_one_mail(tmp_path: Path) -> None:
    with serving(tmp_path / "log", *SLOW) as server:
        scene = smtp_scene(tmp_path / "lantern", server.port)

        left = hunt(scene, server.count, seed=1)
        last = scene.deliver()

        assert last.code == 0, last.err
        doubtful = nobody_got_two(scene, server.recipients())
    say("left by each kill", left)
    # The kills did hit: messages were under way.
    assert 0 < doubtful == sum(left)
    assert max(left) <= CONNECTIONS * PROMISED


def test_who_asks_for_it_gets_what_is_in_doubt_again_the_same_to_the_byte(
    tmp_path: Path,
) -> None:
    with serving(tmp_path / "log", *SLOW) as server:
        scene = smtp_scene(tmp_path / "lantern", server.port, in_doubt="resend")

        left = hunt(scene, server.count, seed=2)
        last = scene.deliver()

        assert last.code == 0, last.err
        accepted = server.accepted()
    assert scene.counts() == {"sent": RECIPIENTS}
    got = Counter(one.recipient for one in accepted)
    assert set(got) == set(scene.states())
    repeats = len(accepted) - len(got)
    say("repeats", repeats, "of", left)
    assert 0 < repeats <= sum(left)
    versions = defaultdict(set)
    for one in accepted:
        versions[one.recipient].add((one.message_id, one.sha256))
    assert all(len(of_one) == 1 for of_one in versions.values())
    assert len({next(iter(of_one)) for of_one in versions.values()}) == RECIPIENTS


class Consumer:
    """Takes files away from an outbox, as whoever sends them on does."""

    def __init__(self, outbox: Path, taken: Path) -> None:
        self._outbox = outbox
        self._taken = taken
        self.names: list[str] = []
        taken.mkdir()

    def count(self) -> int:
        return len(self.names)

    def take(self) -> None:
        """Take what is there; what is taken is whole, or somebody would see half a mail."""
        for file in self._outbox.glob("weekly/**/*.eml"):
            file.rename(self._taken / f"{len(self.names)}.eml")
            self.names.append(file.name)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        over = threading.Event()

        def work() -> None:
            while not over.wait(0.002):
                self.take()

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(timeout=10)
        self.take()


def test_an_outbox_gets_each_message_once_whoever_takes_them_away(tmp_path: Path) -> None:
    # An outbox takes them faster than a server, and is promised more.
    recipients = 5 * RECIPIENTS
    scene = outbox_scene(tmp_path / "lantern", recipients=recipients)
    taken = tmp_path / "taken"
    consumer = Consumer(scene.settings.folders.outbox, taken)

    with consumer.at_work():
        left = hunt(scene, consumer.count, seed=3)
        last = scene.deliver()

    assert last.code == 0, last.err
    assert sum(left) > 0
    assert scene.counts() == {"sent": recipients}
    assert len(consumer.names) == len(set(consumer.names)) == recipients
    ends = [file.read_bytes()[-40:] for file in taken.iterdir()]
    assert all(end.rstrip().endswith(b"--") for end in ends)
    # Nothing is left behind.
    rest = [file for file in scene.settings.folders.outbox.rglob("*") if file.is_file()]
    assert rest == []
