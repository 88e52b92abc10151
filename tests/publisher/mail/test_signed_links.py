"""Links and addresses of bounces that nobody else can make."""

import hashlib
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer

from publisher.mail.signed_addresses import (
    BounceAddresses,
    LinkKind,
    LinkSigner,
    MailLinkKind,
    SignedLink,
    find_link,
    sign_link,
    subscriber_url,
    subscribers_of_tokens,
)
from publisher.testing import SECRET
from tests.publisher.mail.samples import a_publication, an_issue

MAIL_KINDS: tuple[MailLinkKind, ...] = get_args(MailLinkKind)
KINDS: tuple[LinkKind, ...] = (*MAIL_KINDS, "confirm", "undo", "data", "address", "feed")
IDS = st.integers(0, 2**63 - 1)


@given(st.sampled_from(KINDS), IDS, st.text(), IDS, IDS, st.text(min_size=1))
def test_a_link_says_what_was_signed(
    kind: LinkKind, who: int, newsletter: str, generation: int, number: int, secret: str
) -> None:
    token = sign_link(
        secret, kind, who, newsletter=newsletter, generation=generation, number=number
    )
    assert find_link(secret, kind, token) == SignedLink(
        kind, who, newsletter, generation, number
    )
    reading = URLSafeSerializer(
        secret, salt=f"v2.{kind}", signer_kwargs={"digest_method": hashlib.sha256}
    )
    assert reading.loads(token.removeprefix("v2.")) == [who, newsletter, generation, number]


def test_a_token_is_that_of_the_signer_of_mails_and_needs_no_escape_in_a_url() -> None:
    for number in (0, 7, 2**63 - 1):
        token = LinkSigner(SECRET, "web", "weekly").token(number, 4).decode("ascii")
        assert token == sign_link(SECRET, "web", number, newsletter="weekly", generation=4)
    token = sign_link(SECRET, "undo", 2**63 - 1, newsletter="灯", generation=9, number=8)
    assert token.startswith("v2.")
    assert not set(token) - set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
    )


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_link_is_refused_for_every_other(kind: LinkKind) -> None:
    tokens = {one: sign_link(SECRET, one, 12, newsletter="weekly") for one in KINDS}
    for other, token in tokens.items():
        if other == kind:
            assert find_link(SECRET, kind, token) == SignedLink(kind, 12, "weekly")
        else:
            assert find_link(SECRET, kind, token) is None


def test_a_weaker_signature_or_a_token_without_its_version_is_refused() -> None:
    weak = URLSafeSerializer(SECRET, salt="v2.web").dumps([12, "weekly", 1, 0])
    for token in (f"v2.{weak}", str(weak), sign_link(SECRET, "web", 12)[3:]):
        assert find_link(SECRET, "web", token) is None


def test_links_of_an_earlier_generation_end_but_those_that_unsubscribe() -> None:
    for kind in KINDS:
        found = find_link(SECRET, kind, sign_link(SECRET, kind, 12, generation=1))
        assert found is not None
        assert not found.has_ended(1)
        assert found.has_ended(2) is (kind != "unsubscribe")


@pytest.mark.parametrize(
    ("kind", "page"),
    [
        ("unsubscribe", "zh-Hant/unsubscribe/"),
        ("preferences", "zh-Hant/preferences/"),
        ("web", "zh-Hant/weekly/2026-01-09/"),
    ],
)
def test_each_kind_of_link_leads_to_its_page(kind: MailLinkKind, page: str) -> None:
    url = subscriber_url(a_publication(), an_issue("zh-Hant"), kind)
    assert url == f"https://news.example.org/{page}?t="


def test_a_token_of_another_secret_or_with_something_around_it_is_refused() -> None:
    other = sign_link("some other secret", "unsubscribe", 1)
    assert find_link(SECRET, "unsubscribe", other) is None
    token = sign_link(SECRET, "unsubscribe", 12)
    for changed in (f"{token}=", f"{token} ", f" {token}", f"{token}\n", f"v2.{token}"):
        assert find_link(SECRET, "unsubscribe", changed) is None


def test_a_token_with_one_flipped_bit_is_refused() -> None:
    token = sign_link(SECRET, "unsubscribe", 12)
    for place in range(len(token)):
        for bit in range(8):
            changed = chr(ord(token[place]) ^ 1 << bit)
            changed = token[:place] + changed + token[place + 1 :]
            assert find_link(SECRET, "unsubscribe", changed) is None


@pytest.mark.parametrize(
    "value",
    ["", ".", "a.b.c", "灯", "\ud800", "x" * 10_000, "W10.", "%00", "v2.", "v2..", "v2.灯.灯"],
)
def test_malformed_tokens_are_refused(value: str) -> None:
    for kind in KINDS:
        assert find_link(SECRET, kind, value) is None


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


def test_without_a_separator_or_with_a_large_id_all_have_the_same_address() -> None:
    addresses = BounceAddresses(SECRET, "bounces@lantern.example")
    assert addresses.address_for(7) == "bounces@lantern.example"
    assert ADDRESSES.address_for(2**40) == "bounces@lantern.example"
