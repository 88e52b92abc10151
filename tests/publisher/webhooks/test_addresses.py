"""No webhook makes the program call a machine that is not on the public net."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from publisher.errors import WebhookError
from publisher.webhooks.addresses import is_public, parse_target, resolve

PRIVATE = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",  # carrier-grade NAT
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",  # metadata of clouds
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",  # Teredo
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]
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
DISGUISED = [
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://0/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://169.254.169.254/latest/meta-data/",
    "https://10.0.0.8:8443/",
    "https://[fe80::1]/",
    "https://[2002:7f00:1::]/",
    "https://[64:ff9b::7f00:1]/",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_public_are_recognised(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_called(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_what_is_no_address_of_a_webhook_is_refused(url: str) -> None:
    with pytest.raises(WebhookError):
        parse_target(url)


@pytest.mark.parametrize("url", DISGUISED)
def test_this_machine_is_not_called_however_it_is_written(url: str) -> None:
    with pytest.raises(WebhookError):
        resolve(parse_target(url))


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
