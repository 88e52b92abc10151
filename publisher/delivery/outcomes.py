"""The result of giving one message to a transport. Pure values.

The next state of the row is decided in `publisher.delivery.retry_policy`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from publisher.delivery.causes import BounceCategory, BounceSubject, Cause

_ABOUT_RATE = frozenset({BounceSubject.RATE, BounceSubject.QUOTA})


class SendStatus(StrEnum):
    """How far a message came."""

    # The server replied that it took the message.
    ACCEPTED = "accepted"
    # The server refused the message for now (4xx).
    DEFERRED = "deferred"
    # The server refused the message for good (5xx).
    REFUSED = "refused"
    # The whole message was sent, and no reply came: it may have been taken (RFC 1047).
    UNKNOWN = "unknown"
    # The message was not sent to its end, so it can't have been taken. Safe to try again.
    NOT_SENT = "not_sent"
    # The recipient unsubscribed at the last moment. Nothing was sent.
    UNSUBSCRIBED = "unsubscribed"
    # No message can be composed for this recipient.
    UNSENDABLE = "unsendable"


class ThrottleScope(StrEnum):
    """What has to be sent more slowly after this result."""

    NONE = ""
    # Mail to the receiving domain (45x about one recipient).
    DOMAIN = "domain"
    # All mail of the transport (421).
    TRANSPORT = "transport"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A status and its cause, with words: the server's own, without addresses or tokens in full."""

    status: SendStatus
    words: str = ""
    cause: Cause | None = None
    # The mailbox does not exist: the address is suppressed.
    is_dead_address: bool = False
    # The reply is about us, the sender, not about this recipient.
    is_about_sender: bool = False
    throttle: ThrottleScope = ThrottleScope.NONE

    @property
    def names_rate(self) -> bool:
        """Whether the server said that we send too much or too fast."""
        return isinstance(self.cause, BounceCategory) and self.cause.subject in _ABOUT_RATE

    @property
    def reason(self) -> str:
        """The cause with the words, in one line for people."""
        return self.cause.explain(self.words) if self.cause else self.words


ACCEPTED_OUTCOME = Outcome(SendStatus.ACCEPTED)
# The server said something about the message.
ANSWERS = frozenset({SendStatus.ACCEPTED, SendStatus.DEFERRED, SendStatus.REFUSED})
