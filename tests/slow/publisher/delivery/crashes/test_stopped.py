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
from tests.slow.publisher.delivery.crashes.servers import Server, wait_for

LEASE = 3.0
SHORT = f"publisher.delivery.ledger.leases:LEASE_SECONDS={LEASE}"


def stop(scene: Scene, sender: SteppedRun) -> None:
    """Stop a process outside a transaction: inside one, it would block all writers."""
    wait_for("a moment between transactions", lambda: _has_stopped(scene, sender))


def _has_stopped(scene: Scene, sender: SteppedRun) -> bool:
    sender.process.send_signal(signal.SIGSTOP)
    if is_locked(scene.settings.folders.database):
        sender.process.send_signal(signal.SIGCONT)
        return False
    return True


def lease_is_over(scene: Scene) -> bool:
    with scene.reading() as connection:
        until = connection.exec_driver_sql(
            "SELECT min(expires_at) FROM send_lease"
        ).scalar_one()
    return bool(until < time.time())


def by_the_first(server: Server) -> int:
    """Count what came by the connections of the process that was the first to have any."""
    return sum(one.connection <= CONNECTIONS for one in server.accepted())


def test_a_sender_stopped_past_its_lease_sends_nothing_more(tmp_path: Path) -> None:
    """Another process has sent the rest and finished the issue when the first one goes on."""
    with serving(tmp_path / "log", "--slow", 0.02) as server:
        scene = smtp_scene(tmp_path / "lantern", server.port)
        with scene.sender(SHORT) as old:
            reach(server, old, RECIPIENTS // 4)
            stop(scene, old)
            wait_for("the lease to end", lambda: lease_is_over(scene))

            new = scene.deliver(SHORT)
            assert new.code == 0, new.err
            before = server.count()
            old.process.send_signal(signal.SIGCONT)
            end = old.ended()

        assert end.code == 1
        assert end.complaints == [
            "publisher: another process has taken over; this one was stopped for too long"
        ]
        assert server.count() == before
        last = scene.deliver(SHORT)
        assert last.code == 0, last.err
        doubtful = nobody_got_two(scene, server.recipients())
        say("in doubt", doubtful)
    assert doubtful <= CONNECTIONS * PROMISED
    _what_status_says_is_true(scene)


def test_a_sender_that_resumes_leaves_the_rest_to_the_current_sender(tmp_path: Path) -> None:
    with serving(tmp_path / "log", "--slow", 0.05) as server:
        scene = smtp_scene(tmp_path / "lantern", server.port)
        with scene.sender(SHORT) as old:
            reach(server, old, RECIPIENTS // 8)
            stop(scene, old)
            wait_for("the lease to end", lambda: lease_is_over(scene))
            before = server.count()
            with scene.sender(SHORT) as new:
                reach(server, new, before + RECIPIENTS // 8)
                by_old = by_the_first(server)
                old.process.send_signal(signal.SIGCONT)
                end, other = old.ended(), new.ended()

        assert end.code == 1
        assert "another process has taken over" in end.complaints[0]
        assert other.code == 0, other.err
        assert by_the_first(server) == by_old
        last = scene.deliver(SHORT)
        assert last.code == 0, last.err
        doubtful = nobody_got_two(scene, server.recipients())
        say("in doubt", doubtful)
    assert doubtful <= CONNECTIONS * PROMISED
    _what_status_says_is_true(scene)


def test_a_stopped_sender_does_not_repeat_files_of_another_in_the_outbox(
    tmp_path: Path,
) -> None:
    """Nor is a message lost that the first one had placed or staged."""
    # An outbox takes them faster than a server.
    recipients = 5 * RECIPIENTS
    scene = outbox_scene(tmp_path / "lantern", recipients=recipients)

    def placed() -> int:
        return sum(1 for _ in scene.settings.folders.outbox.glob("weekly/**/*.eml"))

    with scene.sender(SHORT) as old:
        wait_for("mail in the outbox", lambda: placed() > 0)
        stop(scene, old)
        wait_for("the lease to end", lambda: lease_is_over(scene))
        assert placed() < recipients
        new = scene.deliver(SHORT)
        assert new.code == 0, new.err
        old.process.send_signal(signal.SIGCONT)
        end = old.ended()

    assert end.code == 1
    assert "another process has taken over" in end.complaints[0]
    assert scene.deliver(SHORT).code == 0
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
