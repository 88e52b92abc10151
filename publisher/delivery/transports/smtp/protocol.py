"""What goes over the wire of SMTP: the commands of an envelope (RFC 5321 section 4.1.1), and replies (section 4.2).

Replies are read whole, where every wait has a limit. For storage and display one is redacted: a short line without
full addresses or tokens. What it means is decided in `classify`.
"""

import re
import select
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic
from typing import NamedTuple

from publisher.delivery import causes
from publisher.delivery.transports.base import Outcome, OutgoingMessage, SendStatus, Unreachable
from publisher.errors import DeliveryError

MAX_REPLY = 65_536  # bytes of a whole reply; RFC 5321 section 4.5.3.1.5 has 512 for one line
# All lines of a reply, with one code; "250" alone is a line, too.
_REPLY = re.compile(rb"([2-5][0-9]{2})(?:-[^\n]*\n\1)*(?: [^\n]*|\r?)\n")
_REPLY_LINE = re.compile(rb"[2-5][0-9]{2}(?:[ -][^\n]*|\r?)")
# RFC 2034 section 4. Some appliances write a #.
_ENHANCED_CODE = re.compile(r"#?([245]\.[0-9]{1,3}\.[0-9]{1,3})(?!\S)\s*")
_LEADING_CODE = re.compile(rf"\A{_ENHANCED_CODE.pattern}")  # elsewhere it may end an IP address


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
        found = _ENHANCED_CODE.match(self.texts[0].decode("ascii", "replace"))
        return found[1] if found else None

    @property
    def text(self) -> str:
        lines = (line.decode("utf-8", "replace") for line in self.texts)
        return " ".join(_LEADING_CODE.sub("", line) for line in lines).strip()

    @property
    def is_good(self) -> bool:
        return 200 <= self.code < 300  # noqa: PLR2004  # the class of RFC 5321 section 4.2.1

    @property
    def is_refusal(self) -> bool:
        return self.code >= 400  # noqa: PLR2004  # as above


class ConnectionLost(DeliveryError):  # noqa: N818  # a state, like ConnectionResetError
    """The session can't go on. Its text goes after "the server"; `reply` is the server's last, if that is the reason."""

    def __init__(self, problem: str, reply: SmtpReply | None = None) -> None:
        super().__init__(problem)
        self.reply = reply


def first_reply(received: bytearray) -> tuple[SmtpReply, int] | None:
    """Return the first reply and its length, None if incomplete. Raise ConnectionLost for one that is invalid or too long."""
    if found := _REPLY.match(received):
        return SmtpReply(int(found[1]), found[0]), found.end()
    lines = received.split(b"\n")[:-1]
    if any(not _REPLY_LINE.fullmatch(line) or line[:3] != lines[0][:3] for line in lines):
        raise ConnectionLost("sent an invalid reply")
    if len(received) > MAX_REPLY:
        raise ConnectionLost(f"sent a reply of more than {MAX_REPLY:,} bytes")
    return None


MAX_REPLY_TEXT = 1_000  # characters of a reply that are read: no reason needs more
# Everything before an @, which is %40 in a URL.
_LOCAL_PART = re.compile(r'(?:"[^"]*"|[^\s<>()\[\],;:"@]+)(?:@|%40)')
# A URL. What follows ? or # may be a token, or an address.
_URL = re.compile(r"(\bhttps?://[^\s<>\"?#]*)[?#][^\s<>\"]*")
_TOKEN = re.compile(r"[\w%+=~-]{20,}")  # too long for a word: a token, a session id, a digest
_TOKEN_KEPT = 6
_MIN_LOCAL_PART = 3  # shorter local parts occur in ordinary sentences


def redact_reply(text: str, recipient: str = "", longest: int = MAX_REPLY_TEXT) -> str:
    """Return a reply as one line of at most `longest` characters, without the recipient, addresses' names, queries, long tokens."""
    line = "".join(c if c.isprintable() else " " for c in text[: MAX_REPLY_TEXT + 1])
    if len(text) > MAX_REPLY_TEXT:
        # Half a word at the end could be half an address, which the patterns would miss.
        line = line.rpartition(" ")[0]
    line = _URL.sub(r"\1?…", line)
    line = _LOCAL_PART.sub("…@", line)
    name = recipient.rpartition("@")[0]
    if len(name) >= _MIN_LOCAL_PART and _may_hold(line, name):
        line = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "…", line, flags=re.IGNORECASE)
    line = _TOKEN.sub(lambda token: f"{token[0][:_TOKEN_KEPT]}…", line)
    return truncate(" ".join(line.split()), longest)


