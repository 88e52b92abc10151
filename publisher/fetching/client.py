"""Send one request: to an address that was judged, within one deadline, with bounded bytes.

A host's name is looked up once for a connection. All its addresses are judged, and the connection goes to one of
these; each redirect is judged again. There are no cookies, no proxies of the environment and no .netrc. urllib3
decodes bodies piece by piece, and checks their length; sockets and deadlines are ours, since its time limits count
anew with each byte.
"""

import io
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any, TypeVar

from publisher import __version__
from publisher.fetching import addresses
from publisher.fetching.limits import USUAL_LIMITS, FetchError, FetchLimits, FetchProblem

if TYPE_CHECKING:
    from urllib3.response import HTTPResponse as DecodedResponse

_Result = TypeVar("_Result")
_PIECE = 65_536  # bytes of a body that are decoded at once
_CODINGS = frozenset({"gzip", "x-gzip", "deflate", "br"})
_PERMANENT = frozenset({HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.PERMANENT_REDIRECT})
_NO_CODING = frozenset({"", "identity", "none", "utf-8", "binary"})  # as servers write for none
_HEADERS = {
    "User-Agent": f"newsletter-publisher/{__version__}",
    "Accept-Encoding": "gzip, br",
    "Connection": "close",
}
# It would log whole addresses, beside header fields that it can't read.
logging.getLogger("urllib3.connection").disabled = True


_FIRST_FREE_PORT = 1024  # lower ones are those of well-known services (RFC 6335, section 6)


def look_up(host: str, port: int) -> list[str]:
    """Return the IP addresses of a host, in the system's order. Raise OSError."""
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))


@dataclass(frozen=True, slots=True)
class WebResponse:
    """An answer whose body is read while the client's block lasts. `url` is where the last redirect led.

    `moved_to` is where those led that are permanent (301, 308), as far as no other came before; empty if none did.
    """

    status: int
    headers: Mapping[str, str]
    url: str = field(repr=False)
    _answer: "DecodedResponse" = field(repr=False)
    _limits: FetchLimits = field(repr=False)
    moved_to: str = field(default="", repr=False)

    def pieces(self) -> Iterator[bytes]:
        """Read the body, decompressed. Raise FetchError if it is too long, incomplete or late."""
        self._check_coding()
        size = 0
        with _explained(self._limits):
            # Without the argument it would not decompress chunks.
            for piece in self._answer.stream(_PIECE, decode_content=True):
                size += len(piece)
                if size > self._limits.body_bytes:
                    raise FetchError(
                        FetchProblem.TOO_LONG, f"over {self._limits.body_bytes} bytes"
                    )
                yield piece
        self._check_end(size)

    def read(self) -> bytes:
        """Return the whole body; see `pieces`."""
        content = io.BytesIO()  # a list would take more than many small pieces
        content.writelines(self.pieces())
        return content.getvalue()

    def read_start(self, most: int) -> bytes:
        """Return what of the body comes at once, at most so many bytes. Raise FetchError."""
        self._check_coding()
        with _explained(self._limits):
            return self._answer.read1(most, decode_content=True)

    def _check_coding(self) -> None:
        # Not stripped: urllib3 would not know it.
        coding = self.headers.get("Content-Encoding", "").lower()
        if coding not in _CODINGS | _NO_CODING:
            raise FetchError(FetchProblem.BROKEN, "it is compressed in a way not asked for")

    def _check_end(self, size: int) -> None:
        """Raise FetchError for a compressed body that is cut off. To urllib3, it has ended."""
        decoder: Any = getattr(self._answer, "_decoder", None)
        packed: Any = getattr(decoder, "_obj", None)
        if packed is None or not (size or self._answer.chunked or self._answer.tell()):
            return
        is_whole = packed.is_finished() if hasattr(packed, "is_finished") else packed.eof
        # After the first member of gzip anything may follow.
        if not (is_whole or getattr(decoder, "_state", 0)):
            raise FetchError(FetchProblem.BROKEN)


