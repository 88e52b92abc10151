"""One request: where it goes, and where it does not; and what each answer means."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from publisher.errors import WebhookError
from publisher.webhooks.client import Caller, is_public, parse_target, resolve
from tests.publisher.webhooks.receiver import Receiver, Reply, receiving
from tools.servers.certificates import CertificateAuthority

LOCAL = Caller(allow_loopback=True)


def test_a_request_has_the_headers_and_the_body_that_were_given(receiver: Receiver) -> None:
    answer = LOCAL.post(f"{receiver.url}?key=1", {"webhook-id": "evt_1"}, b'{"a":1}')
    (request,) = receiver.requests
    assert (answer.status, answer.text, answer.is_accepted) == (204, "204 No Content", True)
    assert (request.path, request.body) == ("/hook?key=1", b'{"a":1}')
    assert request.headers["webhook-id"] == "evt_1"
    assert request.headers["Host"] == f"127.0.0.1:{receiver.port}"
    assert request.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "status", [200, 201, 202, 204, 299, 300, 304, 400, 404, 410, 429, 500, 503]
)
def test_only_answers_of_200_to_299_accept(receiver: Receiver, status: int) -> None:
    receiver.reply = Reply(status)
    answer = LOCAL.post(receiver.url, {}, b"")
    assert (answer.is_accepted, answer.status) == (status < 300, status)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(receiver: Receiver, status: int) -> None:
    receiver.reply = Reply(status, {"Location": f"{receiver.url}/elsewhere"})
    answer = LOCAL.post(receiver.url, {}, b"")
    assert (len(receiver.requests), answer.is_accepted) == (1, False)
    assert "redirects are not followed" in answer.text


def test_without_the_setting_this_machine_is_not_called(receiver: Receiver) -> None:
    answer = Caller().post(receiver.url.replace("http:", "https:"), {}, b"")
    assert answer.status is None
    assert (
        answer.text
        == "not sent: 127.0.0.1: is not on the public net, so nothing can be sent there; write the name of a public host"
    )
    assert receiver.requests == []


def test_a_name_that_leads_elsewhere_when_it_is_asked_again_is_not_asked_again(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name server gives a public address first and this machine's after that (DNS rebinding)."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def rebinding(host: str, *arguments: Any, **options: Any) -> Any:
        asked.append(host)
        first = "8.8.8.8" if len(asked) == 1 else "127.0.0.1"
        return real(first, *arguments, **options)

    connected: list[tuple[str, int]] = []

    def connect(address: tuple[str, int], _seconds: float) -> socket.socket:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(socket, "create_connection", connect)
    answer = Caller().post(f"https://rebinding.example:{receiver.port}/", {}, b"")
    assert asked == ["rebinding.example"]
    assert connected == [("8.8.8.8", receiver.port)]
    assert answer.text == "no answer: the connection was refused"


def test_a_receiver_that_sends_byte_by_byte_is_cut_off(receiver: Receiver) -> None:
    receiver.reply = Reply(dribble=0.05)
    before = time.monotonic()
    answer = Caller(allow_loopback=True, seconds=0.5).post(receiver.url, {}, b"")
    assert (answer.status, answer.text) == (None, "no answer within 0.5 seconds")
    assert time.monotonic() - before < 20


def test_a_receiver_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        answer = Caller(allow_loopback=True, seconds=0.2).post(url, {}, b"")
    assert answer.text == "no answer within 0.2 seconds"


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (b"", "no answer"),
        (b"SSH-2.0-OpenSSH\r\n", "no answer: it does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"a" * 70_000, "no answer"),
    ],
)
def test_what_is_no_http_is_no_answer(sent: bytes, text: str) -> None:
    def speak(line: socket.socket) -> None:
        line.sendall(sent)

    with speaking(speak) as url:
        answer = LOCAL.post(url, {}, b"")
    assert answer.status is None
    assert answer.text.startswith(text)
    assert "OpenSSH" not in answer.text


def test_a_connection_that_is_refused_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    answer = LOCAL.post(f"http://127.0.0.1:{port}/", {}, b"")
    assert answer.text == "no answer: the connection was refused"


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority(tmp_path)


def _trusting(authority: CertificateAuthority) -> Caller:
    return Caller(
        allow_loopback=True, trusted=ssl.create_default_context(cafile=authority.path)
    )


def test_by_https_the_name_of_the_address_is_checked(authority: CertificateAuthority) -> None:
    with receiving(authority.issue("receiver", ["localhost"])) as receiver:
        assert _trusting(authority).post(receiver.url, {}, b"{}").is_accepted
        assert receiver.requests[0].headers["Host"] == f"localhost:{receiver.port}"


@pytest.mark.parametrize(
    ("host", "expired", "is_known"),
    [("example.org", False, True), ("localhost", True, True), ("localhost", False, False)],
    ids=["another host", "old", "another authority"],
)
def test_a_certificate_of_another_host_or_authority_or_an_old_one_is_refused(
    authority: CertificateAuthority, host: str, *, expired: bool, is_known: bool
) -> None:
    caller = _trusting(authority) if is_known else LOCAL
    with receiving(authority.issue("receiver", [host], expired=expired)) as receiver:
        answer = caller.post(receiver.url, {}, b"{}")
        assert receiver.requests == []
    assert answer.text.startswith("its certificate can't be verified")


@contextmanager
def speaking(speak: Callable[[socket.socket], None]) -> Iterator[str]:
    """Run a server that reads a request, says something and closes the connection; give its URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            line, _address = server.accept()
            with line:
                line.recv(65_536)
                speak(line)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        thread.join()


