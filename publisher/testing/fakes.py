"""A transport that keeps messages in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping

from publisher.delivery import causes
from publisher.delivery.transports.base import (
    ACCEPTED_OUTCOME,
    Guarantee,
    Outcome,
    OutgoingMessage,
    SendStatus,
    Transport,
    Unreachable,
)
from publisher.mail import Message

_OutcomeOf = Callable[[OutgoingMessage], Outcome]


class MemoryTransport(Transport):
    """A transport for tests. Safe among threads.

    `outcomes` is a function from a message to its outcome, or a mapping by address; other messages are accepted.
    After `fail_after` messages `connect` and `send` raise Unreachable, until it is set to None.

    `taken` has the accepted messages and those with an unknown outcome, since a server may have accepted them.
    `offered` has all messages that were sent.
    """

    name = "memory"

    def __init__(
        self,
        guarantee: Guarantee = "idempotent",
        fail_after: int | None = None,
        outcomes: _OutcomeOf | Mapping[str, Outcome] | None = None,
        *,
        connections: int = 1,
        prefetch: int = 1,
    ) -> None:
        self.guarantee: Guarantee = guarantee
        self.fail_after = fail_after
        self.outcomes = outcomes
        self.connections = connections
        self.prefetch = prefetch
        self.taken: list[OutgoingMessage] = []
        self.offered: list[OutgoingMessage] = []
        # The keys of all calls of `on_committed`, in order.
        self.settled: list[tuple[int, int]] = []
        # Connections: opened so far, open now, and the largest number open at the same time.
        self.opened = 0
        self.at_once = 0
        self.most_at_once = 0
        self._lock = threading.Lock()

    @property
    def messages(self) -> list[Message]:
        with self._lock:
            return [outgoing.message for outgoing in self.taken]

    def connect(self, lease_id: int, holds_lease: Callable[[], bool]) -> MemoryConnection:
        """Open a connection. Raise Unreachable after `fail_after` messages."""
        with self._lock:
            self._check()
            self.opened += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        return MemoryConnection(self, lease_id, holds_lease)

    def on_committed(self, lease_id: int, keys: Collection[tuple[int, int]]) -> None:  # noqa: ARG002  # the protocol's
        """Record the keys that the ledger committed as sent."""
        with self._lock:
            self.settled += keys

    def take(self, outgoing: OutgoingMessage) -> Outcome:
        """Accept one message for a connection. Raise Unreachable after `fail_after` messages."""
        with self._lock:
            self._check()
            self.offered.append(outgoing)
            outcome = self._outcome(outgoing)
            if outcome.status in {SendStatus.ACCEPTED, SendStatus.UNKNOWN}:
                self.taken.append(outgoing)
        return outcome

    def release(self) -> None:
        with self._lock:
            self.at_once -= 1

    def _check(self) -> None:
        if self.fail_after is not None and len(self.taken) >= self.fail_after:
            reason = f"took {self.fail_after} messages and no more"
            raise Unreachable(reason, is_final=True)

    def _outcome(self, outgoing: OutgoingMessage) -> Outcome:
        if self.outcomes is None:
            return ACCEPTED_OUTCOME
        if isinstance(self.outcomes, Mapping):
            return self.outcomes.get(outgoing.recipient, ACCEPTED_OUTCOME)
        return self.outcomes(outgoing)


class MemoryConnection:
    """A connection to a MemoryTransport: a `publisher.delivery.transports.base.TransportConnection`."""

    def __init__(
        self, transport: MemoryTransport, sender: int, holds_lease: Callable[[], bool]
    ) -> None:
        self.sender = sender
        self.is_open = True
        self._transport = transport
        self._holds_lease = holds_lease

    def send(
        self,
        outgoing: OutgoingMessage,
        next_message: OutgoingMessage | None = None,  # noqa: ARG002  # the protocol has it
    ) -> Outcome:
        """Accept one message; NOT_SENT if the connection is closed or its lease is lost."""
        if not self.is_open:
            return Outcome(SendStatus.NOT_SENT, cause=causes.CONNECTION_CLOSED)
        if not self._holds_lease():
            return Outcome(SendStatus.NOT_SENT, cause=causes.LEASE_LOST)
        return self._transport.take(outgoing)

    def close(self) -> None:
        """Close; a second time does nothing."""
        if self.is_open:
            self.is_open = False
            self._transport.release()
