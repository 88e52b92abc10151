"""A web server of this machine that misbehaves: a behaviour for each path, such as `/gzip-bomb`.

For tests of whatever fetches. It listens on 127.0.0.1 alone. Each behaviour ends after a gigabyte, after thirty
seconds, or with the server's block.
"""

import gzip
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import chain, repeat
from socket import SHUT_WR, SO_LINGER, SOL_SOCKET, socket
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Final, TypeAlias

import brotli

Step: TypeAlias = bytes | float  # a piece of an answer, or seconds to wait
_Behaviour: TypeAlias = Callable[[], Iterable[Step]]
_LONGEST = 30.0  # seconds after which a behaviour ends, whatever the client does
_MAX_REQUEST = 65_536  # bytes of a request that are read
# Steps of their own: end what is sent and go on reading; break the connection off.
HALF_CLOSE: Final = b"half close"
RESET: Final = b"reset"
_ZEROS = bytes(1 << 20)
_OK = b"200 OK"
_MEGABYTES = 1000  # of bombs, and of bodies that never end


def raw_answer(*fields: str, body: bytes = b"", status: bytes = _OK) -> bytes:
    """Return an answer with just these header fields."""
    head = b"".join(f"{line}\r\n".encode("latin-1") for line in fields)
    return b"HTTP/1.1 " + status + b"\r\n" + head + b"\r\n" + body


def compressed_zeros(coding: str) -> Iterator[bytes]:
    """Compress a gigabyte of zeros: deflate, br, or else gzip. The pieces repeat, so it takes no time."""
    if coding == "br":
        packer = brotli.Compressor(quality=1)
        yield packer.process(_ZEROS) + packer.flush()
        piece = packer.process(_ZEROS) + packer.flush()
    else:
        zipper = zlib.compressobj(9, zlib.DEFLATED, 15 if coding == "deflate" else 31)
        yield zipper.compress(b"") + zipper.flush(zlib.Z_FULL_FLUSH)
        piece = zipper.compress(_ZEROS) + zipper.flush(zlib.Z_FULL_FLUSH)
    yield from repeat(piece, _MEGABYTES)


def _chunk(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)


def _bomb(coding: str, status: bytes = _OK) -> _Behaviour:
    head = raw_answer(f"Content-Encoding: {coding}", "Location: /plain", status=status)
    return lambda: chain([head], compressed_zeros(coding))


def _steps(*steps: Step) -> _Behaviour:
    return lambda: steps


def _says(*fields: str, body: bytes = b"", status: bytes = _OK) -> _Behaviour:
    return _steps(raw_answer(*fields, body=body, status=status))


def _redirect(location: str, status: bytes = b"302 Found") -> _Behaviour:
    return _says(f"Location: {location}", "Content-Length: 0", status=status)


def _slowly(content: bytes) -> Iterable[Step]:
    return chain.from_iterable((content[n : n + 1], 0.02) for n in range(len(content)))


_CHUNKED = raw_answer("Transfer-Encoding: chunked")
_HINTS = raw_answer("Link: </a.css>; rel=preload", status=b"103 Early Hints")
_CONTINUE = raw_answer(status=b"100 Continue")
_GZIP = gzip.compress(b"hello")
_PLAIN = raw_answer("Content-Type: text/plain", "Content-Length: 5", body=b"hello")

