"""Two machines as the manual sets them up: systemd starts the units of deploy/, and keeps them alive."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from publisher.testing import SECRET
from tests.sizes import only_at_night
from tests.slow.publisher.delivery import booted, hosts
from tests.slow.publisher.delivery.crashes import scene as crash_scene

SUBSCRIBERS = 1_500
BACKUPS = "/var/backups/lantern"
WATCHED = "/etc/systemd/system/publisher.service.d/watched.conf"
UNIT = "publisher.service"


def boot(
    folder: Path,
    network: hosts.Network,
    scene: crash_scene.Scene,
    server: crash_scene.Server,
    stack: ExitStack,
) -> booted.BootedMachine:
    """Boot a machine that has the publication, and reaches both servers by its cable."""
    link = hosts.Link(("127.0.0.1", server.port), network.here)
    stack.callback(link.close)
    environment = {
        "PUBLISHER_SECRET": SECRET,
        "PUBLISHER_DATABASE": f"postgresql://publisher@{network.here}:{hosts.PORT}/{hosts.NAME}",
        "PUBLISHER_HOST": folder.name,
    }
    machine = booted.BootedMachine(folder, network, scene.folder, environment, stack)
    settings = booted.PUBLICATION / "publication.toml"
    known, own = f"port = {server.port}", f"port = {link.port}"
    machine.run("sed", "-i", f"s/{known}/{own}/; s/127.0.0.1/{network.here}/", str(settings))
    # Shorter than a lease, so that nobody else takes over what a stopped process has.
    machine.run("install", "-D", "/dev/stdin", WATCHED, given="[Service]\nWatchdogSec=60\n")
    machine.run("systemctl", "daemon-reload")
    return machine


def send_signal(machine: booted.BootedMachine, name: str) -> None:
    """Send a signal to the service as its unit runs it."""
    machine.run("kill", "--signal", name, machine.show(UNIT, "MainPID"))


def wait_for_restart(machine: booted.BootedMachine, result: str) -> None:
    """Wait until systemd has started the service again, and it has said that it is ready."""
    crash_scene.wait_for("systemd", lambda: machine.show(UNIT, "NRestarts") == "1")
    crash_scene.wait_for("the service", lambda: machine.show(UNIT, "ActiveState") == "active")
    said = machine.run("journalctl", "--no-pager", f"--unit={UNIT}")
    assert f"Failed with result '{result}'" in said, said


@only_at_night
def test_systemd_starts_the_units_again_and_each_mail_is_sent_once(tmp_path: Path) -> None:
    if reason := booted.why_no_machine():
        pytest.skip(reason)
    with ExitStack() as stack:
        networks = hosts.networks_or_skip(range(20, 22), stack)
        postgres = stack.enter_context(hosts.listening(networks))
        server = stack.enter_context(crash_scene.serving(tmp_path / "log", "--slow", 0.1))
        scene = hosts.make_scene(tmp_path / "lantern", SUBSCRIBERS, postgres, server)
        one, other = (
            boot(tmp_path / f"machine-{network.number}", network, scene, server, stack)
            for network in networks
        )
        for machine in (one, other):
            # Their type is `notify`: this returns when they have said that they are ready.
            machine.run("systemctl", "enable", "--now", "publisher", "publisher-web")
            assert machine.show(UNIT, "ActiveState") == "active", machine.journal()
            assert machine.show("publisher-web", "ActiveState") == "active", machine.journal()
        status = one.publisher("status")
        assert "machine-20 (process" in status, status
        assert "machine-21 (process" in status, status
        hosts.progress(server, SUBSCRIBERS // 10, scene)
        send_signal(one, "KILL")
        send_signal(other, "STOP")
        wait_for_restart(one, "signal")
        hosts.progress(server, SUBSCRIBERS // 10, scene)
        wait_for_restart(other, "watchdog")
        one.run("install", "-d", "-m", "700", "-o", booted.USER, "-g", booted.USER, BACKUPS)
        one.run("systemctl", "start", "publisher-backup")
        assert one.show("publisher-backup", "Result") == "success", one.journal()
        assert one.run("ls", BACKUPS).startswith("publisher-20")
        crash_scene.wait_for("the end", lambda: hosts.is_over(scene))
        for machine in (one, other):
            machine.run("systemctl", "stop", "publisher", "publisher-web")
            assert machine.show(UNIT, "Result") == "success", machine.journal()
            assert machine.show("publisher-web", "Result") == "success", machine.journal()
        doubtful = crash_scene.nobody_got_two(scene, server.recipients())
    crash_scene.say(f"{doubtful} of {SUBSCRIBERS} in doubt")
    assert doubtful <= hosts.CONNECTIONS * hosts.PROMISED * 2