@dataclass(frozen=True, slots=True)
class GuardedClient:
    """Sends requests to the public net, and to `networks`.

    `trusted` are the certificate authorities of servers, the system's if there are none here.
    """

    limits: FetchLimits = USUAL_LIMITS
    networks: tuple[addresses.IPNetwork, ...] = ()
    trusted: ssl.SSLContext | None = None
    lookup: Callable[[str, int], list[str]] = look_up

    @contextmanager
    def open(self, request: addresses.WebRequest) -> Iterator[WebResponse]:
        """Send a request and give its answer, with the redirects that it follows. Raise FetchError.

        A redirect that it does not follow is an answer.
        """
        ends = time.monotonic() + self.limits.seconds
        moved_to, is_moving = "", True
        for _hop in range(self.limits.redirects + 1):
            with self._exchange(request, ends) as answer:
                location = answer.headers.get("Location", "")
                following = addresses.redirected(request, answer.status, location)
                if following is None:
                    yield replace(answer, moved_to=moved_to)
                    return
                is_moving = is_moving and answer.status in _PERMANENT
            moved_to = following.url if is_moving else moved_to
            request = following
        raise FetchError(FetchProblem.REDIRECTS, f"over {self.limits.redirects}")

    @contextmanager
    def _exchange(self, request: addresses.WebRequest, ends: float) -> Iterator[WebResponse]:
        target = addresses.read_target(request.url)
        with ExitStack() as stack:
            with _explained(self.limits):
                line = stack.enter_context(closing(self._connect(target, ends)))
                wire = _Wire(line, ends, self.limits.header_bytes)
                if target.is_tls:
                    trusted = self.trusted or _system_authorities()
                    wire.begin_tls(trusted, target.host.rstrip("."))
                answer = stack.enter_context(closing(_sent(wire, target, request)))
                wire.begin_body(self.limits.sent_bytes)
            yield WebResponse(answer.status, answer.headers, request.url, answer, self.limits)

    def _connect(self, target: addresses.WebTarget, ends: float) -> socket.socket:
        ips = self._judged(target, ends)
        # That of the first address, which the system takes for the best.
        refusal: OSError | None = None
        for number, address in enumerate(ips):
            try:
                seconds = _left(ends) / (len(ips) - number)
                return socket.create_connection((address, target.port), seconds)
            except OSError as error:
                refusal = refusal or error
        raise refusal or OSError()

    def _judged(self, target: addresses.WebTarget, ends: float) -> list[str]:
        """Return the addresses of a host; raise FetchError unless all of them may be reached.

        One public address among others is no proof: a name server may give another one next time.
        """
        try:
            ips = _within(lambda: self.lookup(target.host, target.port), _left(ends))
        except TimeoutError:
            raise
        except (OSError, UnicodeError):
            raise FetchError(FetchProblem.NAME, target.host) from None
        refused = [ip for ip in ips if not addresses.may_reach(ip, self.networks)]
        if refused or not ips:
            # A name server may give thousands.
            to = ", ".join(refused[:3]) or "no address"
            where = f"{target.host} leads to {to}"
            raise FetchError(FetchProblem.FORBIDDEN, to if to == target.host else where)
        # Others of these are of mail servers and the like, which nobody shall reach through us.
        is_web = target.port in {80, 443} or target.port >= _FIRST_FREE_PORT
        if not is_web and any(map(addresses.is_public, ips)):
            raise FetchError(FetchProblem.ADDRESS, f"port {target.port} is none of the web")
        return ips


@cache
def _system_authorities() -> ssl.SSLContext:
    return ssl.create_default_context()


def _left(ends: float) -> float:
    """Return the seconds that are left; raise TimeoutError if there are none."""
    seconds = ends - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def _within(action: Callable[[], list[str]], seconds: float) -> list[str]:
    """Call a function in a thread that is left behind when the time is over: nothing else ends a look-up."""
    result = Future[list[str]]()

    def run() -> None:
        try:
            result.set_result(action())
        except Exception as error:  # noqa: BLE001  # it is raised where the result is read
            result.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return result.result(seconds)


def _sent(
    wire: "_Wire", target: addresses.WebTarget, request: addresses.WebRequest
) -> "DecodedResponse":
    """Send a request and read the head of its answer."""
    # Not at the top: it takes a third of a second, and most commands fetch nothing.
    from urllib3.connection import HTTPConnection

    connection = HTTPConnection(target.host, target.port)
    connection.response_class = _FinalResponse
    connection.sock = wire  # what of a socket it uses
    headers = {"Host": target.netloc, **_HEADERS, **request.headers}
    connection.request(
        request.method, target.path, request.body, headers, preload_content=False
    )
    return connection.getresponse()


