"""Stopped for longer than its lease lasts, and let go on: the old holder is fenced off."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

from tests.databases import is_locked
from tests.processes import publisher
from tests.slow.publisher.delivery.crashes.scene import (
    CONNECTIONS,
    PROMISED,
    RECIPIENTS,
    Scene,
    SteppedRun,
    nobody_got_two,
    outbox_scene,
    reach,
    say,
    serving,
    smtp_scene,
)
from tests.slow.publisher.delivery.crashes.servers import Accepted, wait_for

# Of the process that stops. A message that a busy machine is too slow for is tried again at once.
SHORT = (
    "publisher.delivery.ledger.leases:LEASE_SECONDS=3",
    "publisher.delivery.retry_policy:IMMEDIATE_RETRIES=1000",
)


def wait_until_stopped(scene: Scene, sender: SteppedRun) -> None:
    """Wait until it has stopped outside a transaction: inside one, it would block all writers."""
    wait_for("a stop between transactions", lambda: _has_stopped(scene, sender))
    wait_for("the lease to end", lambda: _lease_is_over(scene))


def _has_stopped(scene: Scene, sender: SteppedRun) -> bool:
    assert sender.is_alive, sender.ended()
    state = Path(f"/proc/{sender.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
    if state == "T" and is_locked(scene.settings.folders.database):
        sender.process.send_signal(signal.SIGCONT)
        return False
    return state == "T"


def _lease_is_over(scene: Scene) -> bool:
    with scene.reading() as connection:
        until = connection.exec_driver_sql(
            "SELECT min(expires_at) FROM send_lease"
        ).scalar_one()
    return bool(until < time.time())


def only_finished(scene: Scene, late: list[Accepted]) -> None:
    """A connection may have been about to write the final dot, which its lease allowed."""
    states = scene.states()
    assert {states[one.recipient] for one in late} <= {"in_doubt", "sent"}
    assert len({one.connection for one in late}) == len(late) <= CONNECTIONS


def test_a_sender_stopped_past_its_lease_sends_nothing_more(tmp_path: Path) -> None:
    """Another process has sent the rest and finished the issue when the first one goes on."""
    with serving(tmp_path / "log", "--slow", 0.02) as server:
        scene = smtp_scene(tmp_path / "lantern", server.port)
        with scene.sender(*SHORT, f"--stop-after={RECIPIENTS // 4}") as old:
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
        doubtful = nobody_got_two(scene, server.recipients())
        say("in doubt", doubtful)
    assert doubtful <= CONNECTIONS * PROMISED
    _what_status_says_is_true(scene)


def test_a_sender_that_resumes_leaves_the_rest_to_the_current_sender(tmp_path: Path) -> None:
    with serving(tmp_path / "log", "--slow", 0.05) as server:
        scene = smtp_scene(tmp_path / "lantern", server.port)
        with scene.sender(*SHORT, f"--stop-after={RECIPIENTS // 8}") as old:
            wait_until_stopped(scene, old)
            before = server.accepted()
            with scene.sender() as new:
                reach(server, new, len(before) + RECIPIENTS // 8)
                old.process.send_signal(signal.SIGCONT)
                end, other = old.ended(), new.ended()

        assert end.code == 1
        assert "another process has taken over" in end.complaints[0]
        assert other.code == 0, other.err
        late = server.accepted()[len(before) :]
        of_old = {one.connection for one in before}
        only_finished(scene, [one for one in late if one.connection in of_old])
        last = scene.deliver()
        assert last.code == 0, last.err
        doubtful = nobody_got_two(scene, server.recipients())
        say("in doubt", doubtful)
    assert doubtful <= CONNECTIONS * PROMISED
    _what_status_says_is_true(scene)


def test_a_stopped_sender_does_not_repeat_files_of_another_in_the_outbox(
    tmp_path: Path,
) -> None:
    """Nor is a message lost that the first one had placed or staged."""
    recipients = 5 * RECIPIENTS
    scene = outbox_scene(tmp_path / "lantern", recipients=recipients)

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


def _what_status_says_is_true(scene: Scene) -> None:
    """The counts of an issue that is over were kept when it ended; answers may come after that."""
    shown = json.loads(publisher("status", "--json", scene.folder).out)["issues"][0]
    counts = scene.counts()
    deliveries = shown["deliveries"]
    assert deliveries["planned"] == scene.recipients
    assert deliveries["sent"] == counts["sent"]
    assert deliveries["in_doubt"] == counts["in_doubt"]
    assert deliveries["waiting"] == 0
    assert shown["state"] == ("partial" if counts["in_doubt"] else "sent")
