"""The transport in memory and the fake timer."""

from __future__ import annotations

from publisher.clock import Timer
from publisher.delivery.outcomes import ACCEPTED_OUTCOME, Outcome, SendStatus
from publisher.delivery.transports.base import (
    OutgoingMessage,
    Transport,
    TransportConnection,
)
from publisher.mail import Message
from publisher.testing import FakeTimer, MemoryTransport


def outgoing(number: int) -> OutgoingMessage:
    message = Message(number, f"m{number}", b"words")
    return OutgoingMessage(
        1, "weekly", "en", None, "digest@news.example.org", f"r{number}@example.org", message
    )


MESSAGES = [outgoing(number) for number in (1, 2, 3)]


def connected(transport: MemoryTransport, *, holds_lease: bool = True) -> TransportConnection:
    return transport.connect(1, lambda: holds_lease)


def test_accepted_messages_are_kept() -> None:
    transport: Transport = (memory := MemoryTransport("ambiguous", connections=3, prefetch=2))
    connection = transport.connect(1, lambda: True)
    assert [connection.send(one) for one in MESSAGES] == [ACCEPTED_OUTCOME] * 3
    assert (transport.guarantee, transport.connections, transport.prefetch) == (
        "ambiguous",
        3,
        2,
    )
    assert memory.taken == memory.offered == MESSAGES
    assert memory.messages == [one.message for one in MESSAGES]


REFUSED = Outcome(SendStatus.REFUSED, "no such mailbox", is_dead_address=True)
UNKNOWN = Outcome(SendStatus.UNKNOWN, "no answer")


def test_outcomes_by_address() -> None:
    memory = MemoryTransport(
        outcomes={"r1@example.org": REFUSED, "r2@example.org": UNKNOWN},
    )
    connection = connected(memory)
    assert [connection.send(one) for one in MESSAGES] == [REFUSED, UNKNOWN, ACCEPTED_OUTCOME]
    # A message without an answer may have been accepted.
    assert memory.taken == MESSAGES[1:]
    assert memory.offered == MESSAGES


def test_nothing_is_sent_without_a_lease_or_after_close() -> None:
    memory = MemoryTransport()
    assert connected(memory, holds_lease=False).send(MESSAGES[0]).status is SendStatus.NOT_SENT
    closed = connected(memory)
    closed.close()
    assert not closed.is_open
    assert closed.send(MESSAGES[0]).status is SendStatus.NOT_SENT
    assert memory.offered == []


def test_connections_are_counted() -> None:
    memory = MemoryTransport()
    one, two = connected(memory), connected(memory)
    one.close()
    one.close()
    connected(memory)
    assert (memory.opened, memory.at_once, memory.most_at_once) == (3, 2, 2)
    two.close()
    assert memory.at_once == 1


def test_a_fake_timer_moves_only_on_advance() -> None:
    timer = FakeTimer()
    seam: Timer = timer
    begun = timer.time()
    timer.advance(90.5)
    assert seam.time() == begun + 90.5
    timer.advance(-3600)
    assert timer.time() == begun + 90.5 - 3600
    assert FakeTimer(12.0).time() == 12.0
