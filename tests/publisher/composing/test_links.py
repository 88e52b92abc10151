import pytest

from publisher.composing.links import Kind, read_token, reader_url, token
from publisher.errors import DeliveryError
from publisher.testing import SECRET
from tests.publisher.composing.letters import a_publication


@pytest.mark.parametrize("kind", ["unsubscribe", "preferences"])
def test_a_token_gives_back_what_was_signed(kind: Kind) -> None:
    assert read_token(SECRET, kind, token(SECRET, kind, 12, "weekly")) == (12, "weekly")


def test_a_token_fits_a_url_as_it_stands() -> None:
    signed = token(SECRET, "unsubscribe", 123456789, "weekly")
    assert signed.isascii()
    assert signed.replace("-", "").replace("_", "").replace(".", "").isalnum()
    url = reader_url(a_publication(), "zh-Hant", "unsubscribe", signed)
    assert url == f"https://news.example.org/zh-Hant/unsubscribe/?t={signed}"


def test_a_token_for_another_purpose_is_refused() -> None:
    signed = token(SECRET, "preferences", 12, "weekly")
    with pytest.raises(DeliveryError, match="the unsubscribe link is damaged"):
        read_token(SECRET, "unsubscribe", signed)


def test_a_token_of_another_secret_is_refused() -> None:
    with pytest.raises(DeliveryError, match="was not made here"):
        read_token(
            SECRET, "unsubscribe", token("some other secret", "unsubscribe", 1, "weekly")
        )


def test_a_damaged_token_is_refused_wherever_it_is_damaged() -> None:
    signed = token(SECRET, "unsubscribe", 12, "weekly")
    for place in range(len(signed)):
        other = "A" if signed[place] != "A" else "B"
        damaged = signed[:place] + other + signed[place + 1 :]
        # The last character of base64 holds bits that mean nothing.
        if place < len(signed) - 1:
            with pytest.raises(DeliveryError):
                read_token(SECRET, "unsubscribe", damaged)


@pytest.mark.parametrize(
    "value", ["", ".", "a.b.c", "灯", "\ud800", "x" * 10_000, "W10.", "%00"]
)
def test_nonsense_is_refused(value: str) -> None:
    with pytest.raises(DeliveryError):
        read_token(SECRET, "unsubscribe", value)
