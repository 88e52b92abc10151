"""Parse SMTP replies (RFC 5321 section 4.2). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from publisher.errors import DeliveryError

# Bytes of a whole reply; RFC 5321 section 4.5.3.1.5 has 512 for one line.
MAX_REPLY = 65_536
# All lines of a reply, with one code; "250" alone is a line, too.
_REPLY = re.compile(rb"([2-5][0-9]{2})(?:-[^\n]*\n\1)*(?: [^\n]*|\r?)\n")
_REPLY_LINE = re.compile(rb"[2-5][0-9]{2}(?:[ -][^\n]*|\r?)")
# RFC 2034 section 4. Some appliances write a #.
_ENHANCED_CODE = re.compile(r"#?([245]\.[0-9]{1,3}\.[0-9]{1,3})(?!\S)\s*")
# Elsewhere it may be the end of an IP address.
_LEADING_CODE = re.compile(rf"\A{_ENHANCED_CODE.pattern}")


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
        """The texts of the lines, without codes and line ends."""
        return [line[4:].strip() for line in self.lines.split(b"\n")[:-1]]

    @property
    def enhanced(self) -> str | None:
        """The enhanced status code (RFC 3463), if there is one."""
        found = _ENHANCED_CODE.match(self.texts[0].decode("ascii", "replace"))
        return found[1] if found else None

    @property
    def text(self) -> str:
        """The text in one line, as the server wrote it, without codes."""
        lines = (line.decode("utf-8", "replace") for line in self.texts)
        return " ".join(_LEADING_CODE.sub("", line) for line in lines).strip()

    @property
    def is_good(self) -> bool:
        """Whether it is positive (2yz)."""
        return 200 <= self.code < 300  # noqa: PLR2004  # the class of RFC 5321 section 4.2.1

    @property
    def is_refusal(self) -> bool:
        """Whether it is negative, for now (4yz) or for good (5yz)."""
        return self.code >= 400  # noqa: PLR2004  # as above


class ConnectionLost(DeliveryError):  # noqa: N818  # a state, like ConnectionResetError
    """The session can't go on. Its text goes after "the server".

    `reply` is the server's last reply, if that is the reason.
    """

    def __init__(self, problem: str, reply: SmtpReply | None = None) -> None:
        super().__init__(problem)
        self.reply = reply


def first_reply(received: bytearray) -> tuple[SmtpReply, int] | None:
    """Return the first reply and its length in bytes, or None if it is not complete.

    Raises ConnectionLost for an invalid reply: no code, different codes, more than MAX_REPLY bytes.
    """
    if found := _REPLY.match(received):
        return SmtpReply(int(found[1]), found[0]), found.end()
    lines = received.split(b"\n")[:-1]
    if any(not _REPLY_LINE.fullmatch(line) or line[:3] != lines[0][:3] for line in lines):
        raise ConnectionLost("sent an invalid reply")
    if len(received) > MAX_REPLY:
        raise ConnectionLost(f"sent a reply of more than {MAX_REPLY:,} bytes")
    return None
