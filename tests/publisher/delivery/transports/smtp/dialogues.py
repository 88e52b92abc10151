"""Messages to send to a scripted server, and what the server's side of it is like."""

from collections.abc import Callable
from datetime import date

import pytest

from publisher.delivery.outcomes import Outcome
from publisher.delivery.transports.base import OutgoingMessage
from publisher.mail import Message
from tests.publisher.delivery.transports.smtp.scripted import SOON, Peer, Script, Scripted

CONTENT = b"Subject: The week\r\n\r\nNews.\r\n"
RECIPIENT = "ann@example.com"
SENDER = "digest@news.example.org"
PIPELINING = pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "stepwise"])
# The replies before each phase, and the bare yes to it.
YES = {"MAIL": "250 2.1.0 Ok", "RCPT": "250 2.1.5 Ok", "DATA": "354 Go ahead"}
PHASES = list(YES)
LARGE = (
    CONTENT + b"News upon news, line by line, until no buffer takes more of it.\r\n" * 200_000
)

End = Callable[[Peer], None]


def until(phase: str, end: End) -> Script:
    """Say yes to all commands before a phase; at that one, end."""

    def script(peer: Peer) -> None:
        for command in PHASES:
            peer.hear(command)
            if command == phase:
                end(peer)
                return
            peer.say(YES[command])

    return script


def after_the_dot(end: End) -> Script:
    def script(peer: Peer) -> None:
        begin(peer)
        peer.content()
        end(peer)

    return script


def saying(*lines: str) -> End:
    def end(peer: Peer) -> None:
        peer.say(*lines)
        peer.rest()

    return end


def silence(peer: Peer) -> None:
    peer.rest()


def close(peer: Peer) -> None:
    """Let the script end, which closes."""


def a_message(
    number: int = 1,
    *,
    recipient: str = RECIPIENT,
    sender: str = SENDER,
    content: bytes = CONTENT,
) -> OutgoingMessage:
    return OutgoingMessage(
        7,
        "weekly",
        "en",
        date(2026, 1, 9),
        sender,
        recipient,
        Message(number, f"m{number}", content),
    )


def begin(peer: Peer) -> None:
    """Take a message's commands, and say yes to all three."""
    peer.hear("MAIL FROM:")
    peer.say("250 2.1.0 Ok")
    peer.hear("RCPT TO:")
    peer.say("250 2.1.5 Ok")
    peer.hear("DATA")
    peer.say("354 Go ahead")


def take(peer: Peer) -> bytes:
    """Take a whole message, and give its content."""
    begin(peer)
    content = peer.content()
    peer.say("250 2.0.0 Ok")
    return content


def part(peer: Peer) -> None:
    """Take leave."""
    peer.hear("QUIT")
    peer.say("221 2.0.0 Bye")


def hello(peer: Peer, *offers: str) -> None:
    """Greet, and answer EHLO with what is offered."""
    peer.say("220 mail.example.org ESMTP")
    introduce(peer, *offers)


def introduce(peer: Peer, *offers: str) -> None:
    peer.hear("EHLO ")
    peer.say("250-mail.example.org", *(f"250-{offer}" for offer in offers), "250 HELP")


def sent_to(
    script: Script,
    outgoing: OutgoingMessage | None = None,
    *,
    pipelining: bool = True,
    holds_lease: Callable[[], bool] = lambda: True,
    timeout: float = SOON,
    patience: float = SOON,
) -> tuple[Outcome, bool]:
    """Send one message to a script. Returns the outcome, and whether the connection is open."""
    with (
        Scripted(script) as server,
        server.connected(
            pipelining=pipelining, holds_lease=holds_lease, timeout=timeout, patience=patience
        ) as connection,
    ):
        outcome = connection.send(outgoing or a_message())
        return outcome, connection.is_open
