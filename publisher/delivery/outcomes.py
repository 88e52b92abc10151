"""What became of one message that was given to a transport. Pure values.

Knows no ledger: what a row becomes because of an outcome is decided in
`publisher.delivery.retry_policy`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SendStatus(StrEnum):
    """How far a message came."""

    # The other side has said that it took it.
    ACCEPTED = "accepted"
    # The other side did not take it, and may later (4xx).
    DEFERRED = "deferred"
    # The other side did not take it, and never will (5xx).
    REFUSED = "refused"
    # All of it was sent, and no answer came: nobody knows (RFC 1047).
    UNKNOWN = "unknown"
    # Not all of it was sent, so that nobody can have taken it: safe to try again.
    NOT_SENT = "untried"
    # The reader left at the last moment, and nothing was sent.
    UNSUBSCRIBED = "withdrawn"
    # No message can be written to her.
    UNSENDABLE = "unwritable"


class ThrottleScope(StrEnum):
    """Who asks to be sent less."""

    NONE = ""
    # The receiving domain (45x about one reader).
    DOMAIN = "domain"
    # The server that we speak to (421).
    TRANSPORT = "transport"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict and its reason: one line for people, with no address and no token in full."""

    status: SendStatus
    reason: str = ""
    # Nobody lives there: the address is not written to again.
    is_dead_address: bool = False
    # It is not she who is refused, but whoever we are to that server.
    blames_sender: bool = False
    throttle: ThrottleScope = ThrottleScope.NONE


ACCEPTED_OUTCOME = Outcome(SendStatus.ACCEPTED)
# The other side has said something about the message.
ANSWERS = frozenset({SendStatus.ACCEPTED, SendStatus.DEFERRED, SendStatus.REFUSED})
