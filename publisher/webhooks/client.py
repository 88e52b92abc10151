"""Send one request to a webhook: to an address that was checked, without redirects, within 15 seconds.

Of the answer only the status line and the header fields are read. So nothing of a body reaches a person or
the log, and no answer can be long.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, responses

from publisher import __version__
from publisher.errors import WebhookError
from publisher.webhooks.addresses import Target, parse_target, resolve

# Seconds, for a whole request. Standard Webhooks recommends 15 to 30.
REQUEST_SECONDS = 15.0
_SUCCESS, _REDIRECTION, GONE = range(200, 300), range(300, 400), 410
_HEADERS = {
    "Content-Type": "application/json",
    "User-Agent": f"newsletter-publisher/{__version__}",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request: the status, None if there was none, and a text for people."""

    status: int | None
    text: str

    @property
    def is_accepted(self) -> bool:
        """Whether the receiver has the event."""
        return self.status in _SUCCESS


@dataclass(frozen=True, slots=True)
class Caller:
    """Sends requests. `trusted` are the certificate authorities of servers; tests have their own."""

    allow_loopback: bool = False
    trusted: ssl.SSLContext | None = None
    seconds: float = REQUEST_SECONDS

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a request; errors of the receiver and of the network become an answer."""
        try:
            target = parse_target(url, allow_loopback=self.allow_loopback)
            address = resolve(target, allow_loopback=self.allow_loopback)
            return self._exchange(target, address, headers, body)
        except WebhookError as error:
            return Answer(None, f"not sent: {error}")
        except TimeoutError:
            return Answer(None, self._late())
        except ssl.SSLCertVerificationError as error:
            return Answer(None, f"its certificate can't be verified: {error.verify_message}")
        except (OSError, HTTPException) as error:
            return Answer(None, f"no answer: {_described(error)}")

    def _exchange(
        self, target: Target, address: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        """Send a request to one address. A server that answers byte by byte is cut off in the end."""
        answer: Answer | None
        watched = _WatchedSocket(socket.create_connection((address, target.port), self.seconds))
        with closing(watched), _after(self.seconds, watched.cut_off):
            try:
                if target.is_tls:
                    watched.start_tls(self.trusted or ssl.create_default_context(), target.host)
                answer = _request(watched.socket, target, {**_HEADERS, **headers}, body)
            except (OSError, HTTPException):
                if not watched.is_cut_off:
                    raise
                answer = None
        # To the parser, a header that was cut off is one that has ended.
        if answer is None or watched.is_cut_off:
            return Answer(None, self._late())
        return answer

    def _late(self) -> str:
        return f"no answer within {self.seconds:g} seconds"


def _request(
    line: socket.socket, target: Target, headers: Mapping[str, str], body: bytes
) -> Answer:
    connection = HTTPConnection(target.host, target.port)
    connection.sock = line
    with closing(connection):
        # The Host field as the address has it, not with the IP address.
        connection.request("POST", target.path, body, {"Host": target.netloc, **headers})
        status = connection.getresponse().status
    text = f"{status} {responses.get(status, '')}".strip()
    return Answer(
        status, text + (", and redirects are not followed" if status in _REDIRECTION else "")
    )


class _WatchedSocket:
    """A connection that another thread may cut off."""

    def __init__(self, plain: socket.socket) -> None:
        self.socket = plain
        self.is_cut_off = False

    def start_tls(self, trusted: ssl.SSLContext, host: str) -> None:
        # The handshake comes after the assignment, so that it can be cut off, too.
        self.socket = secured = trusted.wrap_socket(
            self.socket, server_hostname=host, do_handshake_on_connect=False
        )
        secured.do_handshake()

    def cut_off(self) -> None:
        self.is_cut_off = True
        with suppress(OSError):
            # The method of the plain socket: that of TLS is not safe while another thread reads.
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)

    def close(self) -> None:
        self.socket.close()


@contextmanager
def _after(seconds: float, action: Callable[[], None]) -> Iterator[None]:
    """Call a function in another thread if the body takes longer."""
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _described(error: OSError | HTTPException) -> str:
    """Describe an error. The text of an HTTPException may hold what the server sent."""
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return "it does not speak HTTP"
