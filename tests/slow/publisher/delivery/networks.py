"""Network namespaces, each with one cable to here that can be unplugged. They need root and `ip`."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pytest

from publisher.testing import PostgresServer
from publisher.testing.postgres_server import find_server_programs

# Of addresses for private networks (RFC 1918): the host's end and the machine's end.
HERE, THERE = "10.213.{number}.1", "10.213.{number}.2"
PORT = 5432


class Network:
    """A namespace with one cable to here."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.name = f"publisher-{os.getpid()}-{number}"
        self.here, there = HERE.format(number=number), THERE.format(number=number)
        self._end, other = f"pub{os.getpid()}-{number}", f"far{os.getpid()}-{number}"
        self.prefix = ("ip", "netns", "exec", self.name)
        _ip("netns", "add", self.name)
        try:
            _ip("link", "add", self._end, "type", "veth", "peer", other, "netns", self.name)
            _ip("address", "add", f"{self.here}/30", "dev", self._end)
            _ip("link", "set", self._end, "up")
            _ip("-n", self.name, "address", "add", f"{there}/30", "dev", other)
            for device in ("lo", other):
                _ip("-n", self.name, "link", "set", device, "up")
        except BaseException:
            self.close()
            raise

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Unplug the cable: packets are lost, and no connection learns of it."""
        _ip("link", "set", self._end, "down")
        try:
            yield
        finally:
            _ip("link", "set", self._end, "up")

    def close(self) -> None:
        """Remove both; the cable goes with the namespace."""
        _ip("netns", "delete", self.name)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def make_networks(numbers: Iterable[int], stack: ExitStack) -> list[Network] | str:
    """Return one for each number until the stack is closed, or why there can be none.

    Tests that run at the same time have other numbers.
    """
    if os.getuid() != 0 or shutil.which("ip") is None:
        return "network namespaces need root and `ip`"
    made = []
    try:
        for number in numbers:
            made.append(Network(number))
            stack.callback(made[-1].close)
    except subprocess.CalledProcessError as error:
        return f"network namespaces are not allowed here: {error.stderr.decode()}"
    return made


def networks_or_skip(numbers: Iterable[int], stack: ExitStack) -> list[Network]:
    """Return one for each number, to reach a server of PostgreSQL, or skip the test."""
    if find_server_programs() is None:
        pytest.skip("PostgreSQL is not installed")
    made = make_networks(numbers, stack)
    if isinstance(made, str):
        pytest.skip(made)
    return made


def listening(networks: Sequence[Network]) -> PostgresServer:
    """Make a server that these networks can reach, at PORT."""
    hosts = ",".join(one.here for one in networks)
    postgres = PostgresServer(
        f"listen_addresses = '{hosts}'\nport = {PORT}\nhba_file = '{{folder}}/hba'\n"
    )
    (postgres.folder / "hba").write_text(
        "local all all trust\nhost all all 10.213.0.0/16 trust\n"
    )
    (postgres.folder / "hba").chmod(0o644)
    return postgres
