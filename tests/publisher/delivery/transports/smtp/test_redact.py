import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.delivery.transports.smtp.redact import MAX_REPLY_TEXT, redact_reply, truncate

TOKEN = "WzcsIndlZWtseSJd.kQ0mZ5v9q3K7cYy2vXbHc1n8JtA"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("<ann.example@example.com>: user unknown", "<…@example.com>: user unknown"),
        ("ann@a.example ann+x=b@c.example", "…@a.example …@c.example"),
        ('"ann b"@example.com is full', "…@example.com is full"),
        ("rcpt=ann@example.com;ok", "…@example.com;ok"),
        ("mailto:ann@example.com", "mailto:…@example.com"),
        ("see ann%40example.com", "see …@example.com"),
        ("see https://x.example/u?t=abc#d now", "see https://x.example/u?… now"),
        ("see https://x.example/answer/188131 now", "see https://x.example/answer/188131 now"),
        (
            f"see https://x.example/u/{TOKEN}",
            "see https://x.example/u/WzcsIndlZWtseSJd.kQ0mZ5…",
        ),
        ("d2e1a72fcca58-7c8a3b4c5d6si1234 - gsmtp", "d2e1a7… - gsmtp"),
        ("a\x00b\x1b[31mc\u202ed\u2028e\tf", "a b [31mc d e f"),
        ("  many   spaces ", "many spaces"),
        ("", ""),
    ],
)
def test_a_redacted_reply_is_one_line_without_names_and_tokens(said: str, shown: str) -> None:
    assert redact_reply(said) == shown


def test_the_recipient_s_local_part_is_masked_alone_too() -> None:
    assert redact_reply("ANN.B: no such user ann.b", "ann.b@example.com") == "…: no such user …"
    assert redact_reply("Joanna is no Ann", "ann@example.com") == "Joanna is no …"


def test_a_local_part_of_two_letters_is_not_masked() -> None:
    assert redact_reply("no, it is not so", "it@example.com") == "no, it is not so"


def test_a_cut_reply_ends_with_an_ellipsis() -> None:
    assert truncate("abcdef", 6) == "abcdef"
    assert truncate("abc def", 5) == "abc…"
    assert redact_reply("a b c d e f", longest=5) == "a b…"


def test_an_address_cut_in_the_middle_is_not_shown() -> None:
    said = "x " * (MAX_REPLY_TEXT // 2 - 4) + "ann.example@example.com"

    assert "ann" not in redact_reply(said)


@given(
    st.text(max_size=80),
    st.from_regex(r"[a-z][a-z0-9._+-]{2,30}@[a-z]{2,10}\.example", fullmatch=True),
    st.text(max_size=80),
)
def test_no_address_survives(before: str, address: str, after: str) -> None:
    shown = redact_reply(f"{before} <{address}> {after}")

    assert address not in shown
    assert shown.isprintable()


@given(st.text(max_size=60), st.from_regex(r"[A-Za-z0-9_-]{27,60}", fullmatch=True))
def test_no_token_survives(before: str, token: str) -> None:
    assert token not in redact_reply(f"{before} {token}")
