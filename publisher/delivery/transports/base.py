"""The seam between the ledger and the world: what a transport is, and what it is given.

Knows no ledger, no socket and no folder.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from publisher.delivery.outcomes import Outcome
from publisher.errors import DeliveryError

if TYPE_CHECKING:
    # Composing brings templates with it, and who asks how things stand needs none.
    from publisher.mail import Message

Guarantee = Literal["idempotent", "ambiguous"]


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One reader's message and its envelope (RFC 5321 section 2.3.1).

    `folder` is the issue's own below an outbox; `issue_id`, with the reader's id in the message,
    is the row of the ledger.
    """

    issue_id: int
    folder: str
    sender: str
    recipient: str
    message: Message

    @property
    def key(self) -> tuple[int, int]:
        """The row of the ledger: issue and subscriber."""
        return self.issue_id, self.message.subscriber_id


class Unreachable(DeliveryError):  # noqa: N818  # what it says of the other side
    """No connection can be made, or none that takes mail from us.

    `is_final` says that trying again is of no use before a person has changed something.
    """

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.is_final = is_final


class TransportConnection(Protocol):
    """One way to the other side; used by one thread at a time."""

    @property
    def is_open(self) -> bool:
        """Whether it can be used again; once it can't, it stays so."""
        ...

    def send(
        self, outgoing: OutgoingMessage, next_message: OutgoingMessage | None = None
    ) -> Outcome:
        """Hand over one message; returns when its fate is known, or can't be known.

        `following` is what will most likely be sent next: a connection may begin with it to save
        a round trip, as far as that can be taken back. Never raises for what the other side does.
        Raises Unreachable(is_final=True) where the other side takes nothing from us at all.
        """
        ...

    def close(self) -> None:
        """Part in good manners; never raises."""
        ...


class Transport(Protocol):
    """Takes finished messages away."""

    # What rates and reports call it.
    name: str
    # Whether giving it a message twice is the same as once.
    guarantee: Guarantee
    # How many connections may be open at once, and how many messages each may be promised.
    connections: int
    prefetch: int

    def connect(self, sender: int, holds_lease: Callable[[], bool]) -> TransportConnection:
        """Open a connection for one turn of delivering, numbered `sender`; raises Unreachable.

        `may_go` is asked right before the point from which a message can't be called back; where
        it says no, the message is not sent and the outcome is UNTRIED.
        """
        ...

    def on_committed(self, sender: int, keys: Collection[tuple[int, int]]) -> None:
        """Hear which accepted messages the ledger now has as sent, for good."""
        ...
