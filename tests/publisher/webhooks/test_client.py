"""One request: where it goes, and what each answer means."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from publisher.testing.certificates import CertificateAuthority
from publisher.webhooks.client import Caller
from tests.publisher.webhooks.receiver import Receiver, Reply, receiving

LOCAL = Caller(allow_loopback=True)


def test_a_request_has_the_headers_and_the_body_that_were_given(receiver: Receiver) -> None:
    answer = LOCAL.post(f"{receiver.url}?key=1", {"webhook-id": "evt_1"}, b'{"a":1}')
    (request,) = receiver.requests
    assert (answer.status, answer.text, answer.is_accepted) == (204, "204 No Content", True)
    assert (request.path, request.body) == ("/hook?key=1", b'{"a":1}')
    assert request.headers["webhook-id"] == "evt_1"
    assert request.headers["Host"] == f"127.0.0.1:{receiver.port}"
    assert request.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_answers_of_200_to_299_accept(receiver: Receiver, status: int) -> None:
    receiver.reply = Reply(status)
    assert LOCAL.post(receiver.url, {}, b"").is_accepted


@pytest.mark.parametrize("status", [300, 304, 400, 404, 410, 429, 500, 503])
def test_all_other_answers_do_not(receiver: Receiver, status: int) -> None:
    receiver.reply = Reply(status)
    answer = LOCAL.post(receiver.url, {}, b"")
    assert (answer.is_accepted, answer.status) == (False, status)


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
        answer.text == "not sent: 127.0.0.1: leads to 127.0.0.1, which is not on the public net"
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


@pytest.mark.parametrize(("host", "expired"), [("example.org", False), ("localhost", True)])
def test_a_certificate_of_another_host_or_an_old_one_is_refused(
    authority: CertificateAuthority, host: str, *, expired: bool
) -> None:
    with receiving(authority.issue("receiver", [host], expired=expired)) as receiver:
        answer = _trusting(authority).post(receiver.url, {}, b"{}")
        assert receiver.requests == []
    assert answer.text.startswith("its certificate can't be verified")


def test_a_certificate_that_nobody_vouches_for_is_refused(
    authority: CertificateAuthority,
) -> None:
    with receiving(authority.issue("receiver", ["localhost"])) as receiver:
        answer = LOCAL.post(receiver.url, {}, b"{}")
        assert receiver.requests == []
    assert answer.text.startswith("its certificate can't be verified")


def speaking(speak: Callable[[socket.socket], None]) -> Any:
    """Run a server that reads a request, says something and closes the connection."""
    import threading
    from contextlib import contextmanager

    @contextmanager
    def run() -> Any:
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

    return run()
