"""Clocks that are set by an hour while mail goes out, forwards and backwards."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from publisher.clock import uptime
from publisher.database import open_database
from publisher.delivery.dispatcher import DeliveryReport, deliver
from publisher.testing import SECRET, MemoryTransport
from tests.publisher.conftest import NOW
from tests.slow.publisher.delivery.crashes.scene import RECIPIENTS, Scene, smtp_scene
from tests.slow.publisher.delivery.crashes.servers import PATIENCE

HOUR = 3600.0


class Steps:
    """A machine's clock that is set when it has been looked at so often; clock and timer at once."""

    def __init__(self, after: int, by: float) -> None:
        self._after = after
        self._by = by
        self._looks = 0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Give the present instant: a `publisher.clock.Clock`."""
        return datetime.fromtimestamp(self.time(), NOW.tzinfo).replace(microsecond=0)

    def time(self) -> float:
        """Give the seconds since the epoch: a `publisher.clock.Timer`."""
        with self._lock:
            self._looks += 1
            return NOW.timestamp() + uptime() % HOUR + (self._by if self.is_set else 0.0)

    @property
    def is_set(self) -> bool:
        """Whether the clock was set."""
        return self._looks > self._after

    def turn_to(self, by: float) -> None:
        """Set it now."""
        self._after, self._by = 0, by


def sent_within(scene: Scene, transport: MemoryTransport, steps: Steps) -> DeliveryReport:
    """Send, and wait for the end: not for an hour."""
    ends: list[DeliveryReport] = []

    def send() -> None:
        with closing(open_database(scene.settings.database)) as database:
            ends.append(
                deliver(scene.settings, database, transport, SECRET, steps, timer=steps)
            )

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive(), "still sending"
    return ends[0]


@pytest.mark.parametrize("rate", ["", "[delivery.rate]\nper_second = 2000\n"])
@pytest.mark.parametrize("by", [HOUR, -HOUR])
@pytest.mark.parametrize("after", [3, 20])
def test_a_clock_that_is_set_doubles_and_loses_nothing(
    tmp_path: Path, after: int, by: float, rate: str
) -> None:
    # More than are taken up at a time.
    recipients = 3 * RECIPIENTS
    scene = smtp_scene(tmp_path / "lantern", 25, recipients=recipients, more=rate)
    transport = MemoryTransport("ambiguous", connections=8, prefetch=4)
    steps = Steps(after, by)

    first = sent_within(scene, transport, steps)

    assert steps.is_set
    assert first.problems == []
    # Set back, what was due seems to be due in an hour; that is then, or when it is set right.
    steps.turn_to(max(by, 0.0))
    second = sent_within(scene, transport, steps)
    assert second.problems == []
    got = Counter(outgoing.recipient for outgoing in transport.taken)
    assert got == dict.fromkeys(scene.states(), 1)
    assert scene.counts() == {"sent": recipients}
    assert scene.issue()[0] == "sent"
