"""A mail server that sends what a test says, byte by byte.

For what `tools.servers.MailServer` is too well bred to say.
"""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from pydantic import SecretStr

from publisher.config.delivery import SmtpSettings, Tls
from publisher.delivery.transports.base import Outcome, OutgoingMessage, Unreachable
from publisher.delivery.transports.smtp.protocol import Capabilities, SmtpSocket
from publisher.delivery.transports.smtp.session import SmtpConnection
from publisher.delivery.transports.smtp.transport import (
    SmtpServer,
    connect_to_server,
    tls_context,
)
from publisher.mail import Message
from tests.sizes import PATIENCE

# Seconds that the clients of these tests wait for an answer that comes.
SOON = 5.0
# Seconds that they wait for one that does not.
TOO_SOON = 0.2


class Gone(Exception):  # noqa: N818  # no error: clients may go
    """The client has closed the connection."""


class Peer:
    """The client, as a server's script sees it."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._received = b""

    def say(self, *lines: str) -> None:
        self.put("".join(f"{line}\r\n" for line in lines).encode())

    def put(self, data: bytes) -> None:
        self._sock.sendall(data)

    def hear(self, expected: str = "") -> str:
        """Read a command. It has to begin with the expected word, in either case."""
        line = self._until(b"\r\n").decode()
        assert line.upper().startswith(expected.upper()), line
        return line.removesuffix("\r\n")

    def hear_all(self, *expected: str) -> list[str]:
        return [self.hear(command) for command in expected]

    def content(self) -> bytes:
        """Read a content, and its dot, as it is on the wire."""
        return self._until(b"\r\n.\r\n").removesuffix(b".\r\n")

    def hear_bytes(self, count: int) -> bytes:
        while len(self._received) < count:
            self._receive()
        data, self._received = self._received[:count], self._received[count:]
        return data

    def rest(self) -> bytes:
        """Read until the client closes."""
        with contextlib.suppress(Gone, ConnectionError):
            while True:
                self._receive()
        return self._received

    def has_more(self) -> bool:
        """Whether more has come than was read."""
        return bool(self._received)

    def secure(self, context: ssl.SSLContext) -> None:
        """Begin TLS."""
        self._sock = context.wrap_socket(self._sock, server_side=True)

    def drop(self) -> None:
        """Reset the connection: nothing of ours that is under way arrives."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    def close(self) -> None:
        """Close in the usual way."""
        self._sock.close()

    def _until(self, end: bytes) -> bytes:
        while end not in self._received:
            self._receive()
        line, _, self._received = self._received.partition(end)
        return line + end

    def _receive(self) -> None:
        try:
            piece = self._sock.recv(65_536)
        except ssl.SSLError:
            # How TLS calls a reset, at times.
            piece = b""
        if not piece:
            raise Gone
        self._received += piece


Script = Callable[[Peer], None]


class Scripted:
    """Plays one script per connection, in order; what a script raises is raised at the end."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts = scripts
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE)
        self.port: int = self._listener.getsockname()[1]
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error:
            # A failed client makes no more connections: don't wait for them.
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
        self._thread.join(2 * PATIENCE)
        self._listener.close()
        assert not self._thread.is_alive()
        if self._fault and not error:
            raise self._fault

    def _serve(self) -> None:
        try:
            for script in self._scripts:
                sock, _ = self._listener.accept()
                sock.settimeout(PATIENCE)
                self._play(script, Peer(sock))
        except BaseException as fault:  # noqa: BLE001  # raised again in the test's thread
            self._fault = fault

    def _play(self, script: Script, peer: Peer) -> None:
        with contextlib.suppress(Gone, ConnectionError), contextlib.closing(peer):
            script(peer)

    def connect(
        self,
        *,
        pipelining: bool = True,
        holds_lease: Callable[[], bool] = lambda: True,
        timeout: float = SOON,
        patience: float = SOON,
    ) -> SmtpConnection:
        """Connect without a greeting: scripts for this begin at MAIL."""
        sock = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        offers = Capabilities(pipelining=pipelining)
        return SmtpConnection(
            SmtpSocket(sock, timeout),
            offers,
            holds_lease,
            server="mail.example.org:25",
            patience=patience,
        )

    @contextlib.contextmanager
    def connected(self, **options: Any) -> Iterator[SmtpConnection]:
        """Connect as `connect` does, and close."""
        with contextlib.closing(self.connect(**options)) as connection:
            yield connection


# --- messages, and what a server's side of sending them is like


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
    message = Message(number, f"m{number}", content)
    return OutgoingMessage(7, "weekly/en/2026-01-09", sender, recipient, message)


def begin(peer: Peer) -> None:
    """Take a message's commands, and say yes to all three."""
    for command, answer in YES.items():
        peer.hear(command)
        peer.say(answer)


def take(peer: Peer) -> None:
    """Take a whole message."""
    begin(peer)
    peer.content()
    peer.say("250 2.0.0 Ok")


def part(peer: Peer) -> None:
    """Take leave."""
    peer.hear("QUIT")
    peer.say("221 2.0.0 Bye")


def take_the_rest(peer: Peer) -> None:
    """Take the content of the last message, whose commands were answered, and leave."""
    peer.content()
    peer.say("250 2.0.0 Ok")
    part(peer)


def hello(peer: Peer, *offers: str) -> None:
    """Greet, and answer EHLO with what is offered."""
    peer.say("220 mail.example.org ESMTP")
    introduce(peer, *offers)


def introduce(peer: Peer, *offers: str) -> None:
    peer.hear("EHLO ")
    peer.say("250-mail.example.org", *(f"250-{offer}" for offer in offers), "250 HELP")


def sent_to(
    script: Script, outgoing: OutgoingMessage | None = None, **options: Any
) -> tuple[Outcome, bool]:
    """Send one message to a script. Returns the outcome, and whether the connection is open."""
    with Scripted(script) as server, server.connected(**options) as connection:
        outcome = connection.send(outgoing or a_message())
        return outcome, connection.is_open


# --- connections, and what becomes of them


PASSWORD = "correct horse"
USERS = {"news": PASSWORD}


def a_server(
    port: int,
    *,
    tls: Tls = Tls.NONE,
    authorities: Path | None = None,
    host: str = "127.0.0.1",
    timeout: float = SOON,
    name: str | None = "client.example.org",
    user: str | None = None,
    password: str = PASSWORD,
) -> SmtpServer:
    values = {"host": host, "port": port, "tls": tls, "hello": name, "user": user}
    # Not checked: settings count in whole seconds, which is too long for a test.
    more = {"timeout": timeout, "authorities": authorities and str(authorities)}
    settings = SmtpSettings().model_copy(update={**values, **more})
    # Its sockets close themselves if the server resets the connection before TLS begins.
    context = tls_context(settings, Path())
    return SmtpServer(settings, context, SecretStr(password) if user else None)


def offers_of(server: SmtpServer) -> Capabilities:
    wire, offers = connect_to_server(server)
    wire.quit()
    return offers


def failure(server: SmtpServer) -> Unreachable:
    with pytest.raises(Unreachable) as caught:
        offers_of(server)
    return caught.value


def failing(script: Script, **changes: object) -> Unreachable:
    with Scripted(script) as scripted:
        return failure(a_server(scripted.port, **changes))  # type: ignore[arg-type]
