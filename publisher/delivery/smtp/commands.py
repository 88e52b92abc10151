"""The commands that carry a message's envelope (RFC 5321 section 4.1.1), or why there are none. Pure.

Nothing that is not an address gets into a command.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from publisher.delivery.outcomes import Outcome, SendStatus
from publisher.delivery.smtp.bounces import categories
from publisher.delivery.smtp.bounces.categories import BounceCategory
from publisher.delivery.transports.base import OutgoingMessage, Unreachable

DATA = b"DATA\r\n"
RSET = b"RSET\r\n"
UNSENDABLE = "it can't be written in SMTP"
# A little more than RFC 5321 section 4.1.2 allows, as servers do: dots may stand anywhere. What
# may not stand here is all that could end an address, a command or a line.
PATH = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?:[A-Za-z0-9_.-]{1,253}|\[[A-Za-z0-9.:]{1,60}\])"
)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a server said of itself after EHLO, as far as it matters here."""

    # RFC 2920.
    pipelining: bool = False
    # RFC 1870: whether it wants to know sizes, and the bytes that it takes at most.
    sizes: bool = False
    limit: int | None = None


class EnvelopeCommands(NamedTuple):
    """Two commands; equal ones mean the same to a server, whichever message they were made for."""

    mail: bytes
    rcpt: bytes

    @property
    def group(self) -> bytes:
        """All commands up to the content, for one write (RFC 2920 section 3.1)."""
        return self.mail + self.rcpt + DATA


def envelope_commands(
    outgoing: OutgoingMessage, offers: Capabilities, *, has_taken: bool = False
) -> EnvelopeCommands | Outcome:
    """Write the commands for a message, or refuse it in the server's place.

    Raises Unreachable, for good, for what is wrong with every message: the sender, and the size,
    unless the server has taken others (`has_taken`). Its words follow the server's name.
    """
    if not PATH.fullmatch(outgoing.sender):
        raise Unreachable(_said(categories.SENDER_REFUSED, UNSENDABLE), is_final=True)
    if not PATH.fullmatch(outgoing.recipient):
        return Outcome(SendStatus.REFUSED, _said(categories.BAD_ADDRESS, UNSENDABLE))
    size = len(outgoing.message.content)
    if offers.limit is not None and size > offers.limit:
        said = _said(
            categories.TOO_LARGE, f"it has {size} bytes, and the limit is {offers.limit}"
        )
        if not has_taken:
            raise Unreachable(said, is_final=True)
        return Outcome(SendStatus.REFUSED, said)
    parameter = f" SIZE={size}" if offers.sizes else ""
    return EnvelopeCommands(
        f"MAIL FROM:<{outgoing.sender}>{parameter}\r\n".encode("ascii"),
        f"RCPT TO:<{outgoing.recipient}>\r\n".encode("ascii"),
    )


def _said(cause: BounceCategory, detail: str) -> str:
    return f"{cause.sentence} ({detail})"
