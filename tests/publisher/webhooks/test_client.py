"""One request: where it goes, and where it does not; and what each answer means."""

from pathlib import Path

import pytest

from publisher.errors import WebhookError
from publisher.webhooks.client import Caller, check_webhook_address
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


def test_what_goes_wrong_with_a_request_is_its_answer(tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    with receiving(authority.issue("receiver", ["localhost"])) as receiver:
        answer = LOCAL.post(receiver.url, {}, b"{}")
    assert (answer.status, receiver.requests) == (None, [])
    assert answer.text.startswith("its certificate can't be verified")
    assert LOCAL.post(receiver.url, {}, b"").text == "the connection was refused"


# --- no webhook makes the program call a machine that is not on the public net


REFUSED_URLS = [
    "http://example.org/hook",
    "http://localhost/hook",
    "ftp://example.org/",
    "example.org/hook",
    "https://user:word@example.org/",
    "https://example.org/#part",
    "https://example.org:x/",
    "https://example.org/\r\nX-Injected: 1",
    "https://ex\u00e4mple.org/",
    "https://example.org/" + "a" * 2000,
    "",
]


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_what_is_no_address_of_a_webhook_is_refused(url: str) -> None:
    with pytest.raises(WebhookError):
        check_webhook_address(url)


@pytest.mark.parametrize("url", ["https://127.1/", "https://10.0.0.8:8443/", "https://[::1]/"])
def test_an_address_that_is_not_on_the_public_net_is_refused_when_it_is_stored(
    url: str,
) -> None:
    with pytest.raises(WebhookError, match="is not on the public net"):
        check_webhook_address(url)


@pytest.mark.parametrize(
    "url",
    ["http://localhost:8000/", "http://127.0.0.1/x", "https://localhost/", "http://[::1]/"],
)
def test_this_machine_is_called_only_if_the_settings_allow_it(url: str) -> None:
    check_webhook_address(url, allow_loopback=True)
    assert Caller().post(url, {}, b"").status is None


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://localhost.example.org/"])
def test_that_setting_opens_no_other_machine(url: str) -> None:
    with pytest.raises(WebhookError):
        check_webhook_address(url, allow_loopback=True)
