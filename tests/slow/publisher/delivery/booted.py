"""Machines that systemd boots with the units of deploy/, in a container of systemd-nspawn.

Each sees the file system of this one; what it changes is in memory, and gone with it. It has a network
namespace of its own, and runs no service of this machine.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.processes import ROOT
from tests.project.test_deployment import DEPLOY, PROGRAM
from tests.slow.publisher.delivery.crashes.scene import wait_for
from tests.slow.publisher.delivery.hosts import Network

PUBLICATION = Path("/srv/lantern")
USER = "publisher"
# Neither the interpreter nor the packages need lie where the units' user could reach them.
INSTALLED = {
    sys.base_prefix: "/opt/python",
    sysconfig.get_path("purelib"): "/opt/packages",
    str(ROOT): "/opt/source",
}
START = f"""#!/bin/sh
export PYTHONHOME=/opt/python LD_LIBRARY_PATH=/opt/python/lib PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH=/opt/source:/opt/packages
exec /opt/python/bin/{Path(sys.executable).resolve().name} -m publisher "$@"
"""
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class BootedMachine:
    """A container with a folder of the publication; no unit has been started."""

    def __init__(
        self,
        folder: Path,
        network: Network,
        publication: Path,
        environment: dict[str, str],
        stack: ExitStack,
    ) -> None:
        """Boot it, until `stack` is closed. Skip the test if this machine does not allow that."""
        self._log = folder.with_suffix(".log")
        try:
            root = _mounted(folder, stack)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no overlay can be mounted: {error.stderr}")
        _install(root, publication, environment)
        words = [
            *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit"),
            f"--directory={root}",
            f"--network-namespace-path=/run/netns/{network.name}",
            *(f"--bind-ro={here}:{there}" for here, there in INSTALLED.items()),
            *("--boot", "--", "--unit=basic.target"),
        ]
        with self._log.open("wb") as log:
            self._container = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        stack.callback(self._close)
        wait_for("the boot", self._is_up)

    def run(self, *words: str, given: str = "") -> str:
        """Run a command as root; return what it wrote, whatever its exit code."""
        child = subprocess.run(
            ["pgrep", "--parent", str(self._container.pid)],
            check=False,
            capture_output=True,
            text=True,
        ).stdout.split()
        if not child:
            return ""
        inside = ["nsenter", f"--target={child[0]}", "--mount", "--uts", "--ipc", "--net"]
        done = subprocess.run(
            [*inside, "--pid", "env", "--ignore-environment", PATH, *words],
            check=False,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.stdout

    def publisher(self, *words: str) -> str:
        """Run a command of the program as the manual says, in the environment of the service."""
        asked = ("--quiet", "--pipe", f"--uid={USER}")
        settings = "--property=EnvironmentFile=/etc/publisher.env"
        return self.run("systemd-run", *asked, settings, PROGRAM, *words, str(PUBLICATION))

    def show(self, unit: str, name: str) -> str:
        return self.run("systemctl", "show", f"--property={name}", "--value", unit).strip()

    def journal(self) -> str:
        """Return what the program and systemd have said about its units."""
        return self.run("journalctl", "--no-pager", "--unit=publisher*")

    def _is_up(self) -> bool:
        if self._container.poll() is not None:
            pytest.skip(f"systemd does not boot: {self._log.read_text('utf-8')}")
        return self.run("systemctl", "is-active", "basic.target").strip() == "active"

    def _close(self) -> None:
        self._container.terminate()
        try:
            self._container.wait(100)
        except subprocess.TimeoutExpired:
            self._container.kill()
            self._container.wait()


def why_no_machine() -> str | None:
    """Return what is missing to boot a machine."""
    missing = [one for one in ("systemd-nspawn", "nsenter", "pgrep") if not shutil.which(one)]
    if os.getuid() or missing:
        return f"needs root and {', '.join(missing) or 'no more'}"
    return None


def _mounted(folder: Path, stack: ExitStack) -> Path:
    """Mount this machine's file system, so that changes are kept in memory."""
    folder.mkdir()
    _mount("-t", "tmpfs", "tmpfs", str(folder))
    stack.callback(_unmount, folder)
    changes, work, root = (folder / name for name in ("changes", "work", "root"))
    for one in (changes, work, root):
        one.mkdir()
    layers = f"lowerdir=/,upperdir={changes},workdir={work}"
    _mount("-t", "overlay", "-o", layers, "none", str(root))
    stack.callback(_unmount, root)
    return root


def _install(root: Path, publication: Path, environment: dict[str, str]) -> None:
    """Do what the manual has one do on each machine."""
    launcher = root / PROGRAM.removeprefix("/")
    launcher.parent.mkdir(parents=True, exist_ok=True)
    launcher.write_text(START)
    launcher.chmod(0o755)
    for place in INSTALLED.values():
        (root / place.removeprefix("/")).mkdir(exist_ok=True)
    own = root / PUBLICATION.relative_to("/")
    shutil.copytree(publication, own, ignore=shutil.ignore_patterns("var", "public", "outbox"))
    for unit in (DEPLOY / "systemd").iterdir():
        shutil.copy(unit, root / "etc/systemd/system")
    secrets = root / "etc/publisher.env"
    secrets.write_text("".join(f"{name}={value}\n" for name, value in environment.items()))
    secrets.chmod(0o600)
    inside = ("chroot", str(root))
    subprocess.run(
        [*inside, "useradd", "--system", f"--home-dir={PUBLICATION}", USER], check=True
    )
    folders = [f"{PUBLICATION}/{name}" for name in ("var", "public", "outbox")]
    subprocess.run([*inside, "install", "-d", "-o", USER, "-g", USER, *folders], check=True)


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True, text=True)


def _unmount(place: Path) -> None:
    subprocess.run(["umount", str(place)], check=True, capture_output=True)
