"""Replies as they are read from the wire, and what is shown of them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.delivery.transports.smtp import protocol
from tests.tables import facts


def read(received: bytes) -> protocol.SmtpReply:
    found = protocol.first_reply(bytearray(received))
    assert found is not None
    assert found[1] == len(received)
    return found[0]


@pytest.mark.parametrize(
    ("received", "code", "enhanced", "text"),
    [
        (b"250 2.0.0 Ok: queued\r\n", 250, "2.0.0", "Ok: queued"),
        (b"354 End data\r\n", 354, None, "End data"),
        (b"250\r\n", 250, None, ""),
        (b"250 \r\n", 250, None, ""),
        (b"250\n", 250, None, ""),
        (b"550 5.1.1\r\n", 550, "5.1.1", ""),
        (b"550 #5.1.0 Address rejected.\r\n", 550, "5.1.0", "Address rejected."),
        (b"550 address 1.2.3.4 has no name\r\n", 550, None, "address 1.2.3.4 has no name"),
        (b"550 5.7.1 1.2.3.4 is known\r\n", 550, "5.7.1", "1.2.3.4 is known"),
        (b"550 5.1.1x nothing enhanced\r\n", 550, None, "5.1.1x nothing enhanced"),
        (
            b"550-5.7.26 not\r\n550-5.7.26 proven\r\n550 5.7.26 - gsmtp\r\n",
            550,
            "5.7.26",
            "not proven - gsmtp",
        ),
        (b"550-first\r\n550 5.1.1 second\r\n", 550, None, "first second"),
        ("550 5.1.1 unbekannter Empfänger\r\n".encode(), 550, "5.1.1", "unbekannter Empfänger"),
        (b"550 \xff\xfe\r\n", 550, None, "\ufffd\ufffd"),
        (b"220-a\rb\n220 c\r\n", 220, None, "a\rb c"),
    ],
)
def test_a_reply_has_codes_and_text(
    received: bytes, code: int, enhanced: str | None, text: str
) -> None:
    reply = read(received)
    assert (reply.code, reply.enhanced, reply.text) == (code, enhanced, text)


@pytest.mark.parametrize(
    "received",
    [
        b"HTTP/1.1 400 Bad Request\r\n",
        b"\r\n",
        b"25 0\r\n",
        b"2500 Ok\r\n",
        b"250Ok\r\n",
        b"150 Ok\r\n",
        b"650 Ok\r\n",
        b"250-Ok\r\n550 no\r\n",
        b"250-Ok\r\nno\r\n250 Ok\r\n",
        b"\x00\x00\x00 \n",
        "٢٥٠ Ok\r\n".encode(),
    ],
)
def test_invalid_replies_are_refused(received: bytes) -> None:
    with pytest.raises(protocol.ConnectionLost, match="sent an invalid reply"):
        protocol.first_reply(bytearray(received))


@pytest.mark.parametrize("line", [b"250-x\r\n", b"y"])
def test_an_endless_reply_is_refused(line: bytes) -> None:
    endless = b"250 " * (line == b"y") + line * (protocol.MAX_REPLY // len(line) + 1)
    with pytest.raises(protocol.ConnectionLost, match="sent a reply of more than"):
        protocol.first_reply(bytearray(endless))


def test_one_reply_is_read_at_a_time() -> None:
    received = bytearray(b"250 first\r\n550-5.1.1 second\r\n550 5.1.1 reply\r\n354 third\r\n")
    replies = []
    while found := protocol.first_reply(received):
        replies.append(found[0].code)
        del received[: found[1]]
    assert replies == [250, 550, 354]
    assert not received


lines = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=40), min_size=1
)


@given(st.integers(200, 599), lines)
def test_a_reply_may_arrive_in_any_pieces(code: int, texts: list[str]) -> None:
    marks = [*"-" * (len(texts) - 1), " "]
    whole = "".join(f"{code}{m}{t}\r\n" for m, t in zip(marks, texts, strict=True)).encode()
    received = bytearray()
    for place in range(len(whole) - 1):
        received += whole[place : place + 1]
        assert protocol.first_reply(received) is None
    assert read(whole).texts == [text.encode().strip() for text in texts]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_reply_or_end_the_session(received: bytes) -> None:
    try:
        found = protocol.first_reply(bytearray(received))
    except protocol.ConnectionLost:
        return
    if found:
        reply, length = found
        assert 200 <= reply.code < 600
        assert length <= len(received)
        assert "\n" not in reply.text


# --- what is shown of a reply


TOKEN = "WzcsIndlZWtseSJd.kQ0mZ5v9q3K7cYy2vXbHc1n8JtA"


@pytest.mark.parametrize(
    ("said", "shown"), facts(Path(__file__).parent / "redacted.tsv", "redacted")
)
def test_a_redacted_reply_is_one_line_without_names_and_tokens(said: str, shown: str) -> None:
    assert protocol.redact_reply(said) == shown


def test_the_recipient_s_local_part_is_masked_alone_too() -> None:
    assert (
        protocol.redact_reply("ANN.B: no such user ann.b", "ann.b@example.com")
        == "…: no such user …"
    )
    assert protocol.redact_reply("Joanna is no Ann", "ann@example.com") == "Joanna is no …"


def test_a_local_part_of_two_letters_is_not_masked() -> None:
    assert protocol.redact_reply("no, it is not so", "it@example.com") == "no, it is not so"


def test_a_cut_reply_ends_with_an_ellipsis() -> None:
    assert protocol.truncate("abcdef", 6) == "abcdef"
    assert protocol.truncate("abc def", 5) == "abc…"
    assert protocol.redact_reply("a b c d e f", longest=5) == "a b…"


def test_an_address_cut_in_the_middle_is_not_shown() -> None:
    said = "x " * (protocol.MAX_REPLY_TEXT // 2 - 4) + "ann.example@example.com"
    assert "ann" not in protocol.redact_reply(said)


@given(
    st.text(max_size=80),
    st.from_regex(r"[a-z][a-z0-9._+-]{2,30}@[a-z]{2,10}\.example", fullmatch=True),
    st.text(max_size=80),
)
def test_no_address_survives(before: str, address: str, after: str) -> None:
    shown = protocol.redact_reply(f"{before} <{address}> {after}")
    assert address not in shown
    assert shown.isprintable()


@given(st.text(max_size=60), st.from_regex(r"[A-Za-z0-9_-]{27,60}", fullmatch=True))
def test_no_token_survives(before: str, token: str) -> None:
    assert token not in protocol.redact_reply(f"{before} {token}")