# What the server does at each path.
BEHAVIOURS: Mapping[str, _Behaviour] = {
    "plain": _steps(_PLAIN),
    # Connections.
    "silent": _steps(_LONGEST),
    "closes": _steps(),
    "resets": _steps(RESET),
    "resets-in-body": _steps(raw_answer("Content-Length: 9", body=b"half"), 0.05, RESET),
    "half-closed": _steps(raw_answer("Content-Length: 9", body=b"half"), HALF_CLOSE, _LONGEST),
    # Heads.
    "slow-head": lambda: _slowly(raw_answer("X-Field: " + "a" * 1000)),
    "cut-head": _steps(b"HTTP/1.1 200 OK\r\nContent-Ty"),
    "long-status": lambda: chain([b"HTTP/1.1 200 "], repeat(b"a" * 10_000, 10_000)),
    "long-field": lambda: chain([b"HTTP/1.1 200 OK\r\nA: "], repeat(b"a" * 10_000, 10_000)),
    "many-fields": lambda: chain([b"HTTP/1.1 200 OK\r\n"], repeat(b"A: b\r\n" * 100, 10_000)),
    "no-colon": _says("no field", "Content-Length: 5", body=b"hello"),
    "nul-in-field": _says("X: a\0b", "Content-Length: 5", body=b"hello"),
    "no-http": _steps(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "no-head": _steps(b"<html>hello</html>\n"),
    "other-version": _steps(b"HTTP/3.0 200 OK\r\n\r\nhello"),
    "no-number": _steps(b"HTTP/1.1 fine OK\r\n\r\nhello"),
    # Informational answers.
    "hints": _steps(_HINTS, _CONTINUE, _HINTS, _PLAIN),
    "endless-hints": lambda: repeat(_HINTS, 100_000),
    "endless-continue": lambda: repeat(_CONTINUE, 100_000),
    "other-protocol": _says("Upgrade: h2c", status=b"101 Switching Protocols"),
    # Lengths.
    "slow-body": lambda: chain([raw_answer()], _slowly(b"a" * 1500)),
    "endless-body": lambda: chain([raw_answer()], repeat(_ZEROS, _MEGABYTES)),
    "announced": _steps(raw_answer(f"Content-Length: {10**12}"), _LONGEST),
    "short-body": _says("Content-Length: 9", body=b"hello"),
    "long-body": _says("Content-Length: 5", body=b"hello, and more"),
    "two-lengths": _says("Content-Length: 5", "Content-Length: 6", body=b"hello!"),
    "negative-length": _says("Content-Length: -5", body=b"hello"),
    "word-as-length": _says("Content-Length: five", body=b"hello"),
    "body-without": _says(body=b"hello", status=b"204 No Content"),
    # Chunks.
    "endless-chunks": lambda: chain([_CHUNKED], repeat(_chunk(_ZEROS), _MEGABYTES)),
    "small-chunks": lambda: chain([_CHUNKED], repeat(_chunk(b"a") * 10_000, 1000)),
    "bad-chunk": _steps(_CHUNKED, b"zz\r\nhello\r\n0\r\n\r\n"),
    "negative-chunk": _steps(_CHUNKED, b"-5\r\nhello\r\n0\r\n\r\n"),
    "huge-chunk": _steps(_CHUNKED, b"f" * 30 + b"\r\nhello"),
    "cut-chunk": _steps(_CHUNKED, b"ff\r\nhello"),
    "no-last-chunk": _steps(_CHUNKED, _chunk(b"hello")),
    "long-chunk-line": lambda: chain([_CHUNKED], [b"5;"], repeat(b"a" * 10_000, 10_000)),
    "endless-trailers": lambda: chain(
        [_CHUNKED, _chunk(b"hello"), b"0\r\n"], repeat(b"A: b\r\n" * 1000, 10_000)
    ),
    # Codings.
    "gzip-bomb": _bomb("gzip"),
    "deflate-bomb": _bomb("deflate"),
    "brotli-bomb": _bomb("br"),
    "gzip-twice": _bomb("gzip, gzip"),
    "many-codings": _bomb(", ".join(["gzip"] * 100)),
    "other-coding": _says("Content-Encoding: zstd", body=b"\x28\xb5\x2f\xfd"),
    "broken-gzip": _says("Content-Encoding: gzip", body=b"\x1f\x8b\x08hello"),
    "gzip-in-chunks": _steps(
        raw_answer("Transfer-Encoding: chunked", "Content-Encoding: gzip"),
        *(_chunk(_GZIP[:15]), _chunk(_GZIP[15:]), b"0\r\n\r\n"),
    ),
    "cut-gzip-in-chunks": _steps(
        raw_answer("Transfer-Encoding: chunked", "Content-Encoding: gzip"),
        *(_chunk(_GZIP[:10]), b"0\r\n\r\n"),
    ),
    "padded-gzip": _says("Content-Encoding: gzip", body=_GZIP + b"\n"),
    "empty-gzip": _says("Content-Encoding: gzip"),
    "cut-gzip": _says("Content-Encoding: gzip", body=_GZIP[:-9]),
    "cut-brotli": _says("Content-Encoding: br", body=brotli.compress(b"hello")[:-1]),
    "blank-coding": _says("Content-Encoding: gzip ", body=_GZIP),
    "not-gzip": _says("Content-Encoding: gzip", body=b"hello"),
    # Redirects.
    "redirect": _redirect("/plain"),
    "moved": _redirect("/redirect", b"301 Moved Permanently"),
    "moved-twice": _redirect("/moved-for-good", b"301 Moved Permanently"),
    "moved-for-good": _redirect("/plain", b"308 Permanent Redirect"),
    "redirect-blank": _redirect("/plain "),
    "redirect-loop": _redirect("/redirect-loop"),
    "redirect-nowhere": _says("Content-Length: 0", status=b"302 Found"),
    "redirect-file": _redirect("file:///etc/hostname"),
    "redirect-gopher": _redirect("gopher://127.0.0.1:6379/_x"),
    "redirect-data": _redirect("data:,hello"),
    "redirect-loopback": _redirect("http://127.0.0.2/"),
    "redirect-ipv6": _redirect("http://[::1]/"),
    "redirect-metadata": _redirect("http://169.254.169.254/latest/meta-data/"),
    "redirect-decimal": _redirect("http://2130706434/"),
    "redirect-user": _redirect("http://example.org@127.0.0.2/"),
    "redirect-backslash": _redirect("http://127.0.0.2\\@example.org/"),
    "redirect-malformed": _redirect("http://[broken/"),
    "redirect-bomb": _bomb("gzip", status=b"302 Found"),
    # What only a caller can judge.
    "cookie": _says(
        "Set-Cookie: a=b", "Location: /plain", "Content-Length: 0", status=b"302 F"
    ),
    "wrong-type": _says("Content-Type: image/png", "Content-Length: 6", body=b"<rss/>"),
    "bad-charset": _says(
        "Content-Type: text/html; charset=\xfcnknown", "Content-Length: 1", body=b"\xff"
    ),
}
# What it says to a client that begins to speak TLS; `tls` of the server names one.
TLS_BEHAVIOURS: Mapping[str, _Behaviour] = {
    # An alert: handshake_failure (RFC 5246 section 7.2).
    "refused": _steps(b"\x15\x03\x03\x00\x02\x02\x28"),
    "plain": _says(status=b"400 Bad Request"),
    "closes": _steps(),
    "resets": _steps(RESET),
    "silent": _steps(_LONGEST),
    # The first of a record of 16 KB.
    "slow": lambda: chain([b"\x16\x03\x03\x40\x00"], _slowly(b"\x02" * 1500)),
}


class HostileServer:
    """What the server was asked: the first line and the header fields of each request, by path."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.heads: list[str] = []
        self.tls = "refused"
        self.stopping = threading.Event()

    @property
    def paths(self) -> list[str]:
        return [head.split(" ")[1] for head in self.heads]

    def url(self, behaviour: str) -> str:
        return f"http://127.0.0.1:{self.port}/{behaviour}"

    def steps_for(self, request: bytes) -> Iterable[Step]:
        """Note a request and return what it gets; of an unknown path nothing."""
        if request.startswith(b"\x16"):
            return TLS_BEHAVIOURS[self.tls]()
        head = request.partition(b"\r\n\r\n")[0].decode("latin-1")
        self.heads.append(head)
        path = head.split(" ")[1].partition("?")[0]
        return BEHAVIOURS.get(path.strip("/"), _steps())()


class _Handler(BaseRequestHandler):
    hostile: HostileServer

    def handle(self) -> None:
        line: socket = self.request
        line.settimeout(_LONGEST)
        ends = time.monotonic() + _LONGEST
        with suppress(OSError):
            request = line.recv(_MAX_REQUEST)
            for step in self.hostile.steps_for(request) if request else ():
                if self.hostile.stopping.is_set() or time.monotonic() > ends:
                    return
                self._do(line, step)

    def _do(self, line: socket, step: Step) -> None:
        if isinstance(step, float):
            self.hostile.stopping.wait(step)
        elif step is HALF_CLOSE:
            line.shutdown(SHUT_WR)
        elif step is RESET:
            line.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
            line.close()
        else:
            line.sendall(step)


class _Server(ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that close the connection."""


@contextmanager
def hostile_server() -> Iterator[HostileServer]:
    """Run a server at a free port of 127.0.0.1 while the block lasts."""
    handler = type("_HostileHandler", (_Handler,), {})
    with _Server(("127.0.0.1", 0), handler) as server:
        handler.hostile = hostile = HostileServer(server.server_address[1])  # type: ignore[attr-defined]  # made above
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield hostile
        finally:
            hostile.stopping.set()
            server.shutdown()
            thread.join()
