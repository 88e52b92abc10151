"""Write to and read whole replies from a mail server's socket. Every wait has a limit."""

from __future__ import annotations

import select
import socket
import ssl
from contextlib import suppress
from time import monotonic

from publisher.delivery.transports.smtp.replies import ConnectionLost, SmtpReply, first_reply

# Bytes read at once. The replies to a group of commands are much shorter.
_READ_SIZE = 4_096
# Seconds that QUIT may take.
_QUIT_SECONDS = 1.0
# On Linux, a packet that is not full is held back until the next write.
_MORE: int = getattr(socket, "MSG_MORE", 0)


class SmtpSocket:
    """A connected socket, for one thread. `timeout` is in seconds.

    Its methods raise ConnectionLost if the server is silent, gone, or does not speak SMTP.
    """

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
        """Whether bytes were received that are not read yet."""
        return bool(self._received)

    def write(self, data: bytes | memoryview) -> None:
        """Write all of it."""
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
        """Wait for one whole reply, for `patience` seconds or the timeout."""
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
        """Close at once. Never raises."""
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
