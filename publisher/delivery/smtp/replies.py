"""What a mail server says: one reply out of the bytes that came (RFC 5321 section 4.2). Pure.

Knows no socket, and not what a reply means for a message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from publisher.errors import DeliveryError

# Bytes of a reply, all its lines together; RFC 5321 section 4.5.3.1.5 has 512 for one line.
LONGEST = 65_536
# As many lines as there are, all of one code; "250" alone is a line, too.
WHOLE = re.compile(rb"([2-5][0-9]{2})(?:-[^\n]*\n\1)*(?: [^\n]*|\r?)\n")
LINE = re.compile(rb"[2-5][0-9]{2}(?:[ -][^\n]*|\r?)")
# RFC 2034 section 4; the # is some appliances' own.
ENHANCED = re.compile(r"#?([245]\.[0-9]{1,3}\.[0-9]{1,3})(?!\S)\s*")
# Elsewhere it may be the end of an IP address.
AT_FIRST = re.compile(rf"\A{ENHANCED.pattern}")


class SmtpPhase(StrEnum):
    """What a reply answers: a command, or the end of the content."""

    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    DOT = "dot"


@dataclass(frozen=True, slots=True)
class SmtpReply:
    """A reply as it came: its code, and its lines with codes and line ends."""

    code: int
    lines: bytes

    @property
    def texts(self) -> list[bytes]:
        """What the lines say, without codes and line ends."""
        return [line[4:].strip() for line in self.lines.split(b"\n")[:-1]]

    @property
    def enhanced(self) -> str | None:
        """The enhanced status code (RFC 3463), if there is one."""
        found = ENHANCED.match(self.texts[0].decode("ascii", "replace"))
        return found[1] if found else None

    @property
    def text(self) -> str:
        """The words in one line, as the server wrote them, without codes."""
        lines = (line.decode("utf-8", "replace") for line in self.texts)
        return " ".join(AT_FIRST.sub("", line) for line in lines).strip()

    @property
    def is_good(self) -> bool:
        """Whether it says yes (2yz)."""
        return 200 <= self.code < 300  # noqa: PLR2004  # the class of RFC 5321 section 4.2.1

    @property
    def is_refusal(self) -> bool:
        """Whether it says no, for now (4yz) or for good (5yz)."""
        return self.code >= 400  # noqa: PLR2004  # as above


class ConnectionLost(DeliveryError):  # noqa: N818  # a state, like ConnectionResetError
    """The conversation can't go on; `str()` says why, in words that follow "the server".

    `reply` is what it said last, where that tells why.
    """

    def __init__(self, problem: str, reply: SmtpReply | None = None) -> None:
        super().__init__(problem)
        self.reply = reply


def first_reply(received: bytearray) -> tuple[SmtpReply, int] | None:
    """Read the reply that comes first, and say how many bytes it takes; None: not all is here.

    Raises BrokenError for what is no reply: no code, codes that differ, more than LONGEST bytes.
    """
    if found := WHOLE.match(received):
        return SmtpReply(int(found[1]), found[0]), found.end()
    whole = received.split(b"\n")[:-1]
    if any(not LINE.fullmatch(line) or line[:3] != whole[0][:3] for line in whole):
        raise ConnectionLost("said what is no reply")
    if len(received) > LONGEST:
        raise ConnectionLost("did not come to the end of a reply")
    return None
