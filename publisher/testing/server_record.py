"""What a mail server of the tests has seen: messages and counts, safe among threads.

Knows no socket.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from publisher.testing.behaviour import Phase

_MESSAGE_ID = re.compile(rb"^Message-ID:\s*(\S+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Received:
    """One message that was accepted; its content has CRLFs and no stuffed dots."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    # The connection that it came by, counted from 1.
    connection: int
    # Who logged in, if anybody did, and the version of TLS, if that was spoken.
    user: str = ""
    tls: str = ""

    @property
    def recipient(self) -> str:
        """The only recipient; raises ValueError where there are several."""
        (recipient,) = self.recipients
        return recipient

    @property
    def message_id(self) -> str:
        """The Message-ID with its brackets; empty where there is none."""
        found = _MESSAGE_ID.search(self.content.partition(b"\r\n\r\n")[0])
        return found[1].decode("ascii", "replace") if found else ""


class ServerRecord:
    """Everything that is counted, behind one lock; whoever waits is woken at each change."""

    def __init__(
        self, on_message: Callable[[Received], None] | None, *, keeps_content: bool
    ) -> None:
        self.changed = threading.Condition()
        self.messages: list[Received] = []
        self.refused: Counter[int] = Counter()
        self.connections = self.at_once = self.most_at_once = 0
        self.stalled = 0
        self.hasty = 0
        self.failures: list[Exception] = []
        self._on_message = on_message
        self._keeps_content = keeps_content
        self._turns: Counter[Phase] = Counter()
        self._numbered = 0

    def keep(self, received: Received) -> None:
        """Take a message: this is the instant at which it is accepted."""
        if self._on_message:
            self._on_message(received)
        with self.changed:
            kept = received if self._keeps_content else replace(received, content=b"")
            self.messages.append(kept)
            self.changed.notify_all()

    def turn(self, phase: Phase) -> int:
        """Count a phase that was come to; gives how often that was."""
        with self.changed:
            self._turns[phase] += 1
            return self._turns[phase]

    def number(self) -> int:
        """Count a MAIL command; gives how many there were."""
        with self.changed:
            self._numbered += 1
            return self._numbered

    def open(self) -> int:
        """Count a connection; gives its number."""
        with self.changed:
            self.connections += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            self.changed.notify_all()
            return self.connections

    def close(self) -> None:
        """Count a connection that is over."""
        with self.changed:
            self.at_once -= 1
            self.changed.notify_all()

    def stall(self, by: int) -> None:
        """Count who begins to wait (1), or has waited (-1)."""
        with self.changed:
            self.stalled += by
            self.changed.notify_all()

    def refuse(self, code: int) -> None:
        """Count a 4xx or 5xx."""
        with self.changed:
            self.refused[code] += 1

    def hurry(self) -> None:
        """Count commands that came ahead though that was not offered."""
        with self.changed:
            self.hasty += 1

    def fail(self, error: Exception) -> None:
        """Remember a mistake in a fault or in what is told of messages."""
        with self.changed:
            self.failures.append(error)

    def wait(self, is_so: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait until something is so; raises TimeoutError where it is not in time."""
        with self.changed:
            if not self.changed.wait_for(is_so, seconds):
                raise TimeoutError(f"{what}: not within {seconds:g} seconds")
