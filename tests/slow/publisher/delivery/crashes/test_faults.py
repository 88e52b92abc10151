"""A fault of the program itself, while a message is with a transport."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from publisher.clock import SystemClock
from publisher.database import open_database
from publisher.delivery.dispatcher import DeliveryReport, deliver
from publisher.delivery.outcomes import ACCEPTED_OUTCOME, Outcome
from publisher.delivery.transports.base import OutgoingMessage
from publisher.testing import SECRET, MemoryTransport
from tests.slow.publisher.delivery.crashes.scene import RECIPIENTS, Scene, smtp_scene

SOME = "reader50@example.com"


class MistakeError(Exception):
    """An unexpected fault."""


def send(scene: Scene, transport: MemoryTransport) -> DeliveryReport:
    with closing(open_database(scene.settings.database)) as database:
        return deliver(scene.settings, database, transport, SECRET, SystemClock())


def test_a_fault_leaves_its_message_in_doubt_and_nothing_else(tmp_path: Path) -> None:
    """The message under way is in doubt; earlier results are recorded all the same."""
    scene = smtp_scene(tmp_path / "lantern", 25)

    def mistaken(outgoing: OutgoingMessage) -> Outcome:
        if outgoing.recipient == SOME:
            raise MistakeError
        return ACCEPTED_OUTCOME

    transport = MemoryTransport("ambiguous", outcomes=mistaken, connections=8, prefetch=4)

    with pytest.raises(MistakeError):
        send(scene, transport)

    counts, taken = scene.counts(), len(transport.taken)
    assert counts == {"sent": taken, "in_doubt": 1, "pending": RECIPIENTS - taken - 1}
    assert scene.states()[SOME] == "in_doubt"
    rest = send(scene, transport)
    assert rest.problems == []
    assert scene.counts() == {"sent": RECIPIENTS - 1, "in_doubt": 1}
    offered = Counter(outgoing.recipient for outgoing in transport.offered)
    assert offered == dict.fromkeys(scene.states(), 1)
