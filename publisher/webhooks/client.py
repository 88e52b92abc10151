"""Send one request to a webhook: to an address that was checked, without redirects, within 15 seconds.

An address must be https, at a host whose addresses are all on the public net. Otherwise whoever
adds a webhook could have this machine call others beside it, which trust it (server-side request
forgery). The name is resolved once, and the connection goes to an address that was checked.

Of the answer only the status line and the header fields are read. So nothing of a body reaches a
person or the log, and no answer can be long.
"""

import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, responses
from urllib.parse import urlsplit

from publisher import __version__
from publisher.errors import WebhookError

_MAX_LENGTH = 2000
# Visible ASCII: other characters have to be escaped in an address.
_CHARACTERS = re.compile(r"[!-~]+")
# Beside what `ipaddress` knows, which differs between versions of Python: for protocols, 6to4's relays,
# and those that carry an address of IPv4, which would be reached in the end: translated (RFC 6052, 8215),
# Teredo, 6to4, compatible.
_NETS = (
    "192.0.0.0/24 192.88.99.0/24 100.64.0.0/10 "
    "64:ff9b::/96 64:ff9b:1::/48 2001::/23 2001:db8::/32 2002::/16 ::/96"
)
_NOT_PUBLIC = [ipaddress.ip_network(net) for net in _NETS.split()]
_DEFAULT_PORTS = {"https": 443, "http": 80}
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Target:
    """Where a webhook's requests go. `netloc` is as in the address; `path` has the query."""

    is_tls: bool
    host: str
    port: int
    netloc: str
    path: str


def parse_target(url: str, *, allow_loopback: bool = False) -> Target:
    """Return where an address leads; raise WebhookError for one that no webhook may have.

    With `allow_loopback` it may also lead to this machine, by http.
    """
    if len(url) > _MAX_LENGTH or not _CHARACTERS.fullmatch(url):
        raise WebhookError(
            f"not an address of a webhook; write ASCII, {_MAX_LENGTH} characters at most"
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise WebhookError("not an address; write one like https://example.org/hook") from None
    is_local = allow_loopback and host in _LOOPBACK_NAMES
    if parts.scheme != "https" and not (is_local and parts.scheme == "http"):
        raise WebhookError("the address of a webhook begins with https://")
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        raise WebhookError(
            "the address of a webhook has a host, and neither a user nor a fragment (#)"
        )
    if (literal := _literal(host)) and not _may_be_called(literal, allow_loopback):
        raise WebhookError(
            f"{host}: is not on the public net, so nothing can be sent there; write the name of a public host"
        )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    port = _DEFAULT_PORTS[parts.scheme] if port is None else port
    return Target(parts.scheme == "https", host, port, parts.netloc, path)


def _literal(host: str) -> str:
    """Return the address that a host is, in any spelling that resolvers take; empty for a name."""
    try:
        # Also 0177.0.0.1 and 2130706433, but nothing with blanks, which can't be in an address.
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return host if ":" in host else ""


def resolve(target: Target, *, allow_loopback: bool = False) -> str:
    """Return an address of the target's host; raise WebhookError unless all of them are public.

    One public address among others is no proof: a name server may give another one next time.
    """
    try:
        entries = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise WebhookError(f"{target.host}: the name can't be resolved") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in entries))
    refused = [ip for ip in addresses if not _may_be_called(ip, allow_loopback)]
    if refused or not addresses:
        raise WebhookError(
            f"{target.host}: leads to {', '.join(refused) or 'no address'}, which is not on the public net"
        )
    return addresses[0]


def is_public(address: str) -> bool:
    """Return whether an IP address is one of the public net, and of a single host."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:  # with a zone, such as fe80::1%eth0
        return False
    if any(ip in net for net in _NOT_PUBLIC):
        return False
    if isinstance(ip, ipaddress.IPv6Address) and (ip.ipv4_mapped or ip.is_site_local):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _may_be_called(address: str, allow_loopback: bool) -> bool:
    if is_public(address):
        return True
    return allow_loopback and address in _LOOPBACK_NAMES


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
        with closing(watched), call_after(self.seconds, watched.cut_off):
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
        shut_down(self.socket)

    def close(self) -> None:
        self.socket.close()


def shut_down(line: socket.socket) -> None:
    """End a connection on which another thread waits."""
    with suppress(OSError):
        # The method of the plain socket: that of TLS is not safe while another thread reads.
        socket.socket.shutdown(line, socket.SHUT_RDWR)


@contextmanager
def call_after(seconds: float, action: Callable[[], None]) -> Iterator[None]:
    """Call a function in another thread if the body takes longer, in seconds."""
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
