"""What the test mail server offers, which faults it has when, and what it received and counted.

A fault is a function from a moment of a session to an action, or None for no fault. `always`,
`first`, `every` and `addressed` make the common faults. They are pure; the record is safe among
threads.
"""

import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from publisher.config.delivery import Tls

_LOCAL = ("localhost", "127.0.0.1")
# The default maximum size of a message: 32 MiB.
_SIZE = 2**25


class Phase(StrEnum):
    """The phase of a session (RFC 5321 section 3)."""

    # Before the greeting; with implicit TLS, after the handshake.
    CONNECT = "connect"
    # EHLO or HELO.
    HELLO = "hello"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    # Instead of 354.
    DATA = "data"
    # When the first octet of the content has arrived.
    CONTENT = "content"
    # After the final dot, instead of its reply.
    DOT = "dot"


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in a session. All numbers count from 1, since the server was created."""

    phase: Phase
    # How often this phase was reached, on all connections.
    turn: int
    connection: int
    # The MAIL commands so far, on all connections and on this one; 0 before the first.
    message: int = 0
    message_here: int = 0
    # From MAIL on.
    sender: str = ""
    # At RCPT; later the first accepted recipient.
    recipient: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """Reply with `text`, a code and a text without a line end.

    The server then closes the connection if `hangs_up`, with a 421 (RFC 5321 section 3.8), and at
    CONNECT and CONTENT. A 2xx accepts the command; a message with any other reply is not kept.
    """

    text: str
    hangs_up: bool = False


@dataclass(frozen=True, slots=True)
class Drop:
    """Close the connection without a reply. At DOT, `kept` accepts the message nevertheless."""

    kept: bool = False


@dataclass(frozen=True, slots=True)
class Stall:
    """Wait for `seconds`, or until `MailServer.release`; then reply as usual.

    At DOT, `kept` accepts the message before the wait; otherwise it is accepted afterwards, if the
    client is still connected.
    """

    seconds: float | None = None
    kept: bool = False


Action = Reply | Drop | Stall
Fault = Callable[[Moment], Action | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What a server offers and requires, and its faults: the first that returns an action counts."""

    faults: tuple[Fault, ...] = ()
    # RFC 2920. Commands before a reply always work; `MailServer.hasty` counts them if PIPELINING was
    # not offered.
    pipelining: bool = True
    # Bytes of a message at most (RFC 1870); None offers no SIZE and has no limit.
    size: int | None = _SIZE
    # Seconds between a message's end and the reply.
    slow: float = 0.0
    tls: Tls = Tls.NONE
    # Require a client certificate of `MailServer.authority`.
    demands_certificate: bool = False
    # The hosts in the server's certificate, and whether it has expired.
    hosts: tuple[str, ...] = _LOCAL
    expired: bool = False
    # Passwords by user name. AUTH is offered if there are any, with STARTTLS only inside TLS.
    users: Mapping[str, str] = field(default_factory=dict)
    # Refuse MAIL before AUTH (530).
    demands_login: bool = False

    def action(self, moment: Moment) -> Action | None:
        """Return the action at a moment, None for no fault."""
        actions = (fault(moment) for fault in self.faults)
        return next((action for action in actions if action is not None), None)


def always(phase: Phase, action: Action) -> Fault:
    """Act whenever a phase is reached."""
    return lambda moment: action if moment.phase is phase else None


def first(count: int, phase: Phase, action: Action) -> Fault:
    """Act the first `count` times that a phase is reached."""
    return lambda moment: action if moment.phase is phase and moment.turn <= count else None


def addressed(actions: Mapping[str, Action], phase: Phase = Phase.RCPT) -> Fault:
    """Act for some recipients; addresses are compared without case."""
    known = {address.lower(): action for address, action in actions.items()}
    return lambda moment: known.get(moment.recipient.lower()) if moment.phase is phase else None


_MESSAGE_ID = re.compile(rb"^Message-ID:\s*(\S+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Received:
    """An accepted message. Its content has CRLF and no stuffed dots."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    # The number of its connection, from 1.
    connection: int
    # The user that logged in, and the version of TLS; empty for none.
    user: str = ""
    tls: str = ""

    @property
    def recipient(self) -> str:
        """The only recipient. Raise ValueError if there are several."""
        (recipient,) = self.recipients
        return recipient

    @property
    def message_id(self) -> str:
        """The Message-ID with its brackets; empty if there is none."""
        found = _MESSAGE_ID.search(self.content.partition(b"\r\n\r\n")[0])
        return found[1].decode("ascii", "replace") if found else ""


class ServerRecord:
    """All messages and counts, behind one lock. Each change wakes the threads that wait."""

    def __init__(
        self, on_message: Callable[[Received], None] | None, *, keeps_content: bool
    ) -> None:
        self.changed = threading.Condition()
        self.messages: list[Received] = []
        self.refused: Counter[int] = Counter()
        self.connections = self.at_once = 0
        self.hasty = 0
        self.failures: list[Exception] = []
        self._on_message = on_message
        self._keeps_content = keeps_content
        self._turns: Counter[Phase] = Counter()
        self._numbered = 0

    def keep(self, received: Received) -> None:
        """Store a message. From now on it counts as accepted."""
        if self._on_message:
            self._on_message(received)
        with self.changed:
            kept = received if self._keeps_content else replace(received, content=b"")
            self.messages.append(kept)
            self.changed.notify_all()

    def turn(self, phase: Phase) -> int:
        """Count a phase that was reached. Return how often it was."""
        with self.changed:
            self._turns[phase] += 1
            return self._turns[phase]

    def number(self) -> int:
        """Count a MAIL command. Return how many there were."""
        with self.changed:
            self._numbered += 1
            return self._numbered

    def open(self) -> int:
        """Count a new connection. Return its number."""
        with self.changed:
            self.connections += 1
            self.at_once += 1
            self.changed.notify_all()
            return self.connections

    def close(self) -> None:
        """Count a closed connection."""
        with self.changed:
            self.at_once -= 1
            self.changed.notify_all()

    def refuse(self, code: int) -> None:
        """Count a reply with 4xx or 5xx."""
        with self.changed:
            self.refused[code] += 1

    def hurry(self) -> None:
        """Count commands that did not wait for a reply though PIPELINING was not offered."""
        with self.changed:
            self.hasty += 1

    def fail(self, error: Exception) -> None:
        """Store an error that a fault or `on_message` raised."""
        with self.changed:
            self.failures.append(error)

    def wait(self, is_so: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait until a condition is true. Raise TimeoutError if it is not in time."""
        with self.changed:
            if not self.changed.wait_for(is_so, seconds):
                raise TimeoutError(f"{what}: not within {seconds:g} seconds")
