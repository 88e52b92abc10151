"""A connection's bytes, both ways: whole replies come out, and no wait is without an end.

Knows replies, and nothing of what they answer.
"""

from __future__ import annotations

import select
import socket
import ssl
from contextlib import suppress
from time import monotonic

from publisher.delivery.smtp.replies import ConnectionLost, SmtpReply, first_reply

# Bytes read at once; replies to a group of commands are much shorter.
PIECE = 4_096
# Seconds that parting may take.
GOODBYE = 1.0
# Linux waits with a piece that fills no packet for what follows at once.
MORE: int = getattr(socket, "MSG_MORE", 0)


class SmtpSocket:
    """A socket that was connected, for one thread; `timeout` is in seconds.

    Its methods raise BrokenError when the other side is silent, gone, or speaks no SMTP.
    """

    def __init__(self, sock: socket.socket, timeout: float) -> None:
        self._sock = sock
        self._timeout = timeout
        self._received = bytearray()
        # TLS takes no flags, and cuts what is written into records of its own.
        self._flags = 0 if isinstance(sock, ssl.SSLSocket) else MORE
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        sock.settimeout(timeout)

    @property
    def has_leftovers(self) -> bool:
        """Whether more came than was read."""
        return bool(self._received)

    def write(self, data: bytes | memoryview) -> None:
        """Write all of it, or raise."""
        try:
            self._sock.sendall(data)
        except OSError as error:
            raise self._broken(error) from error

    def begin(self, data: bytes) -> None:
        """Write all of it, or raise; more is written at once."""
        try:
            self._sock.sendall(data, self._flags)
        except OSError as error:
            raise self._broken(error) from error

    def write_some(self, data: bytes) -> memoryview:
        """Write as much as goes, and give the rest; where it raises, nothing was written."""
        try:
            return memoryview(data)[self._sock.send(data) :]
        except OSError as error:
            raise self._broken(error) from error

    def reply(self, patience: float | None = None) -> SmtpReply:
        """Wait for one whole reply: for `patience` seconds, or as long as for any."""
        if patience is None:
            return self._reply(self._timeout)
        self._sock.settimeout(patience)
        reply = self._reply(patience)
        self._sock.settimeout(self._timeout)
        return reply

    def unasked(self) -> SmtpReply | None:
        """Give a reply that nobody has asked for, if there is one; does not wait for any."""
        if not self._received:
            if not self._poll.poll(0):
                return None
            self._sock.settimeout(0)
            try:
                self._receive()
            except (BlockingIOError, ssl.SSLWantReadError):
                # TLS had something to say to TLS.
                return None
            except OSError as error:
                raise self._broken(error) from error
            finally:
                self._sock.settimeout(self._timeout)
        return self._reply(self._timeout)

    def part(self) -> None:
        """Take leave (RFC 5321 section 4.1.1.10), quickly, and close; never raises."""
        with suppress(ConnectionLost, OSError):
            self._sock.settimeout(GOODBYE)
            self.write(b"QUIT\r\n")
            self._reply(GOODBYE)
        self.close()

    def close(self) -> None:
        """Close at once; never raises."""
        with suppress(OSError):
            self._sock.close()

    def _reply(self, patience: float) -> SmtpReply:
        deadline = monotonic() + patience
        while not (self._received and (found := first_reply(self._received))):
            if monotonic() > deadline:
                raise ConnectionLost(f"did not come to the end of a reply in {patience:g} s")
            try:
                self._receive()
            except OSError as error:
                raise self._broken(error, patience) from error
        reply, length = found
        del self._received[:length]
        return reply

    def _receive(self) -> None:
        piece = self._sock.recv(PIECE)
        if not piece:
            raise ConnectionLost("closed the connection")
        self._received += piece

    def _broken(self, error: OSError, patience: float | None = None) -> ConnectionLost:
        if isinstance(error, TimeoutError):
            return ConnectionLost(f"was silent for {patience or self._timeout:g} s")
        if isinstance(error, BrokenPipeError | ConnectionResetError):
            return ConnectionLost("broke off the connection")
        if isinstance(error, ssl.SSLError):
            return ConnectionLost(f"broke TLS: {error.reason or error}")
        return ConnectionLost(f"can't be heard any more: {error.strerror or error}")
