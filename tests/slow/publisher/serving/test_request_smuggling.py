"""Requests whose end two servers could see in two places: to our own, and through nginx as we configure it.

Each has a second request in what one reading takes for its body. It is refused, or reaches the application as
one request; the second one is never carried out.
"""

import re
import socket
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import flask
import pytest

from publisher.config import Settings
from publisher.database import open_database
from publisher.web.pages.responses import WebContext
from publisher.web.security import OriginCheck, origin_check
from tests.publisher.serving.samples import make_site
from tests.publisher.serving.web import running_web
from tools.servers.web_servers import Server, missing, nginx_server

pytestmark = pytest.mark.skipif(missing("nginx"), reason="no nginx on this machine")

# Seconds without a byte, after which there is no further answer.
SILENCE = 0.5
HIDDEN = b"GET /-/hidden/ HTTP/1.1\r\nHost: news.example.org\r\n\r\n"
REFUSED = {400, 404, 405, 411, 413, 421, 501, 505}


@dataclass
class Seen:
    """What reached the application: method, path and body of each request."""

    requests: list[tuple[str, str, bytes]] = field(default_factory=list)

    def add(self, app: flask.Flask, _context: WebContext) -> None:
        @app.before_request
        def note() -> None:
            one = flask.request
            self.requests.append((one.method, one.path, one.get_data()))

        for name in ("seen", "hidden"):

            @app.route(f"/-/{name}/", methods=["GET", "POST"], endpoint=name)
            @origin_check(OriginCheck.EXEMPT)
            def answer() -> str:
                return "done"


@pytest.fixture(scope="module", params=["nginx", "own"])
def served(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[tuple[Server, Seen]]:
    settings = make_site(tmp_path_factory.mktemp("site"), "https://news.example.org")
    open_database(settings.database).close()
    seen = Seen()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_web(settings, seen.add) as settings,
        nginx_server(settings, Path(folder)) as server,
    ):
        yield direct(server, settings) if request.param == "own" else server, seen


def direct(server: Server, settings: Settings) -> Server:
    """Return our own server, which otherwise stands behind nginx."""
    host, port = settings.web.address.split(":")
    address = (host, int(port))
    return replace(server, name="own", connect=lambda: socket.create_connection(address))


def send(server: Server, content: bytes) -> list[int]:
    """Send bytes on a connection of their own. Return the status of each answer."""
    with server.connect() as connection:
        connection.settimeout(SILENCE)
        received = b""
        # What it has answered until then counts.
        with suppress(TimeoutError, ConnectionError):
            connection.sendall(content)
            while part := connection.recv(65536):
                received += part
    return [int(one) for one in re.findall(rb"(?m)^HTTP/1\.[01] (\d{3}) ", received)]


def post(
    *lines: bytes, body: bytes = HIDDEN, start: bytes = b"POST /-/seen/ HTTP/1.1"
) -> bytes:
    return b"\r\n".join((start, b"Host: news.example.org", *lines, b"", body))


def length(body: bytes = HIDDEN) -> bytes:
    return b"Content-Length: %d" % len(body)


def chunk(data: bytes, size: bytes | None = None) -> bytes:
    return b"%s\r\n%s\r\n" % (b"%x" % len(data) if size is None else size, data)


CHUNKED = b"Transfer-Encoding: chunked"
END = b"0\r\n\r\n"
# Chunked it is empty, by its length it has a request.
EMPTY = END + HIDDEN
# Chunked it has a request, by its length it begins one.
WHOLE = chunk(HIDDEN) + END

