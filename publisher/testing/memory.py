"""A transport that keeps what it is given in memory. Knows no ledger, no file and no socket."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping

from publisher.composing import Message
from publisher.delivery.outcomes import ACCEPTED, Outcome, Verdict
from publisher.delivery.transports.base import Guarantee, Parcel, Unreachable

OutcomeOf = Callable[[Parcel], Outcome]


class MemoryTransport:
    """Keeps parcels: a `publisher.delivery.transports.base.Transport`. Safe among threads.

    What becomes of a parcel says `outcomes`: a function, or a mapping from addresses of those who
    are not simply accepted. `fail_after` makes `connect` and `send` raise Unreachable, for good,
    once so many were taken; setting it to None heals that.

    `taken` has what was accepted, and what had no answer: that counts as taken, since it may be.
    `offered` has every parcel that came, whatever became of it.
    """

    name = "memory"

    def __init__(
        self,
        guarantee: Guarantee = "idempotent",
        fail_after: int | None = None,
        outcomes: OutcomeOf | Mapping[str, Outcome] | None = None,
        *,
        connections: int = 1,
        promised: int = 1,
    ) -> None:
        self.guarantee: Guarantee = guarantee
        self.fail_after = fail_after
        self.outcomes = outcomes
        self.connections = connections
        self.promised = promised
        self.taken: list[Parcel] = []
        self.offered: list[Parcel] = []
        # What `kept` was told, in order.
        self.settled: list[tuple[int, int]] = []
        # Connections: opened so far, open now, and open at once at the most.
        self.opened = 0
        self.at_once = 0
        self.most_at_once = 0
        self._lock = threading.Lock()

    @property
    def messages(self) -> list[Message]:
        """What was taken, in order, as often as it was."""
        with self._lock:
            return [parcel.message for parcel in self.taken]

    def connect(self, sender: int, may_go: Callable[[], bool]) -> MemoryConnection:
        """Open a connection; raises Unreachable once `fail_after` were taken."""
        with self._lock:
            self._check()
            self.opened += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        return MemoryConnection(self, sender, may_go)

    def kept(self, sender: int, keys: Collection[tuple[int, int]]) -> None:  # noqa: ARG002  # the seam's
        """Remember what the ledger has as sent."""
        with self._lock:
            self.settled += keys

    def take(self, parcel: Parcel) -> Outcome:
        """Take one parcel, as a connection of ours does; raises Unreachable where told to fail."""
        with self._lock:
            self._check()
            self.offered.append(parcel)
            outcome = self._outcome(parcel)
            if outcome.verdict in {Verdict.ACCEPTED, Verdict.UNKNOWN}:
                self.taken.append(parcel)
        return outcome

    def part(self) -> None:
        """Count one connection less."""
        with self._lock:
            self.at_once -= 1

    def _check(self) -> None:
        if self.fail_after is not None and len(self.taken) >= self.fail_after:
            reason = f"took {self.fail_after} messages and no more"
            raise Unreachable(reason, is_final=True)

    def _outcome(self, parcel: Parcel) -> Outcome:
        if self.outcomes is None:
            return ACCEPTED
        if isinstance(self.outcomes, Mapping):
            return self.outcomes.get(parcel.recipient, ACCEPTED)
        return self.outcomes(parcel)


class MemoryConnection:
    """A way into a MemoryTransport: a `publisher.delivery.transports.base.Connection`."""

    def __init__(
        self, transport: MemoryTransport, sender: int, may_go: Callable[[], bool]
    ) -> None:
        self.sender = sender
        self.is_open = True
        self._transport = transport
        self._may_go = may_go

    def send(self, parcel: Parcel, following: Parcel | None = None) -> Outcome:  # noqa: ARG002  # the seam's
        """Hand over a parcel, unless `may_go` or a `close` before says no: that is UNTRIED."""
        if not self.is_open:
            return Outcome(Verdict.UNTRIED, "the connection was closed")
        if not self._may_go():
            return Outcome(Verdict.UNTRIED, "called back")
        return self._transport.take(parcel)

    def close(self) -> None:
        """Part; a second time does nothing."""
        if self.is_open:
            self.is_open = False
            self._transport.part()