# --- no webhook makes the program call a machine that is not on the public net


# Also carrier-grade NAT (100.64), the metadata of clouds (169.254) and Teredo (2001::).
PRIVATE = """
    0.0.0.0 10.0.0.1 100.64.0.1 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 172.31.255.255
    192.0.0.8 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.7 203.0.113.9 224.0.0.1
    239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:8.8.8.8
    64:ff9b::7f00:1 64:ff9b::a00:1 64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:7f00:1:: 2002:a00:1::1
    fc00::1 fd12:3456::1 fe80::1 fe80::1%lo fec0::1 ff02::1 ff0e::1
"""
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001::8a"]

REFUSED_URLS = [
    "http://example.org/hook",
    "http://localhost/hook",
    "ftp://example.org/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_x",
    "//example.org/hook",
    "example.org/hook",
    "https:///hook",
    "https://",
    "https://user@example.org/",
    "https://user:word@example.org/",
    "https://example.org/#part",
    "https://example.org:99999/",
    "https://example.org:x/",
    "https://[::1/",
    "https://exa mple.org/",
    "https://example.org/\r\nX-Injected: 1",
    "https://example.org/\x00",
    "https://ex\u00e4mple.org/",
    "https://example\u3002org/",
    "https://example.org/" + "a" * 2000,
    "",
]
# Other ways to write an address of this machine; the system's resolver takes some of them.
DISGUISED = """
    https://127.0.0.1/ https://[::1]/ https://[::ffff:127.0.0.1]/ https://[::ffff:7f00:1]/
    https://127.1/ https://2130706433/ https://0x7f000001/ https://0177.0.0.1/ https://0/
    https://localhost/ https://LOCALHOST/ https://169.254.169.254/latest/meta-data/
    https://10.0.0.8:8443/ https://[fe80::1]/ https://[2002:7f00:1::]/ https://[64:ff9b::7f00:1]/
"""


@pytest.mark.parametrize("address", PRIVATE.split())
def test_addresses_that_are_not_public_are_recognised(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_called(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_what_is_no_address_of_a_webhook_is_refused(url: str) -> None:
    with pytest.raises(WebhookError):
        parse_target(url)


@pytest.mark.parametrize("url", DISGUISED.split())
def test_this_machine_is_not_called_however_it_is_written(url: str) -> None:
    with pytest.raises(WebhookError):
        resolve(parse_target(url))


@pytest.mark.parametrize(
    "url", [one for one in DISGUISED.split() if "local" not in one.lower()]
)
def test_an_address_that_is_not_on_the_public_net_is_refused_when_it_is_stored(
    url: str,
) -> None:
    with pytest.raises(WebhookError, match="is not on the public net"):
        parse_target(url)


def test_the_query_and_the_port_of_an_address_count() -> None:
    target = parse_target("https://Example.org:8443/a/b?c=%20d")
    assert (target.host, target.port, target.netloc) == (
        "example.org",
        8443,
        "Example.org:8443",
    )
    assert (target.path, target.is_tls) == ("/a/b?c=%20d", True)


@pytest.mark.parametrize(
    "url",
    ["http://localhost:8000/", "http://127.0.0.1/x", "https://localhost/", "http://[::1]/"],
)
def test_this_machine_is_called_only_if_the_settings_allow_it(url: str) -> None:
    assert resolve(parse_target(url, allow_loopback=True), allow_loopback=True) in {
        "127.0.0.1",
        "::1",
    }
    with pytest.raises(WebhookError):
        resolve(parse_target(url))


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://localhost.example.org/"])
def test_that_setting_opens_no_other_machine(url: str) -> None:
    with pytest.raises(WebhookError):
        parse_target(url, allow_loopback=True)


def test_one_private_address_among_public_ones_is_enough_to_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def both(_host: str, port: int, **_options: Any) -> list[Any]:
        return [(socket.AF_INET, 1, 6, "", (one, port)) for one in ("8.8.8.8", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with pytest.raises(WebhookError, match=r"example\.org: leads to 127\.0\.0\.1"):
        resolve(parse_target("https://example.org/"))


def test_a_name_without_an_address_is_said_to_have_none() -> None:
    with pytest.raises(WebhookError, match="can't be resolved"):
        resolve(parse_target("https://nowhere.invalid/"))
