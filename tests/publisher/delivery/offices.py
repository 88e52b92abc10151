"""A courier at work without a ledger: what it is promised, and what comes back from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from publisher.delivery.ledger.claims import Claim
from publisher.delivery.outcomes import ACCEPTED_OUTCOME, Outcome
from publisher.delivery.transports.base import OutgoingMessage, TransportConnection
from publisher.delivery.work_queue import SendResult, WorkQueue
from publisher.delivery.worker import Recheck, SendWorker
from publisher.mail import Message
from tests.publisher.delivery.threads import LONG, until

Answer = Callable[[OutgoingMessage], Outcome]


def parcel_of(claim: Claim) -> OutgoingMessage:
    message = Message(claim.reader.id, f"m{claim.reader.id}", b"words")
    return OutgoingMessage(
        claim.issue_id, "weekly/en", "s@example.org", claim.reader.address, message
    )


def accepted(_outgoing: OutgoingMessage) -> Outcome:
    return ACCEPTED_OUTCOME


class Line:
    """A connection that can be lost, which one to memory can't; it remembers what follows what."""

    def __init__(self, answer: Answer, lasts: int) -> None:
        self._answer = answer
        self._lasts = lasts
        self.sent: list[int] = []
        self.next_message: list[int | None] = []
        self.is_closed = False

    @property
    def is_open(self) -> bool:
        return len(self.sent) < self._lasts

    def send(
        self, outgoing: OutgoingMessage, next_message: OutgoingMessage | None = None
    ) -> Outcome:
        self.sent.append(outgoing.message.subscriber_id)
        self.next_message.append(next_message.message.subscriber_id if next_message else None)
        return self._answer(outgoing)

    def close(self) -> None:
        self.is_closed = True


@dataclass
class Office:
    """A courier at work, and a clerk's hands."""

    answer: Answer = accepted
    lasts: int = 1_000
    wanted: dict[int, bool | None] = field(default_factory=dict)
    desk: WorkQueue = field(default_factory=lambda: WorkQueue(1, 8))
    lines: list[Line] = field(default_factory=list)
    written: list[int] = field(default_factory=list)
    results: list[SendResult] = field(default_factory=list)
    returned: list[Claim] = field(default_factory=list)
    courier: SendWorker | None = None

    def connect(self) -> TransportConnection:
        self.lines.append(Line(self.answer, self.lasts))
        return self.lines[-1]

    def write(self, claim: Claim) -> OutgoingMessage:
        self.written.append(claim.reader.id)
        return parcel_of(claim)

    def look(self, claim: Claim) -> bool | None:
        return self.wanted.get(claim.reader.id, True)

    def start(
        self,
        connect: Callable[[], TransportConnection] | None = None,
        write: Callable[[Claim], OutgoingMessage] | None = None,
        look: Recheck | None = None,
    ) -> None:
        self.courier = SendWorker(
            0, self.desk, connect or self.connect, write or self.write, look or self.look
        )
        self.courier.thread.start()

    def promise(self, *some: Claim) -> None:
        """Promise rows once there is a connection."""
        until(lambda: bool(self.desk.demand()))
        assert self.desk.hand_out({0: some}) == []

    def collect(self) -> None:
        results, returned = self.desk.collect()
        self.results += results
        self.returned += returned

    def until_done(self, count: int) -> None:
        """Collect until so many rows have come back."""

        def is_done() -> bool:
            self.collect()
            return len(self.results) + len(self.returned) >= count

        until(is_done)

    def fault(self) -> BaseException:
        """Wait for the fault that the clerk raises."""
        found: list[BaseException] = []

        def has_come() -> bool:
            try:
                self.desk.raise_fault()
            except BaseException as fault:  # noqa: BLE001  # whatever it is
                found.append(fault)
            return bool(found)

        until(has_come)
        self.collect()
        return found[0]

    def close(self) -> None:
        self.desk.close()
        if self.courier:
            self.courier.thread.join(LONG)
            assert not self.courier.thread.is_alive()
        assert all(line.is_closed for line in self.lines)
