"""Each subscriber has an address for bounces, which nobody else can make."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.mail.bounce_addresses import BounceAddresses, subscribers_of_tokens
from publisher.testing import SECRET

ADDRESSES = BounceAddresses(SECRET, "bounces@lantern.example", "+")


@given(st.integers(0, 2**40 - 1))
def test_an_address_names_its_subscriber(number: int) -> None:
    address = ADDRESSES.address_for(number)
    assert [*subscribers_of_tokens(SECRET, address)] == [number]
    local_part = address.rpartition("@")[0]
    assert local_part == local_part.lower()
    assert len(local_part) == len("bounces+") + 18


@pytest.mark.parametrize(
    "form", ["prvs=12ab34cd56={}", "btv1==12ab34cd=={}", "SRS0=HHH=TT=example.net={}", "<{}>"]
)
def test_what_servers_put_before_the_address_is_passed_over(form: str) -> None:
    address = ADDRESSES.address_for(7)
    assert [*subscribers_of_tokens(SECRET, form.format(address))] == [7]
    assert [*subscribers_of_tokens(SECRET, form.format(address.upper()))] == [7]


def test_nobody_can_make_or_change_a_token() -> None:
    address = ADDRESSES.address_for(7)
    other = BounceAddresses("another secret, as long as ours", "bounces@lantern.example", "+")
    token = address[len("bounces+") :].partition("@")[0]
    forged = [
        other.address_for(7),
        ADDRESSES.address_for(8).replace(token[:8], token[8:16]),
        address.replace(token, "a" + token[:-1]),
        f"bounces+{'1' * 18}@lantern.example",
    ]
    for one in forged:
        assert 7 not in subscribers_of_tokens(SECRET, one)


def test_without_a_separator_all_have_the_same_address() -> None:
    addresses = BounceAddresses(SECRET, "bounces@lantern.example")
    assert addresses.address_for(7) == "bounces@lantern.example"


def test_an_id_that_is_too_large_for_a_token_has_the_common_address() -> None:
    assert ADDRESSES.address_for(2**40) == "bounces@lantern.example"
