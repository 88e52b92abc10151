"""What the test mail server received and counted. Safe among threads."""

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
    """An accepted message. Its content has CRLF and no stuffed dots."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    # The number of its connection, from 1.
    connection: int
    # The user that logged in, and the version of TLS; empty for none.
    user: str = ""
    tls: str = ""

    @property
    def recipient(self) -> str:
        """The only recipient. Raise ValueError if there are several."""
        (recipient,) = self.recipients
        return recipient

    @property
    def message_id(self) -> str:
        """The Message-ID with its brackets; empty if there is none."""
        found = _MESSAGE_ID.search(self.content.partition(b"\r\n\r\n")[0])
        return found[1].decode("ascii", "replace") if found else ""


class ServerRecord:
    """All messages and counts, behind one lock. Each change wakes the threads that wait."""

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
        """Store a message. From now on it counts as accepted."""
        if self._on_message:
            self._on_message(received)
        with self.changed:
            kept = received if self._keeps_content else replace(received, content=b"")
            self.messages.append(kept)
            self.changed.notify_all()

    def turn(self, phase: Phase) -> int:
        """Count a phase that was reached. Return how often it was."""
        with self.changed:
            self._turns[phase] += 1
            return self._turns[phase]

    def number(self) -> int:
        """Count a MAIL command. Return how many there were."""
        with self.changed:
            self._numbered += 1
            return self._numbered

    def open(self) -> int:
        """Count a new connection. Return its number."""
        with self.changed:
            self.connections += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            self.changed.notify_all()
            return self.connections

    def close(self) -> None:
        """Count a closed connection."""
        with self.changed:
            self.at_once -= 1
            self.changed.notify_all()

    def stall(self, by: int) -> None:
        """Count a session that begins to stall (1), or ends stalling (-1)."""
        with self.changed:
            self.stalled += by
            self.changed.notify_all()

    def refuse(self, code: int) -> None:
        """Count a reply with 4xx or 5xx."""
        with self.changed:
            self.refused[code] += 1

    def hurry(self) -> None:
        """Count commands that did not wait for a reply though PIPELINING was not offered."""
        with self.changed:
            self.hasty += 1

    def fail(self, error: Exception) -> None:
        """Store an error that a fault or `on_message` raised."""
        with self.changed:
            self.failures.append(error)

    def wait(self, is_so: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait until a condition is true. Raise TimeoutError if it is not in time."""
        with self.changed:
            if not self.changed.wait_for(is_so, seconds):
                raise TimeoutError(f"{what}: not within {seconds:g} seconds")