def _may_hold(line: str, name: str) -> bool:
    """Return False if a name is surely not in a line. That saves compiling its expression, which takes longer than all else."""
    is_plain = name.isascii() and line.replace("…", "").isascii()
    return not is_plain or name.lower() in line.lower()


def truncate(line: str, longest: int) -> str:
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


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

    pipelining: bool = False  # RFC 2920
    sizes: bool = False  # RFC 1870: whether MAIL takes a size
    max_size: int | None = None  # in bytes


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

    Raises Unreachable for what is wrong with every message: the sender, and the size unless one was accepted
    (`has_accepted`).
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


_READ_SIZE = 4_096  # Bytes read at once. The replies to a group of commands are much shorter.
_QUIT_SECONDS = 1.0  # seconds that QUIT may take
# On Linux, a packet that is not full is held back until the next write.
_MORE: int = getattr(socket, "MSG_MORE", 0)


class SmtpSocket:
    """A connected socket, for one thread. Raises ConnectionLost if the server is silent, gone, or speaks no SMTP."""

    def __init__(self, sock: socket.socket, timeout: float) -> None:
        self._sock = sock
        self._timeout = timeout
        self._received = bytearray()
        # TLS takes no flags and makes records of its own.
        self._flags = 0 if isinstance(sock, ssl.SSLSocket) else _MORE
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        sock.settimeout(timeout)

    @property
    def has_leftovers(self) -> bool:
        return bool(self._received)

    def write(self, data: bytes | memoryview) -> None:
        try:
            self._sock.sendall(data)
        except OSError as error:
            raise self._loss(error) from error

    def write_more(self, data: bytes) -> None:
        """Write all of it. Another write follows at once."""
        try:
            self._sock.sendall(data, self._flags)
        except OSError as error:
            raise self._loss(error) from error

    def write_some(self, data: bytes) -> memoryview:
        """Write as much as fits and return the rest. If it raises, nothing was written."""
        try:
            return memoryview(data)[self._sock.send(data) :]
        except OSError as error:
            raise self._loss(error) from error

    def reply(self, patience: float | None = None) -> SmtpReply:
        if patience is None:
            return self._reply(self._timeout)
        self._sock.settimeout(patience)
        reply = self._reply(patience)
        self._sock.settimeout(self._timeout)
        return reply

    def unsolicited(self) -> SmtpReply | None:
        """Return a reply that no command has caused, if one has come. Does not wait."""
        if not self._received:
            if not self._poll.poll(0):
                return None
            self._sock.settimeout(0)
            try:
                self._receive()
            except (BlockingIOError, ssl.SSLWantReadError):
                # The bytes were for TLS itself.
                return None
            except OSError as error:
                raise self._loss(error) from error
            finally:
                self._sock.settimeout(self._timeout)
        return self._reply(self._timeout)

    def quit(self) -> None:
        """Send QUIT (RFC 5321 section 4.1.1.10) and close. Never raises."""
        with suppress(ConnectionLost, OSError):
            self._sock.settimeout(_QUIT_SECONDS)
            self.write(b"QUIT\r\n")
            self._reply(_QUIT_SECONDS)
        self.close()

    def close(self) -> None:
        with suppress(OSError):
            self._sock.close()

    def _reply(self, patience: float) -> SmtpReply:
        deadline = monotonic() + patience
        while not (self._received and (found := first_reply(self._received))):
            if monotonic() > deadline:
                raise ConnectionLost(f"did not complete a reply in {patience:g} s")
            try:
                self._receive()
            except OSError as error:
                raise self._loss(error, patience) from error
        reply, length = found
        del self._received[:length]
        return reply

    def _receive(self) -> None:
        chunk = self._sock.recv(_READ_SIZE)
        if not chunk:
            raise ConnectionLost("closed the connection")
        self._received += chunk

    def _loss(self, error: OSError, patience: float | None = None) -> ConnectionLost:
        if isinstance(error, TimeoutError):
            return ConnectionLost(f"was silent for {patience or self._timeout:g} s")
        if isinstance(error, BrokenPipeError | ConnectionResetError):
            return ConnectionLost("broke off the connection")
        if isinstance(error, ssl.SSLError):
            return ConnectionLost(f"broke TLS: {error.reason or error}")
        return ConnectionLost(f"can't be reached any more: {error.strerror or error}")
