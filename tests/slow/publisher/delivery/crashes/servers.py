"""The tests' mail server as a process of its own, which is killed and started again like others."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.processes import ENVIRONMENT, ROOT

COMMAND = (sys.executable, "-m", "publisher.testing.servers")
# Seconds within which anything that is waited for has happened, on a machine that is busy.
PATIENCE = 300.0


@dataclass(frozen=True)
class Accepted:
    """One message that the server has said it took, or was about to."""

    recipient: str
    message_id: str
    sha256: str
    connection: int
    # Seconds on the server's own clock, which nobody sets.
    at: float


class Server:
    """A mail server at one port, whatever happens to its process; `log` is what it accepted."""

    def __init__(self, log: Path, *options: object) -> None:
        self._log = log
        self._options = options
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    def start(self) -> None:
        """Begin to listen: at any port, and later always at the same."""
        words = ("--port", self.port, "--log", self._log, *self._options)
        self._process = subprocess.Popen(
            [*COMMAND, *map(str, words)],
            cwd=ROOT,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
        assert ready, "the server does not start"
        self.port = int(self._process.stdout.readline().rpartition(":")[2])

    def kill(self) -> None:
        """End it at once; what it has accepted is written down."""
        if self._process:
            self._process.kill()
            self._process.communicate(timeout=PATIENCE)
            self._process = None

    def count(self) -> int:
        """Count what was accepted so far."""
        return self._log.read_bytes().count(b"\n") if self._log.exists() else 0

    def accepted(self) -> list[Accepted]:
        """Give what was accepted so far, in order."""
        lines: list[dict[str, Any]] = [
            json.loads(line) for line in self._log.read_text("utf-8").splitlines()
        ]
        return [
            Accepted(
                line["recipient"],
                line["message-id"],
                line["sha256"],
                line["connection"],
                line["at"],
            )
            for line in lines
        ]

    def recipients(self) -> Counter[str]:
        """Count the mails of each recipient."""
        return Counter(one.recipient for one in self.accepted())


def wait_for(what: str, found: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.005)