class _FinalResponse(HTTPResponse):
    """Skips informational answers, of which http.client skips only 100 (RFC 9110 section 15.2)."""

    def begin(self) -> None:
        super().begin()
        while 100 <= self.status < 200:  # noqa: PLR2004  # the class of informational answers
            self.headers = self.msg = None  # type: ignore[assignment]  # as before an answer
            super().begin()


class _Wire(io.RawIOBase):
    """A connection as http.client uses it: each call has what is left of the time, and reads are counted.

    TLS gets its bytes from here, too. With a socket of its own, OpenSSL reads on for as long as a server sends
    tickets and keys.
    """

    def __init__(self, line: socket.socket, ends: float, head_bytes: int) -> None:
        self._line = line
        self._ends = ends
        # Bytes that may still be read.
        self._left = head_bytes
        self._is_in_head = True
        self._tls: ssl.SSLObject | None = None
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()

    def begin_tls(self, trusted: ssl.SSLContext, host: str) -> None:
        self._tls = trusted.wrap_bio(self._received, self._to_send, server_hostname=host)
        self._by_tls(self._tls.do_handshake)

    def begin_body(self, most: int) -> None:
        self._left, self._is_in_head = most, False

    def sendall(self, content: bytes) -> None:
        if self._tls is None:
            self._send(content)
            return
        rest = memoryview(content)
        while rest:
            rest = rest[self._by_tls(self._tls.write, rest) :]

    def _send(self, content: bytes) -> None:
        rest = memoryview(content)
        while rest:
            self._line.settimeout(_left(self._ends))
            rest = rest[self._line.send(rest) :]

    def _by_tls(self, step: Callable[..., _Result], *arguments: object) -> _Result:
        """Take a step of TLS, which may send and read."""
        while True:
            try:
                result = step(*arguments)
            except ssl.SSLWantReadError:
                self._send(self._to_send.read())
                if content := self._receive(_PIECE):
                    self._received.write(content)
                else:
                    self._received.write_eof()
            else:
                self._send(self._to_send.read())
                return result

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def settimeout(self, _seconds: object) -> None:
        """Ignore urllib3's time limits: they count from each call on."""

    def close(self) -> None:
        """Do nothing: http.client closes it while the body is read. The client closes the connection."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = b""
        if self._tls is None:
            content = self._receive(len(buffer))
        else:
            # Many servers close a connection without a word of TLS.
            with suppress(ssl.SSLEOFError):
                content = self._by_tls(self._tls.read, len(buffer))
        if not content and self._is_in_head:
            # To http.client, a head that is cut off has ended.
            raise ConnectionAbortedError
        buffer[: len(content)] = content
        return len(content)

    def _receive(self, most: int) -> bytes:
        if self._left <= 0:
            raise FetchError(FetchProblem.TOO_LONG)
        self._line.settimeout(_left(self._ends))
        content = self._line.recv(min(most, self._left))
        self._left -= len(content)
        return content


@contextmanager
def _explained(limits: FetchLimits) -> Iterator[None]:
    """Raise FetchError for what goes wrong. The errors of libraries have addresses, or what the server sent."""
    from urllib3 import exceptions

    try:
        yield
    except (TimeoutError, exceptions.ReadTimeoutError):
        raise FetchError(FetchProblem.LATE, f"{limits.seconds:g}") from None
    except ssl.SSLCertVerificationError as error:
        raise FetchError(FetchProblem.CERTIFICATE, error.verify_message) from None
    except (ssl.SSLError, exceptions.SSLError):
        raise FetchError(FetchProblem.TLS) from None
    except ConnectionRefusedError:
        raise FetchError(FetchProblem.REFUSED) from None
    except ConnectionError:
        raise FetchError(FetchProblem.CLOSED) from None
    except OSError as error:
        text = error.strerror or type(error).__name__
        raise FetchError(FetchProblem.UNREACHABLE, text) from None
    # ValueError: a chunk whose length is negative.
    except (exceptions.HTTPError, ValueError):
        raise FetchError(FetchProblem.BROKEN) from None
    except HTTPException:
        raise FetchError(FetchProblem.PROTOCOL) from None
