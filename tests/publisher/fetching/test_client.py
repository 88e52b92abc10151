"""One request over real sockets: to a server that misbehaves, and to addresses that may not be reached."""

import gc
import gzip
import ipaddress
import logging
import os
import re
import socket
import ssl
import sys
import threading
import time
import traceback
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from publisher.fetching.addresses import LOOPBACK, WebRequest, read_target
from publisher.fetching.client import GuardedClient
from publisher.fetching.limits import FetchError, FetchLimits, FetchProblem
from publisher.testing.hostile_server import (
    BEHAVIOURS,
    TLS_BEHAVIOURS,
    HostileServer,
    hostile_server,
)
from tests.publisher.fetching.spellings import FOREIGN_HOSTS, TRICKS, disguised_urls
from tests.publisher.webhooks.receiver import receiving
from tools.servers.certificates import CertificateAuthority

# Of a body, in the tests of bombs.
MOST = 2_000_000
LIMITS = FetchLimits(seconds=20, sent_bytes=MOST, body_bytes=MOST)
# The server's address alone: nothing else of this machine may be reached.
THE_SERVER = LOOPBACK[:1]
LOCAL = GuardedClient(LIMITS, THE_SERVER)
# For what never ends.
HASTY = GuardedClient(FetchLimits(seconds=0.3), THE_SERVER)


@pytest.fixture(scope="module")
def running() -> Iterator[HostileServer]:
    with hostile_server() as server:
        yield server


@pytest.fixture
def server(running: HostileServer) -> HostileServer:
    running.heads.clear()
    return running


class Connections:
    """Where this process connected to, by an audit hook, which can't be removed."""

    def __init__(self) -> None:
        self.addresses: list[Any] = []
        self.is_on = False
        sys.addaudithook(self.note)

    def note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.is_on and event == "socket.connect":
            self.addresses.append(arguments[1])


NOTED = Connections()


@pytest.fixture
def connections() -> Iterator[list[Any]]:
    NOTED.addresses.clear()
    NOTED.is_on = True
    yield NOTED.addresses
    NOTED.is_on = False


def get(client: GuardedClient, url: str, **options: Any) -> tuple[int, bytes]:
    with client.open(WebRequest(url, **{"follow": "any", **options})) as response:
        return response.status, response.read()


def problem(client: GuardedClient, url: str, **options: Any) -> FetchProblem:
    with pytest.raises(FetchError) as raised:
        get(client, url, **options)
    return raised.value.problem


# --- a server that misbehaves -----------------------------------------------------------------


ANSWERED = {
    "plain": (200, b"hello"),
    "redirect": (200, b"hello"),
    "redirect-bomb": (200, b"hello"),
    "redirect-blank": (200, b"hello"),
    "moved": (200, b"hello"),
    "moved-twice": (200, b"hello"),
    "moved-for-good": (200, b"hello"),
    "gzip-in-chunks": (200, b"hello"),
    "padded-gzip": (200, b"hello"),
    "empty-gzip": (200, b""),
    "redirect-nowhere": (302, b""),
    "cookie": (200, b"hello"),
    "hints": (200, b"hello"),
    "no-colon": (200, b"hello"),
    "nul-in-field": (200, b"hello"),
    "long-body": (200, b"hello"),
    "negative-length": (200, b"hello"),
    "word-as-length": (200, b"hello"),
    "body-without": (204, b""),
    "wrong-type": (200, b"<rss/>"),
    "bad-charset": (200, b"\xff"),
}
LATE = {"silent", "slow-head", "slow-body", "announced"}
FAILURES = {
    FetchProblem.CLOSED: "closes resets cut-head other-protocol",
    FetchProblem.PROTOCOL: "many-fields no-http no-head other-version no-number",
    FetchProblem.TOO_LONG: "long-status long-field endless-hints endless-continue endless-body endless-chunks "
    "endless-trailers small-chunks gzip-bomb deflate-bomb brotli-bomb",
    FetchProblem.BROKEN: "resets-in-body half-closed short-body two-lengths bad-chunk huge-chunk cut-chunk "
    "no-last-chunk long-chunk-line gzip-twice many-codings other-coding broken-gzip not-gzip negative-chunk "
    "cut-gzip cut-gzip-in-chunks cut-brotli blank-coding",
    FetchProblem.REDIRECTS: "redirect-loop",
    FetchProblem.ADDRESS: "redirect-file redirect-gopher redirect-data redirect-user redirect-backslash "
    "redirect-malformed",
    FetchProblem.FORBIDDEN: "redirect-loopback redirect-ipv6 redirect-metadata redirect-decimal",
}
FAILING = [(why, path) for why, paths in FAILURES.items() for path in paths.split()]


