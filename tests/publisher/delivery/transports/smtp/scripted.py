"""A mail server that sends what a test says, byte by byte.

For what `publisher.testing.MailServer` is too well bred to say.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from publisher.delivery.transports.smtp.commands import Capabilities
from publisher.delivery.transports.smtp.session import SmtpConnection
from publisher.delivery.transports.smtp.socket_io import SmtpSocket

# Seconds after which a test has failed.
PATIENCE = 10.0
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
    def connected(
        self,
        *,
        pipelining: bool = True,
        holds_lease: Callable[[], bool] = lambda: True,
        timeout: float = SOON,
        patience: float = SOON,
    ) -> Iterator[SmtpConnection]:
        connection = self.connect(
            pipelining=pipelining, holds_lease=holds_lease, timeout=timeout, patience=patience
        )
        try:
            yield connection
        finally:
            connection.close()