# What RFC 9112 does not allow, or lets a server refuse.
MALFORMED = {
    "CL.TE": post(length(EMPTY), CHUNKED, body=EMPTY),
    "TE.CL": post(CHUNKED, b"Content-Length: 4", body=WHOLE),
    "CL.TE with a blank before the colon": post(
        length(EMPTY), b"Transfer-Encoding : chunked", body=EMPTY
    ),
    "CL.TE folded": post(length(EMPTY), b"Transfer-Encoding:\r\n chunked", body=EMPTY),
    "CL.TE after a bare LF": post(
        length(EMPTY), b"X: y\nTransfer-Encoding: chunked", body=EMPTY
    ),
    "CL.TE after a bare CR": post(
        length(EMPTY), b"X: y\rTransfer-Encoding: chunked", body=EMPTY
    ),
    "CL.TE after NUL": post(length(EMPTY), b"X: y\0Transfer-Encoding: chunked", body=EMPTY),
    "CL.TE with a tab": post(length(EMPTY), b"Transfer-Encoding:\tchunked", body=EMPTY),
    "CL.TE of another coding": post(length(EMPTY), b"Transfer-Encoding: xchunked", body=EMPTY),
    "TE chunked, identity": post(b"Transfer-Encoding: chunked, identity", body=EMPTY),
    "TE chunked twice": post(CHUNKED, CHUNKED, body=EMPTY),
    "TE in HTTP/1.0": post(CHUNKED, body=EMPTY, start=b"POST /-/seen/ HTTP/1.0"),
    "CL twice, other": post(b"Content-Length: 0", length()),
    "CL twice, same": post(length(), length()),
    "CL list": post(b"Content-Length: 0, %d" % len(HIDDEN)),
    "CL with a sign": post(b"Content-Length: +%d" % len(HIDDEN)),
    "CL empty": post(b"Content-Length:"),
    "CL folded": post(b"Content-Length:\r\n %d" % len(HIDDEN)),
    "CL of more than 64 bits": post(b"Content-Length: 18446744073709551616"),
    "chunk with a sign": post(CHUNKED, body=chunk(HIDDEN, b"+%x" % len(HIDDEN)) + END),
    "chunk of more than 64 bits": post(CHUNKED, body=chunk(HIDDEN, b"1" + b"0" * 16) + END),
    "chunk longer than it says": post(CHUNKED, body=b"1\r\nab\r\n" + END + HIDDEN),
    "two hosts": post(b"Host: evil.example", length()),
    "no version": post(length(), start=b"POST /-/seen/"),
    "a later version": post(length(), start=b"POST /-/seen/ HTTP/2.0"),
    "a control character in the path": post(length(), start=b"POST /-/se\0en/ HTTP/1.1"),
}

# Without a server before it, waitress reads these as RFC 9112, 6.3 says: the chunks count, and what follows
# is a request of the same client.
CHUNKED_COUNTS = {"CL.TE", "CL.TE folded", "CL.TE with a tab", "TE chunked twice"}

# What is allowed, with the body that it has.
ALLOWED = {
    "length": (post(length()), HIDDEN),
    "chunked": (post(CHUNKED, body=WHOLE), HIDDEN),
    "chunk with an extension": (
        post(CHUNKED, body=chunk(HIDDEN, b"%x;a=b" % len(HIDDEN)) + END),
        HIDDEN,
    ),
    "chunks with a trailer": (
        post(CHUNKED, body=chunk(HIDDEN) + b"0\r\nContent-Length: 0\r\n\r\n"),
        HIDDEN,
    ),
    "a field with an underscore": (post(length(), b"Transfer_Encoding: chunked"), HIDDEN),
    "GET with a body": (post(length(), start=b"GET /-/seen/ HTTP/1.1"), HIDDEN),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_request_with_two_ends_is_refused_or_is_one(
    served: tuple[Server, Seen], name: str
) -> None:
    server, seen = served
    seen.requests.clear()
    statuses = send(server, MALFORMED[name])
    if server.name == "own" and name in CHUNKED_COUNTS:
        assert seen.requests == [("POST", "/-/seen/", b""), ("GET", "/-/hidden/", b"")]
        return
    assert "/-/hidden/" not in {path for _method, path, _body in seen.requests}
    assert len(seen.requests) <= 1
    # Without a status it waits for the rest of a body, or the request was one of HTTP/0.9.
    assert not statuses or statuses[0] in REFUSED or len(seen.requests) == 1
    # What comes next on another connection is not what was hidden.
    assert send(server, post(length(b"next"), b"Connection: close", body=b"next")) == [200]
    assert seen.requests[-1] == ("POST", "/-/seen/", b"next")


@pytest.mark.parametrize("name", ALLOWED)
def test_a_request_that_is_allowed_arrives_whole(
    served: tuple[Server, Seen], name: str
) -> None:
    server, seen = served
    seen.requests.clear()
    content, body = ALLOWED[name]
    assert send(server, content) == [200]
    assert seen.requests == [(content.split()[0].decode(), "/-/seen/", body)]


def test_the_hidden_request_would_be_noticed(served: tuple[Server, Seen]) -> None:
    server, seen = served
    seen.requests.clear()
    assert send(server, HIDDEN) == [200]
    assert [path for _method, path, _body in seen.requests] == ["/-/hidden/"]