def test_each_behaviour_of_the_server_has_a_test() -> None:
    assert sorted([*ANSWERED, *LATE, *(path for _why, path in FAILING)]) == sorted(BEHAVIOURS)
    assert len(BEHAVIOURS) > 50
    page = Path("docs/how-to/extend.md").read_text("utf-8")
    assert re.findall(
        r"`([a-z0-9-]+)`", page.partition("| behaviours |")[2].partition("\n\n")[0]
    ) == [*BEHAVIOURS]


@pytest.mark.parametrize("path", ANSWERED)
def test_an_answer_that_can_be_read_is_read(server: HostileServer, path: str) -> None:
    assert get(LOCAL, server.url(path)) == ANSWERED[path]


@pytest.mark.parametrize(("why", "path"), FAILING)
def test_an_answer_that_can_t_be_trusted_is_none_and_reaches_nothing_else(
    server: HostileServer, connections: list[Any], why: FetchProblem, path: str
) -> None:
    assert problem(LOCAL, server.url(path)) is why
    assert set(connections) == {("127.0.0.1", server.port)}
    assert set(server.paths) <= {f"/{path}", "/plain"}


@pytest.mark.parametrize("path", sorted(LATE))
def test_what_never_ends_is_cut_off(server: HostileServer, path: str) -> None:
    before = time.monotonic()
    assert problem(HASTY, server.url(path)) is FetchProblem.LATE
    # The server goes on for 30 seconds.
    assert time.monotonic() - before < 15


@pytest.mark.parametrize("behaviour", TLS_BEHAVIOURS)
def test_a_server_that_refuses_tls_is_said_to_and_leaves_no_socket_open(
    server: HostileServer, behaviour: str
) -> None:
    server.tls = behaviour
    url = server.url("plain").replace("http:", "https:")
    # A socket that is left open is a ResourceWarning, which fails a test.
    if behaviour in {"silent", "slow"}:
        assert problem(HASTY, url) is FetchProblem.LATE
    else:
        is_reset = behaviour == "resets"
        expected = FetchProblem.CLOSED if is_reset else FetchProblem.TLS
        assert problem(LOCAL, url) is expected
    gc.collect()
    assert server.heads == []


@pytest.mark.parametrize("path", ["gzip-bomb", "deflate-bomb", "brotli-bomb", "endless-body"])
def test_a_bomb_of_a_gigabyte_is_read_no_further_than_the_limit(
    server: HostileServer, path: str
) -> None:
    sizes: list[int] = []
    with LOCAL.open(WebRequest(server.url(path))) as response, pytest.raises(FetchError):
        sizes.extend(len(piece) for piece in response.pieces())
    assert max(sizes) <= 65_536
    assert MOST - 100_000 < sum(sizes) <= MOST


def test_a_bomb_takes_no_more_memory_than_its_limit(server: HostileServer) -> None:
    """What the decoders of C allocate is not counted here, and their output is."""
    get(LOCAL, server.url("plain"))
    tracemalloc.start()
    try:
        for path in ("gzip-bomb", "deflate-bomb", "brotli-bomb", "endless-chunks"):
            problem(GuardedClient(networks=THE_SERVER), server.url(path))
            gc.collect()  # pytest keeps the frames of errors
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 20_000_000


def test_many_small_pieces_take_no_more_memory_than_their_bytes() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with speaking(chunked + b"2\r\nab\r\n" * 50_000 + b"0\r\n\r\n") as url:
        tracemalloc.start()
        try:
            assert get(LOCAL, url) == (200, b"ab" * 50_000)
            _now, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 1_000_000


def test_a_body_that_was_compressed_is_read_and_both_sizes_count() -> None:
    packed = gzip.compress(os.urandom(100_000) + bytes(200_000))

    def size_with(**limits: int) -> int | FetchProblem:
        with speaking(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + packed) as url:
            try:
                return len(get(GuardedClient(FetchLimits(**limits), THE_SERVER), url)[1])
            except FetchError as error:
                return error.problem

    assert size_with(body_bytes=300_000) == 300_000
    assert size_with(body_bytes=299_999) is FetchProblem.TOO_LONG
    assert size_with(sent_bytes=50_000) is FetchProblem.TOO_LONG


