"""Killed with -9 at any moment, and started again: no mail is sent twice, none is missed."""

import json
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tests.databases import is_locked
from tests.processes import publisher
from tests.sizes import by_lane
from tests.slow.publisher.delivery.crashes import scene as crash_scene

KILLS = int(os.environ.get("CRASH_KILLS", by_lane(3, 4)))
SLOW = ("--slow", 0.02)
# Every so many kills hit a start, before anything is sent.
STARTS = 3


def hunt(scene: crash_scene.Scene, progress: Callable[[], int], seed: int) -> list[int]:
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
                more = chance.randrange(crash_scene.RECIPIENTS // (2 * KILLS))
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


def _wait_for_more(
    sender: crash_scene.SteppedRun, progress: Callable[[], int], count: int
) -> None:
    crash_scene.wait_for("mail to go out", lambda: progress() > count or not sender.is_alive)


def test_each_recipient_gets_exactly_one_mail(tmp_path: Path) -> None:
    with crash_scene.serving(tmp_path / "log", *SLOW) as server:
        scene = crash_scene.smtp_scene(tmp_path / "lantern", server.port)
        left = hunt(scene, server.count, seed=1)
        last = scene.deliver()
        assert last.code == 0, last.err
        doubtful = crash_scene.nobody_got_two(scene, server.recipients())
    crash_scene.say("left by each kill", left)
    # The kills did hit: messages were under way.
    assert 0 < doubtful == sum(left)
    assert max(left) <= crash_scene.CONNECTIONS * crash_scene.PROMISED


# --- stopped for longer than its lease lasts, and let go on: the old holder is fenced off


# Of the process that stops. A message that a busy machine is too slow for is tried again at once.
SHORT = (
    "publisher.delivery.ledger.leases:LEASE_SECONDS=3",
    "publisher.delivery.retry_policy:IMMEDIATE_RETRIES=1000",
)


def wait_until_stopped(scene: crash_scene.Scene, sender: crash_scene.SteppedRun) -> None:
    """Wait until it has stopped outside a transaction: inside one, it would block all writers."""
    crash_scene.wait_for("a stop between transactions", lambda: _has_stopped(scene, sender))
    crash_scene.wait_for("the lease to end", lambda: _lease_is_over(scene))


def _has_stopped(scene: crash_scene.Scene, sender: crash_scene.SteppedRun) -> bool:
    assert sender.is_alive, sender.ended()
    state = Path(f"/proc/{sender.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
    if state == "T" and is_locked(scene.settings.folders.database):
        sender.process.send_signal(signal.SIGCONT)
        return False
    return state == "T"


def _lease_is_over(scene: crash_scene.Scene) -> bool:
    with scene.reading() as connection:
        until = connection.exec_driver_sql(
            "SELECT min(expires_at) FROM send_lease"
        ).scalar_one()
    return bool(until < time.time())


def only_finished(scene: crash_scene.Scene, late: list[crash_scene.Accepted]) -> None:
    """A connection may have been about to write the final dot, which its lease allowed."""
    states = scene.states()
    assert {states[one.recipient] for one in late} <= {"in_doubt", "sent"}
    assert len({one.connection for one in late}) == len(late) <= crash_scene.CONNECTIONS


def test_a_sender_stopped_past_its_lease_sends_nothing_more(tmp_path: Path) -> None:
    """Another process has sent the rest and finished the issue when the first one goes on."""
    with crash_scene.serving(tmp_path / "log", "--slow", 0.02) as server:
        scene = crash_scene.smtp_scene(tmp_path / "lantern", server.port)
        with scene.sender(*SHORT, f"--stop-after={crash_scene.RECIPIENTS // 4}") as old:
            wait_until_stopped(scene, old)
            new = scene.deliver()
            assert new.code == 0, new.err
            before = server.count()
            old.process.send_signal(signal.SIGCONT)
            end = old.ended()
        assert end.code == 1
        assert end.complaints == [
            "publisher: another process has taken over; this one was stopped for too long"
        ]
        only_finished(scene, server.accepted()[before:])
        last = scene.deliver()
        assert last.code == 0, last.err
        doubtful = crash_scene.nobody_got_two(scene, server.recipients())
        crash_scene.say("in doubt", doubtful)
    assert doubtful <= crash_scene.CONNECTIONS * crash_scene.PROMISED
    _what_status_says_is_true(scene)


def test_a_stopped_sender_does_not_repeat_files_of_another_in_the_outbox(
    tmp_path: Path,
) -> None:
    """Nor is a message lost that the first one had placed or staged."""
    recipients = by_lane(3, 5) * crash_scene.RECIPIENTS
    scene = crash_scene.outbox_scene(tmp_path / "lantern", recipients=recipients)

    def placed() -> int:
        return sum(1 for _ in scene.settings.folders.outbox.glob("weekly/**/*.eml"))

    with scene.sender(*SHORT, f"--stop-after={recipients // 2}") as old:
        wait_until_stopped(scene, old)
        assert 0 < placed() < recipients
        new = scene.deliver()
        assert new.code == 0, new.err
        old.process.send_signal(signal.SIGCONT)
        end = old.ended()
    assert end.code == 1
    assert "another process has taken over" in end.complaints[0]
    assert scene.deliver().code == 0
    assert scene.counts() == {"sent": recipients}
    files = [file for file in scene.settings.folders.outbox.rglob("*") if file.is_file()]
    assert len(files) == len({file.name for file in files}) == placed() == recipients


def _what_status_says_is_true(scene: crash_scene.Scene) -> None:
    """The counts of an issue that is over were kept when it ended; answers may come after that."""
    shown = json.loads(publisher("status", "--json", scene.folder).out)["issues"][0]
    counts = scene.counts()
    deliveries = shown["deliveries"]
    assert deliveries["planned"] == scene.recipients
    assert deliveries["sent"] == counts["sent"]
    assert deliveries["in_doubt"] == counts["in_doubt"]
    assert deliveries["waiting"] == 0
    assert shown["state"] == ("partial" if counts["in_doubt"] else "sent")
