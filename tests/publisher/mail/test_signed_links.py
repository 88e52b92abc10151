import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer

from publisher.errors import DeliveryError
from publisher.mail.signed_links import (
    LinkKind,
    LinkSigner,
    read_token,
    subscriber_url,
)
from publisher.testing import SECRET
from tests.publisher.mail.samples import a_publication, an_issue


def link_token(secret: str, kind: LinkKind, number: int) -> str:
    return LinkSigner(secret, kind, "weekly").token(number).decode("ascii")


KINDS: tuple[LinkKind, ...] = ("unsubscribe", "preferences", "web")


@given(st.sampled_from(KINDS), st.integers(0, 2**63 - 1), st.text(min_size=1), st.text())
def test_itsdangerous_reads_our_tokens(
    kind: LinkKind, number: int, secret: str, newsletter: str
) -> None:
    signed = LinkSigner(secret, kind, newsletter).token(number).decode("ascii")
    assert URLSafeSerializer(secret, salt=kind).loads(signed) == [number, newsletter]


def test_itsdangerous_makes_the_same_tokens() -> None:
    for number in (0, 7, 2**63 - 1):
        theirs = URLSafeSerializer(SECRET, salt="web").dumps([number, "weekly"])
        assert link_token(SECRET, "web", number) == theirs


@pytest.mark.parametrize(
    ("kind", "page"),
    [
        ("unsubscribe", "zh-Hant/unsubscribe/"),
        ("preferences", "zh-Hant/preferences/"),
        ("web", "zh-Hant/weekly/2026-01-09/"),
    ],
)
def test_each_kind_of_link_leads_to_its_page(kind: LinkKind, page: str) -> None:
    url = subscriber_url(a_publication(), an_issue("zh-Hant"), kind)
    assert url == f"https://news.example.org/{page}?t="


def test_a_token_of_another_kind_of_link_is_refused() -> None:
    signed = link_token(SECRET, "preferences", 12)
    with pytest.raises(DeliveryError, match="the unsubscribe link is damaged"):
        read_token(SECRET, "unsubscribe", signed)


def test_a_token_of_another_secret_is_refused() -> None:
    with pytest.raises(DeliveryError, match="was not made here"):
        read_token(SECRET, "unsubscribe", link_token("some other secret", "unsubscribe", 1))


def test_a_token_changed_at_any_place_is_refused() -> None:
    signed = link_token(SECRET, "unsubscribe", 12)
    for place in range(len(signed)):
        other = "A" if signed[place] != "A" else "B"
        damaged = signed[:place] + other + signed[place + 1 :]
        # The last character of base64 holds unused bits.
        if place < len(signed) - 1:
            with pytest.raises(DeliveryError):
                read_token(SECRET, "unsubscribe", damaged)


@pytest.mark.parametrize(
    "value", ["", ".", "a.b.c", "灯", "\ud800", "x" * 10_000, "W10.", "%00"]
)
def test_malformed_tokens_are_refused(value: str) -> None:
    with pytest.raises(DeliveryError):
        read_token(SECRET, "unsubscribe", value)
