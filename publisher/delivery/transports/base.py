"""The interface of a transport. `publisher.delivery.retry_policy` decides a row's next state by the `Outcome` of its message."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Protocol

from publisher.delivery.causes import BounceCategory, BounceSubject, Cause
from publisher.errors import DeliveryError
from publisher.issues.model import Issue

if TYPE_CHECKING:
    from publisher.config.values import Mailbox

    # Composing loads the templates, and `publisher status` needs none.
    from publisher.mail import Message


_ABOUT_RATE = frozenset({BounceSubject.RATE, BounceSubject.QUOTA})


class SendStatus(StrEnum):
    """How far a message came."""

    ACCEPTED = "accepted"  # the server replied that it took the message
    DEFERRED = "deferred"  # the server refused the message for now (4xx)
    REFUSED = "refused"  # the server refused the message for good (5xx)
    # The whole message was sent, and no reply came: it may have been taken (RFC 1047).
    UNKNOWN = "unknown"
    # The message was not sent to its end, so it can't have been taken. Safe to try again.
    NOT_SENT = "not_sent"
    # The recipient unsubscribed at the last moment. Nothing was sent.
    UNSUBSCRIBED = "unsubscribed"
    UNSENDABLE = "unsendable"  # no message can be composed for this recipient


class ThrottleScope(StrEnum):
    """What has to be sent more slowly after this result."""

    NONE = ""
    DOMAIN = "domain"  # mail to the receiving domain (45x about one recipient)
    TRANSPORT = "transport"  # all mail of the transport (421)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A status and its cause, with words: the server's own, without addresses or tokens in full."""

    status: SendStatus
    words: str = ""
    cause: Cause | None = None
    is_dead_address: bool = False  # the mailbox does not exist: the address is suppressed
    is_about_sender: bool = False  # the reply is about us, the sender, not about this recipient
    throttle: ThrottleScope = ThrottleScope.NONE

    @property
    def names_rate(self) -> bool:
        return isinstance(self.cause, BounceCategory) and self.cause.subject in _ABOUT_RATE

    @property
    def reason(self) -> str:
        return self.cause.explain(self.words) if self.cause else self.words


ACCEPTED_OUTCOME = Outcome(SendStatus.ACCEPTED)
ANSWERS = frozenset({SendStatus.ACCEPTED, SendStatus.DEFERRED, SendStatus.REFUSED})

# Sending a message twice through an idempotent transport is the same as sending it once.
Guarantee = Literal["idempotent", "ambiguous"]
MessageKey = tuple[int, int]  # a row of the ledger: issue and subscriber
TEST_LEASE = 0  # The lease id of messages outside the ledger. No run has this id.


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message and its envelope (RFC 5321 2.3.1), and a folder to sort by: the issue's, or of test messages."""

    issue_id: int
    folder: str
    envelope_from: str
    recipient: str
    message: Message

    @property
    def key(self) -> MessageKey:
        return self.issue_id, self.message.subscriber_id


class Unreachable(DeliveryError):  # noqa: N818  # a state, like ConnectionResetError
    """No connection can be made, or none that accepts mail from us. `is_final`: a person has to act; `is_login`: on user or password."""

    def __init__(self, reason: str, *, is_final: bool = False, is_login: bool = False) -> None:
        super().__init__(reason)
        self.is_final = is_final
        self.is_login = is_login


class TransportConnection(Protocol):
    """One connection of a transport, used by one thread at a time."""

    @property
    def is_open(self) -> bool:
        """Whether it can be used again. A closed connection stays closed."""
        ...

    def send(
        self, outgoing: OutgoingMessage, next_message: OutgoingMessage | None = None
    ) -> Outcome:
        """Send one message; return when its result is known, or can't be. Raise Unreachable(is_final=True) if none at all is accepted.

        With `next_message` a connection may start early, as far as that can be taken back. Failures of the other side
        are outcomes.
        """
        ...

    def close(self) -> None:
        """End the session properly and close. Never raises."""
        ...


class Transport(Protocol):
    """Takes finished messages away. A class that inherits it has the methods with a body."""

    name: str  # its name in settings, rates and leases
    done: str = "sent"  # what it does with messages, for people
    guarantee: Guarantee
    connections: int  # how many connections may be open at once
    # How many messages each worker may hold in advance; all of them are in doubt after a kill.
    prefetch: int
    # What stands before the token of a subscriber's own envelope sender; empty for one sender.
    verp_separator: str = ""
    # After a login was refused: seconds of the ledger's timer before which this object tries none.
    next_login_at: float = 0.0

    def connect(self, lease_id: int, holds_lease: Callable[[], bool]) -> TransportConnection:
        """Open a connection. If `holds_lease` is False right before a message's point of no return, it is NOT_SENT."""
        ...

    def envelope_from(self, sender: Mailbox) -> str:
        """Return the address in MAIL FROM, to which bounces are returned; else the sender's."""
        return sender.address

    def destination(self, issue: Issue) -> str:  # noqa: ARG002  # most send all to one place
        """Return where the messages of an issue go, for people."""
        return self.name

    def on_committed(self, lease_id: int, keys: Collection[MessageKey]) -> None:  # noqa: ARG002  # a default
        """Handle accepted messages that the ledger has committed as sent."""
        return


class RecoverableTransport(Transport, Protocol):
    """A transport that finishes what a killed process has left. Its kind has `leftovers`."""

    def leftovers(self) -> list[int]:
        """List the leases that have left something, living or dead. Raises DeliveryError."""
        ...

    def recover(
        self, lease_id: int, sent: Callable[[Sequence[MessageKey]], Collection[MessageKey]]
    ) -> None:
        """Finish what a revoked lease has left; `sent` returns those of some rows that were settled as sent under this very lease."""
        ...


def send_test_message(transport: Transport, outgoing: OutgoingMessage) -> Outcome:
    """Send one message outside the ledger and return the outcome. Raises Unreachable."""
    with closing(transport.connect(TEST_LEASE, lambda: True)) as connection:
        outcome = connection.send(outgoing)
    if outcome.status is SendStatus.ACCEPTED:
        transport.on_committed(TEST_LEASE, [outgoing.key])
    return outcome
