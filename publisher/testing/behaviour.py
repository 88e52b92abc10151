"""The behaviour of the test mail server: what it offers, and which faults it has when. Pure.

A fault is a function from a moment of a session to an action, or None for no fault. `always`,
`first`, `every` and `addressed` make the common faults.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
    # Open connections at most; further ones get a 421.
    most_connections: int | None = None
    tls: Tls = Tls.NONE
    # Refuse commands before STARTTLS (530).
    demands_tls: bool = False
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
    return every(1, phase, action)


def first(count: int, phase: Phase, action: Action) -> Fault:
    """Act the first `count` times that a phase is reached."""
    return lambda moment: action if moment.phase is phase and moment.turn <= count else None


def every(count: int, phase: Phase, action: Action) -> Fault:
    """Act every `count`th time that a phase is reached."""
    return lambda moment: action if moment.phase is phase and moment.turn % count == 0 else None


def addressed(actions: Mapping[str, Action], phase: Phase = Phase.RCPT) -> Fault:
    """Act for some recipients; addresses are compared without case."""
    known = {address.lower(): action for address, action in actions.items()}
    return lambda moment: known.get(moment.recipient.lower()) if moment.phase is phase else None
