"""Which addresses may be reached, and what an address of the web says."""

import ipaddress
import re

import pytest

from publisher.fetching import addresses
from publisher.fetching.limits import FetchError, FetchProblem

# Also carrier-grade NAT (100.64), the metadata of clouds (169.254) and Teredo (2001::).
PRIVATE = """
    0.0.0.0 10.0.0.1 100.64.0.1 127.0.0.1 127.255.255.254 168.63.129.16 169.254.169.254 172.16.0.1 172.31.255.255
    192.0.0.8 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.250
    239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:8.8.8.8
    ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::a00:1 64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:7f00:1::
    2002:a00:1::1 3fff::1 5f00::1 fc00::1 fd12:3456::1 fe80::1 fe80::1%lo 2606:4700::1%lo fec0::1 ff02::1 ff0e::1
"""
NO_INTRANETS = """
    127.0.0.0/8 127.0.0.1 ::1 169.254.169.254 169.254.0.0/16 fe80::/10 0.0.0.0/0 ::/0 10.0.0.0/7 8.8.8.0/24 224.0.0.0/4
    172.0.0.0/8 168.63.129.16 100.64.0.0/10 100.100.100.200 fd00:ec2::254 fc00::/7 ::ffff:10.1.2.0/120 10.1.2.3/24
    example.org 10.1.2.*
"""
# The last one is 8.8.8.8, as name servers give it to a host that has no IPv4.
PUBLIC = (
    "1.1.1.1 8.8.8.8 93.184.216.34 2606:4700:4700::1111 2a00:1450:4001::8a 64:ff9b::808:808"
)


@pytest.mark.parametrize("address", [*PRIVATE.split(), "example.org", "", "0177.0.0.1"])
def test_addresses_that_are_not_public_are_recognised(address: str) -> None:
    assert not addresses.is_public(address)


@pytest.mark.parametrize("address", PUBLIC.split())
def test_public_addresses_may_be_reached(address: str) -> None:
    assert addresses.is_public(address)


def test_a_configuration_names_networks_that_may_be_reached_too() -> None:
    intranet = [ipaddress.ip_network("10.1.2.0/24"), ipaddress.ip_network("fd00:1::/32")]
    for address in ("8.8.8.8", "10.1.2.3", "fd00:1::5"):
        assert addresses.may_reach(address, intranet)
    for address in ("10.1.3.1", "fd00:2::5", "::ffff:10.1.2.3", "127.0.0.1", "example.org"):
        assert not addresses.may_reach(address, intranet)


@pytest.mark.parametrize("text", ["10.1.2.0/24", "192.168.7.9", "100.64.0.0/16", "fd00:1::/32"])
def test_a_range_of_an_intranet_may_be_reached(text: str) -> None:
    network = addresses.intranet(text)
    assert addresses.may_reach(str(network.network_address), [network])


@pytest.mark.parametrize("text", NO_INTRANETS.split())
def test_this_machine_and_what_clouds_tell_machines_are_no_intranet(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        addresses.intranet(text)


def test_an_address_of_the_settings_names_its_network_and_a_name_names_none() -> None:
    urls = [
        "http://10.1.2.3/a",
        "http://[fd00::1]/",
        "http://localhost/",
        "http://hub.example/",
    ]
    assert [[str(net) for net in addresses.networks_named_by(url)] for url in urls] == [
        ["10.1.2.3/32"],
        ["fd00::1/128"],
        ["127.0.0.1/32", "::1/128"],
        [],
    ]


@pytest.mark.parametrize(
    ("url", "host_field", "path"),
    [
        ("https://Example.org:8443/a/b?c=%20d", "example.org:8443", "/a/b?c=%20d"),
        ("http://example.org", "example.org", "/"),
        ("http://example.org:80?a=b", "example.org", "/?a=b"),
        ("https://example.org:80/", "example.org:80", "/"),
        ("http://[2606:4700::1]:81/#x", "[2606:4700::1]:81", "/"),
        ("https://bücher.example/ä?ö='1'", "xn--bcher-kva.example", "/%C3%A4?%C3%B6='1'"),
        ("http://a_b.example.org./", "a_b.example.org.", "/"),
    ],
)
def test_an_address_is_read_for_its_host_and_path(url: str, host_field: str, path: str) -> None:
    target = addresses.read_target(url)
    assert (target.netloc, target.path) == (host_field, path)
    assert target.is_tls == url.startswith("https")


def test_a_host_is_no_longer_than_a_name_may_be() -> None:
    for host in (
        "a" * 254,
        "a" * 64 + "ö",
        "exa%6dple.org",
        "[::1",
        "[127.0.0.1]",
        "[::1]x",
        "x[2606:4700::1]",
        "[v1.fe]",
        "a..ö",
    ):
        with pytest.raises(FetchError):
            addresses.read_target(f"https://{host}/")


def after(request: addresses.WebRequest, status: int, location: str) -> str | None:
    following = addresses.redirected(request, status, location)
    return f"{following.method} {following.url}" if following else None


ANY = addresses.WebRequest("https://example.org/a/b", follow="any")


def test_a_redirect_is_followed_from_where_it_was_given() -> None:
    for status in (301, 302, 303, 307, 308):
        assert after(ANY, status, "../c") == "GET https://example.org/c"
    assert after(ANY, 302, "//example.net/ü".encode().decode("latin-1")) == (
        "GET https://example.net/%C3%BC"
    )
    for status in (200, 300, 304, 305):
        assert after(ANY, status, "/c") is None


def test_a_post_is_repeated_and_never_becomes_a_get() -> None:
    post = addresses.WebRequest(ANY.url, "POST", body=b"x", follow="any")
    assert [after(post, status, "/c") for status in (301, 302, 303)] == [None] * 3
    following = addresses.redirected(post, 308, "/c")
    assert following
    assert (following.method, following.body) == ("POST", b"x")


@pytest.mark.parametrize(
    ("location", "kept"),
    [
        ("/c", {"Authorization": "x", "Accept": "y"}),
        ("https://example.net/", {"Accept": "y"}),
        ("http://example.org/", {"Accept": "y"}),
        ("https://example.org:8443/", {"Accept": "y"}),
    ],
)
def test_another_origin_gets_no_secrets(location: str, kept: dict[str, str]) -> None:
    fields = {"Authorization": "x", "Accept": "y"}
    following = addresses.redirected(
        addresses.WebRequest(ANY.url, headers=fields, follow="any"), 302, location
    )
    assert following
    assert following.headers == kept


def test_secrets_of_a_request_are_not_shown() -> None:
    request = addresses.WebRequest("https://example.org/?key=abc", "POST", {"X": "abc"}, b"abc")
    assert "abc" not in repr(request)
    with pytest.raises(FetchError) as raised:
        addresses.read_target("https://abc:abc@example.org/?key=abc")
    assert raised.value.problem is FetchProblem.ADDRESS
    assert "abc" not in str(raised.value)
