from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.addresses import mask_address, normalise_address, readable_address
from subscribers.errors import BadAddressError


def test_local_part_is_sent_as_given_and_domain_is_lower_cased() -> None:
    assert normalise_address("Ann.Lee@Example.ORG").address == "Ann.Lee@example.org"


def test_two_spellings_are_one_identity() -> None:
    assert (
        normalise_address("Ann@EXAMPLE.org").identity
        == normalise_address("ann@example.org").identity
    )


def test_international_domain_becomes_punycode() -> None:
    assert normalise_address("a@Bücher.example.org") == (
        "a@xn--bcher-kva.example.org",
        "a@xn--bcher-kva.example.org",
    )


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("Ann@xn--bcher-kva.example.org", "Ann@bücher.example.org"),
        ("ann@example.org", "ann@example.org"),
        ("ann@xn--.example", "ann@xn--.example"),
        ("xn--bcher-kva", "bücher"),
        ("", ""),
    ],
)
def test_an_international_domain_is_shown_in_its_script(address: str, shown: str) -> None:
    assert readable_address(address) == shown


def test_a_masked_address_shows_the_first_letter_and_the_domain() -> None:
    assert mask_address("ann@xn--bcher-kva.example.org") == "a•••@bücher.example.org"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("a\r\nBcc: b@example.org", "line break"),
        ("a@example.org\n", "line break"),
        ("a\x00@example.org", "control character"),
        ("a\x85@example.org", "control character"),
        ("ü@example.org", "outside ASCII"),
        ("读者@example.org", "outside ASCII"),
        ("=?utf-8?q?x?=@example.org", "encoded word"),
        ("a=?utf-8?b?eA==?=b@example.org", "encoded word"),
        ("=?_?a?BB??=@example.org", "encoded word"),
        ("", "@-sign"),
        ("ann", "@-sign"),
        ("ann@", "@"),
        ("a b@example.org", "SPACE"),
        ("Ann <ann@example.org>", "display name"),
        ('"a b"@example.org', "Quoting"),
        ("a@[192.0.2.1]", "IP address"),
        ("a@localhost", "period"),
        ("a..b@example.org", "two periods"),
        ("x" * 65 + "@example.org", "too long"),
        ("a@" + "b" * 64 + ".org", "too many"),
        ("a@" + ".".join(["b" * 60] * 5) + ".org", "too long"),
    ],
)
def test_an_invalid_address_is_refused_with_a_reason(address: str, reason: str) -> None:
    with pytest.raises(BadAddressError) as caught:
        normalise_address(address)
    assert reason in caught.value.reason
    assert caught.value.address == address
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("address", ["a=?b@example.org", "what?=@example.org", "?@example.org"])
def test_signs_that_make_no_encoded_word_are_allowed(address: str) -> None:
    assert normalise_address(address).address == address


@given(st.emails())
def test_normalising_twice_changes_nothing(email: str) -> None:
    try:
        once = normalise_address(email)
    except BadAddressError:
        return
    assert normalise_address(once.address) == once
    assert normalise_address(once.identity).identity == once.identity
    assert once.address.isascii()
