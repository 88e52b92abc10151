"""SMTP by hand, line by line, and through smtplib."""

import smtplib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from tests.sizes import PATIENCE
from tools.servers.mail_server import MailServer

SENDER = "digest@news.example.org"
RECIPIENT = "ann@example.org"
CONTENT = b"Message-ID: <1@news.example.org>\r\nSubject: The week\r\n\r\nA few words.\r\n"


class Line:
    """A raw connection. An empty reply means that it was closed."""

    def __init__(self, server: MailServer) -> None:
        self._socket = socket.create_connection((server.host, server.port), PATIENCE)
        self._replies = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._replies.close()
        self._socket.close()

    def say(self, data: bytes) -> None:
        self._socket.sendall(data)

    def hear(self) -> str:
        """Read a whole reply."""
        lines = []
        try:
            while line := self._replies.readline():
                lines.append(line.decode().rstrip("\r\n"))
                if line[3:4] != b"-":
                    break
        except ConnectionResetError:
            return ""
        return "\n".join(lines)

    def ask(self, command: str) -> str:
        """Send a command and return the reply, empty if the connection was closed."""
        try:
            self.say(command.encode() + b"\r\n")
        except (BrokenPipeError, ConnectionResetError):
            return ""
        return self.hear()

    def greet(self) -> str:
        """Read the greeting and say EHLO."""
        assert self.hear().startswith("220 ")
        return self.ask("EHLO client.example")

    def address(self, recipient: str = RECIPIENT) -> None:
        """Send the envelope and DATA."""
        assert self.ask(f"MAIL FROM:<{SENDER}>").startswith("250 ")
        assert self.ask(f"RCPT TO:<{recipient}>").startswith("250 ")
        assert self.ask("DATA").startswith("354 ")

    def send(self, recipient: str = RECIPIENT, content: bytes = CONTENT) -> str:
        """Send a whole message. Return the reply to the dot."""
        self.address(recipient)
        self.say(content + b".\r\n")
        return self.hear()


@contextmanager
def greeted(server: MailServer) -> Iterator[Line]:
    with Line(server) as line:
        line.greet()
        yield line


def deliver(client: smtplib.SMTP, *recipients: str) -> dict[str, tuple[int, bytes]]:
    return client.sendmail(SENDER, recipients or (RECIPIENT,), CONTENT)
