"""While mail is sent: a signal, and an unsubscription."""

import signal
import socket
from contextlib import closing
from pathlib import Path

import pytest

from publisher.cli.main import main
from publisher.clock import SystemClock
from publisher.database import open_database
from publisher.delivery.dispatcher import Dispatcher
from publisher.testing import SECRET, MemoryTransport
from tests.databases import DATABASE_FILE, database_address, finding_database
from tests.processes import ENVIRONMENT
from tests.slow.publisher.delivery.crashes import scene as crash_scene
from tests.subscribers.leaving import unsubscribe
from tools.servers import Behaviour, MailServer, Moment, Phase

SLOW = ("--slow", 0.05)


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process have the secret of the others."""
    monkeypatch.setenv("PUBLISHER_SECRET", ENVIRONMENT["PUBLISHER_SECRET"])


def report_progress(scene: crash_scene.Scene, command: str) -> None:
    """Run a command in a process of its own: ours."""
    with finding_database(scene.folder):
        assert main([command, crash_scene.ISSUE, str(scene.folder)]) == 0


def test_a_subscriber_who_unsubscribes_right_before_data_gets_nothing(tmp_path: Path) -> None:
    """Even if the commands of that message are pipelined already."""
    folder, leaving = tmp_path / "lantern", range(10, crash_scene.RECIPIENTS, 10)

    def leave(moment: Moment) -> None:
        """Unsubscribe the next recipient while the message before waits for the reply to its dot."""
        number = int(moment.recipient.removeprefix("reader").partition("@")[0] or 0)
        if moment.phase is Phase.DOT and number + 1 in leaving:
            with (
                closing(open_database(database_address(folder / DATABASE_FILE))) as database,
                database.writing() as connection,
            ):
                address = f"reader{number + 1}@example.com"
                unsubscribe(connection, address, "weekly", SystemClock().now())

    with MailServer(Behaviour(faults=(leave,))) as server:
        # By one connection they come in the order of their numbers.
        scene = crash_scene.smtp_scene(folder, server.port, connections=1)
        end = scene.deliver()
        assert end.code == 0, end.err
        left = {f"reader{number}@example.com" for number in leaving}
        states = scene.states()
        assert {address for address, state in states.items() if state == "suppressed"} == left
        assert server.recipients() == dict.fromkeys(set(states) - left, 1)
        assert scene.counts() == {
            "sent": crash_scene.RECIPIENTS - len(left),
            "suppressed": len(left),
        }


def open_ledger(scene: crash_scene.Scene) -> None:
    """Let the issue be one that is being sent, of which nothing is sent yet.

    The first turn of a service would leave one that is ready to the next, if its page is not
    written by then.
    """
    nobody = MemoryTransport(fail_after=0)
    with closing(open_database(scene.settings.database)) as database:
        Dispatcher(scene.settings, database, nobody, SECRET, SystemClock()).deliver()
    report_progress(scene, "resume")


def test_a_service_that_is_asked_to_stop_leaves_nothing_in_doubt(tmp_path: Path) -> None:
    with crash_scene.serving(tmp_path / "log", *SLOW) as server:
        scene = crash_scene.smtp_scene(tmp_path / "lantern", server.port)
        open_ledger(scene)
        with scene.sender(command="run") as service:
            crash_scene.reach(server, service, crash_scene.RECIPIENTS // 8)
            service.process.send_signal(signal.SIGTERM)
            end = service.ended()
        assert end.code == 0, end.err
        assert "Traceback" not in end.err
        assert scene.counts() == {
            "sent": server.count(),
            "pending": crash_scene.RECIPIENTS - server.count(),
        }
        last = scene.deliver()
        assert last.code == 0, last.err
        assert crash_scene.nobody_got_two(scene, server.recipients()) == 0


def test_a_service_stops_though_its_mail_server_never_answers(tmp_path: Path) -> None:
    # A reply is waited for ten minutes, which is longer than the patience of this test.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        scene = crash_scene.smtp_scene(tmp_path / "lantern", port, more="timeout = 600\n")
        assert crash_scene.PATIENCE < 600
        open_ledger(scene)
        soon = "publisher.delivery.worker_pool:SHUTDOWN_SECONDS=1"
        with scene.sender(soon, command="run") as service:
            connection, _address = silent.accept()
            with connection:
                service.process.send_signal(signal.SIGTERM)
                end = service.ended()
    assert end.code == 0, end.err
    assert "Traceback" not in end.err
    assert scene.counts() == {"pending": crash_scene.RECIPIENTS}