class speaking:  # noqa: N801  # a block
    """A server that answers one request with some bytes; gives its URL."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __enter__(self) -> str:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return f"http://127.0.0.1:{self._server.getsockname()[1]}/"

    def __exit__(self, *_error: object) -> None:
        self._thread.join()
        self._server.close()

    def _serve(self) -> None:
        line, _address = self._server.accept()
        with line:
            line.recv(65_536)
            line.sendall(self._content)


# --- where requests go ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", [*disguised_urls(), *(f"http://{host}/" for host in FOREIGN_HOSTS), *TRICKS]
)
def test_nothing_is_reached_however_its_address_is_written(
    connections: list[Any], url: str
) -> None:
    why = problem(GuardedClient(LIMITS), url)
    assert why in {FetchProblem.ADDRESS, FetchProblem.FORBIDDEN, FetchProblem.NAME}
    assert connections == []


def lookup_of(*answers: list[str]) -> Any:
    """Return a look-up that gives these addresses, one list after the other, and the hosts it was asked for."""
    asked: list[str] = []

    def look_up(host: str, _port: int) -> list[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    return look_up, asked


@pytest.mark.parametrize(
    ("path", "moved_to"),
    [("plain", ""), ("redirect", ""), ("moved", "redirect"), ("moved-twice", "plain")],
)
def test_only_permanent_redirects_before_any_other_are_a_move(
    server: HostileServer, path: str, moved_to: str
) -> None:
    with LOCAL.open(WebRequest(server.url(path), follow="any")) as response:
        assert response.moved_to == (server.url(moved_to) if moved_to else "")
        assert response.url == server.url("plain")


def test_a_name_is_looked_up_once_for_a_connection(
    server: HostileServer, connections: list[Any]
) -> None:
    lookup, asked = lookup_of(["127.0.0.1"])
    client = GuardedClient(LIMITS, THE_SERVER, lookup=lookup)
    assert get(client, f"http://news.example:{server.port}/redirect") == (200, b"hello")
    # The redirect is a connection of its own.
    assert asked == ["news.example"] * 2
    assert connections == [("127.0.0.1", server.port)] * 2
    assert f"Host: news.example:{server.port}" in server.heads[1]


def test_a_name_that_leads_elsewhere_when_it_is_asked_again_is_judged_again(
    server: HostileServer, connections: list[Any]
) -> None:
    """The name server gives an address that may be reached first and another after that (DNS rebinding)."""
    lookup, asked = lookup_of(["127.0.0.1"], ["127.0.0.2"])
    client = GuardedClient(LIMITS, THE_SERVER, lookup=lookup)
    assert problem(client, f"http://news.example:{server.port}/redirect") is (
        FetchProblem.FORBIDDEN
    )
    assert asked == ["news.example"] * 2
    assert connections == [("127.0.0.1", server.port)]


@pytest.mark.parametrize("addresses", [["8.8.8.8", "127.0.0.1"], ["::1", "8.8.8.8"], []])
def test_one_private_address_among_public_ones_is_enough_to_refuse(
    connections: list[Any], addresses: list[str]
) -> None:
    client = GuardedClient(LIMITS, lookup=lookup_of(addresses)[0])
    assert problem(client, "http://example.org/") is FetchProblem.FORBIDDEN
    assert connections == []


@pytest.mark.parametrize("port", [22, 25, 1023])
def test_a_port_of_another_service_is_not_reached_on_the_public_net(
    connections: list[Any], port: int
) -> None:
    lookup = lookup_of(["1.1.1.1"])[0]
    assert (
        problem(GuardedClient(LIMITS, lookup=lookup), f"http://e.example:{port}/")
        is FetchProblem.ADDRESS
    )
    assert connections == []
    # In an intranet that somebody has named, and on other ports, it may be.
    for place, networks, ip in (
        (f"e.example:{port}", LOOPBACK, "127.0.0.1"),
        ("e.example:1024", (), "1.1.1.1"),
        ("e.example:443", (), "1.1.1.1"),
    ):
        client = GuardedClient(LIMITS, networks, lookup=lookup_of([ip])[0])
        target = read_target(f"http://{place}/")
        assert client._judged(target, time.monotonic() + 9) == [ip]


def test_of_a_thousand_private_addresses_three_are_said() -> None:
    many = [f"10.0.{n // 250}.{n % 250}" for n in range(1000)]
    client = GuardedClient(LIMITS, lookup=lookup_of(many)[0])
    with pytest.raises(FetchError) as raised:
        get(client, "http://example.org/")
    assert str(raised.value).endswith("example.org leads to 10.0.0.0, 10.0.0.1, 10.0.0.2")


def test_the_next_address_is_tried_when_one_refuses(server: HostileServer) -> None:
    client = GuardedClient(LIMITS, LOOPBACK, lookup=lookup_of(["::1", "127.0.0.1"])[0])
    assert get(client, f"http://news.example:{server.port}/plain") == (200, b"hello")


def test_if_all_addresses_fail_the_first_says_why() -> None:
    everybody = ipaddress.ip_network("255.255.255.255")
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://news.example:{server.getsockname()[1]}/"
    ips = ["127.0.0.1", str(everybody.network_address)]
    for order, why in ((1, FetchProblem.REFUSED), (-1, FetchProblem.UNREACHABLE)):
        lookup = lookup_of(ips[::order])[0]
        client = GuardedClient(LIMITS, (*THE_SERVER, everybody), lookup=lookup)
        assert problem(client, url) is why


def test_a_look_up_that_takes_too_long_is_left_behind() -> None:
    done = threading.Event()

    def slow(_host: str, _port: int) -> list[str]:
        done.wait(30)
        return ["8.8.8.8"]

    client = GuardedClient(FetchLimits(seconds=0.1), lookup=slow)
    assert problem(client, "http://example.org/") is FetchProblem.LATE
    done.set()


@contextmanager
def speaking_tls(
    folder: Path, content: bytes, tickets: int
) -> Iterator[tuple[GuardedClient, str]]:
    """Run a server that sends so many tickets for later sessions, answers, and closes the bare connection."""
    authority = CertificateAuthority(folder)
    files = authority.issue("server", ["localhost"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    context.num_tickets = tickets

    def serve() -> None:
        line, _address = listener.accept()
        with line, suppress(OSError), context.wrap_socket(line, server_side=True) as secured:
            secured.recv(65_536)
            secured.sendall(content)

    trusted = ssl.create_default_context(cafile=authority.path)
    client = GuardedClient(LIMITS, THE_SERVER, trusted, lookup_of(["127.0.0.1"])[0])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield client, f"https://localhost:{listener.getsockname()[1]}/"
        thread.join()


def test_what_tls_sends_beside_the_answer_counts(tmp_path: Path) -> None:
    """OpenSSL reads tickets and keys for as long as they come, and the deadline would pass meanwhile."""
    answer = b"HTTP/1.1 200 OK\r\n\r\nhello"
    with speaking_tls(tmp_path, answer, tickets=2) as (client, url):
        assert get(client, url) == (200, b"hello")
    with speaking_tls(tmp_path, answer[:-10], tickets=2) as (client, url):
        assert problem(client, url) is FetchProblem.CLOSED
    with speaking_tls(tmp_path, answer, tickets=2000) as (client, url):
        assert problem(client, url) is FetchProblem.TOO_LONG


def test_by_https_the_name_of_the_address_is_checked_after_each_look_up(tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    trusted = ssl.create_default_context(cafile=authority.path)
    client = GuardedClient(LIMITS, THE_SERVER, trusted, lookup_of(["127.0.0.1"])[0])
    sent = os.urandom(300_000)
    with receiving(authority.issue("receiver", ["news.example"])) as receiver:
        for host, why in (("news.example", None), ("other.example", FetchProblem.CERTIFICATE)):
            url, body = f"https://{host}:{receiver.port}/", {"method": "POST", "body": sent}
            if why is None:
                assert get(client, url, **body)[0] == 204
            else:
                assert problem(client, url, **body) is why
    assert [(one.headers["Host"], one.body) for one in receiver.requests] == [
        (f"news.example:{receiver.port}", sent)
    ]


# --- what is sent, and what is not ------------------------------------------------------------


def test_a_request_has_no_cookie_login_or_proxy_of_this_machine(
    server: HostileServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    assert get(LOCAL, server.url("cookie"))[0] == 200
    assert server.paths == ["/cookie", "/plain"]
    for head in server.heads:
        names = {line.partition(":")[0] for line in head.splitlines()[1:]}
        assert names == {"Host", "User-Agent", "Accept-Encoding", "Connection"}


def test_secrets_of_an_address_are_in_no_error_and_no_log(
    server: HostileServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key = "letmein"
    query = f"?key={key}"
    for path in BEHAVIOURS.keys() - LATE:
        said = ""
        try:
            with LOCAL.open(WebRequest(server.url(path) + query)) as response:
                said = repr(response)
                response.read()
        except FetchError as error:
            # With the errors of libraries that led to it.
            said = "".join(traceback.format_exception(error))
        assert said
        assert key not in said + caplog.text
