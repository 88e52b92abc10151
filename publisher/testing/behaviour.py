"""How a mail server of the tests behaves: what it offers, and what it does wrong and when.

Pure values and functions: knows no socket. A fault is a function from a moment of a
conversation to an action, or None where all goes well; `always`, `first`, `every` and `addressed`
make the common ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from publisher.config.delivery import Tls

_LOCAL = ("localhost", "127.0.0.1")
# What a server offers that has no other limit: 32 MiB.
_SIZE = 2**25


class Phase(StrEnum):
    """Where a conversation is (RFC 5321 section 3)."""

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
    # When the first of the content has come, and not yet all.
    CONTENT = "content"
    # After the final dot, instead of its reply.
    DOT = "dot"


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in a conversation. All numbers count from 1, over the server's whole life."""

    phase: Phase
    # How often this phase has been come to, on all connections.
    turn: int
    connection: int
    # The MAIL commands so far, on all connections and on this one; 0 before the first.
    message: int = 0
    message_here: int = 0
    # At MAIL, and from there on.
    sender: str = ""
    # At RCPT, and from there on the first that was taken.
    recipient: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """Answers with `text`, a code and words without the line's end; hangs up if told to.

    A 421 always hangs up (RFC 5321 section 3.8), and so does any reply at CONNECT and CONTENT. A
    2xx takes what is replied to; a message that is answered with anything else is not kept.
    """

    text: str
    hangs_up: bool = False


@dataclass(frozen=True, slots=True)
class Drop:
    """Hangs up without a word. At DOT, `kept` says that the message was taken all the same."""

    kept: bool = False


@dataclass(frozen=True, slots=True)
class Stall:
    """Waits for so many seconds, or until `MailServer.release`; then all goes on as if nothing.

    At DOT, `kept` takes the message before the wait; otherwise it is taken afterwards, if the
    client is still there.
    """

    seconds: float | None = None
    kept: bool = False


Action = Reply | Drop | Stall
Fault = Callable[[Moment], Action | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What a server offers and demands, and its faults: the first one that acts counts."""

    faults: tuple[Fault, ...] = ()
    # RFC 2920. What comes ahead of a reply is understood in any case, and counted in
    # `MailServer.hasty` if this was not offered.
    pipelining: bool = True
    # Bytes of a message at most (RFC 1870); None offers no SIZE and takes all.
    size: int | None = _SIZE
    # Seconds between a message's end and the reply.
    slow: float = 0.0
    # Connections open at once; the next ones are greeted with a 421.
    most_connections: int | None = None
    tls: Tls = Tls.NONE
    # Nothing but STARTTLS before STARTTLS (530).
    demands_tls: bool = False
    # A client certificate of `MailServer.authority`.
    demands_certificate: bool = False
    # Whom the server's certificate is for, and whether its time has passed.
    hosts: tuple[str, ...] = _LOCAL
    expired: bool = False
    # Names and passwords; AUTH is offered where there are any, with STARTTLS only inside TLS.
    users: Mapping[str, str] = field(default_factory=dict)
    # No MAIL before AUTH (530).
    demands_login: bool = False

    def action(self, moment: Moment) -> Action | None:
        """Say what goes wrong at a moment, if anything does."""
        actions = (fault(moment) for fault in self.faults)
        return next((action for action in actions if action is not None), None)


def always(phase: Phase, action: Action) -> Fault:
    """Act whenever a phase is come to."""
    return every(1, phase, action)


def first(count: int, phase: Phase, action: Action) -> Fault:
    """Act the first `count` times that a phase is come to."""
    return lambda moment: action if moment.phase is phase and moment.turn <= count else None


def every(count: int, phase: Phase, action: Action) -> Fault:
    """Act each `count`th time that a phase is come to."""
    return lambda moment: action if moment.phase is phase and moment.turn % count == 0 else None


def addressed(actions: Mapping[str, Action], phase: Phase = Phase.RCPT) -> Fault:
    """Act where a recipient is among those given; letters are the same in either case."""
    known = {address.lower(): action for address, action in actions.items()}
    return lambda moment: known.get(moment.recipient.lower()) if moment.phase is phase else None
