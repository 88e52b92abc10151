"""The SMTP commands of a message's envelope (RFC 5321 section 4.1.1). Pure.

Only addresses get into a command.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from publisher.delivery import causes
from publisher.delivery.outcomes import Outcome, SendStatus
from publisher.delivery.transports.base import OutgoingMessage, Unreachable

DATA_COMMAND = b"DATA\r\n"
RSET = b"RSET\r\n"
_NOT_AN_ADDRESS = "it can't be written in SMTP"
# A little more than RFC 5321 section 4.1.2 allows, as servers do: dots may stand anywhere. It
# allows nothing that could end an address, a command or a line.
_MAILBOX = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?:[A-Za-z0-9_.-]{1,253}|\[[A-Za-z0-9.:]{1,60}\])"
)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a server announced after EHLO, as far as it is used here."""

    # RFC 2920.
    pipelining: bool = False
    # RFC 1870: whether MAIL takes a size, and the maximum in bytes.
    sizes: bool = False
    max_size: int | None = None


class EnvelopeCommands(NamedTuple):
    """Two commands. Equal ones mean the same to a server, whatever message follows."""

    mail: bytes
    rcpt: bytes

    @property
    def group(self) -> bytes:
        """All commands up to the content, for one write (RFC 2920 section 3.1)."""
        return self.mail + self.rcpt + DATA_COMMAND


def envelope_commands(
    outgoing: OutgoingMessage, capabilities: Capabilities, *, has_accepted: bool = False
) -> EnvelopeCommands | Outcome:
    """Return the commands for a message, or the outcome if the server would refuse it.

    Raises Unreachable, for good, for what is wrong with every message: the sender's address, and
    the size unless the server has accepted others (`has_accepted`). The text of the error goes
    after the server's name.
    """
    if not _MAILBOX.fullmatch(outgoing.envelope_from):
        raise Unreachable(causes.SENDER_REFUSED.explain(_NOT_AN_ADDRESS), is_final=True)
    if not _MAILBOX.fullmatch(outgoing.recipient):
        return Outcome(SendStatus.REFUSED, _NOT_AN_ADDRESS, causes.BAD_ADDRESS)
    size, limit = len(outgoing.message.content), capabilities.max_size
    if limit is not None and size > limit:
        words = f"it has {size} bytes, and the limit is {limit}"
        if not has_accepted:
            raise Unreachable(causes.TOO_LARGE.explain(words), is_final=True)
        return Outcome(SendStatus.REFUSED, words, causes.TOO_LARGE)
    parameter = f" SIZE={size}" if capabilities.sizes else ""
    return EnvelopeCommands(
        f"MAIL FROM:<{outgoing.envelope_from}>{parameter}\r\n".encode("ascii"),
        f"RCPT TO:<{outgoing.recipient}>\r\n".encode("ascii"),
    )
