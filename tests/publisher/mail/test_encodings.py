"""How fields and parts of a mail are encoded."""

import quopri
from base64 import b64decode
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.errors import DeliveryError
from publisher.mail.encoding import (
    BLANKS,
    Base64Part,
    QuotedPrintablePart,
    base64_lines,
    encode_field,
    encode_mailbox,
    encode_text,
    quoted_printable,
)
from tests.publisher.mail.samples import ENCODED_WORD, raw_field

AWKWARD = st.text(
    st.sampled_from("aZ .,;\"\\()<>@=?_[]:-'éßدع灯籠אe\u0301\u202e\U0001f600\r\n\t\x00")
)


def parsed(content: bytes) -> EmailMessage:
    """Parse a header that has no defects."""
    message = message_from_bytes(content, policy=policy.default)
    assert all(value.defects == () for value in message.values())
    return message


def wire(name: str, value: str) -> bytes:
    return encode_field(name, value) + b"\r\nx\r\n"


@given(AWKWARD)
def test_a_subject_decodes_to_the_same_text_from_short_lines(text: str) -> None:
    content = wire("Subject", encode_text(text))
    parsed(content)
    assert "=?= =?" not in encode_text(text)  # padding, where some programs end the text
    decoded = str(make_header(decode_header(raw_field(content, "Subject"))))
    assert decoded.removesuffix("\u200f") == BLANKS.sub(" ", text).strip()
    head = content.partition(b"\r\n\r\n")[0]
    assert all(len(line) <= 76 for line in head.split(b"\r\n") if ENCODED_WORD.search(line))


def test_signs_at_the_end_of_a_subject_stay_there_where_lines_begin_at_the_left() -> None:
    def decoded(text: str) -> str:
        return str(
            make_header(decode_header(raw_field(wire("Subject", encode_text(text)), "Subject")))
        )

    for text in ("أهلًا بك في «الفانوس»", "מה?", "توقّف!"):
        assert decoded(text) == f"{text}\u200f"
    for text in ("حصاد الأسبوع", "Was heißt «الفانوس»?", "歡迎訂閱《燈籠》"):
        assert decoded(text) == text


def test_plain_text_stays_readable_and_spaces_between_encoded_words_are_kept() -> None:
    # Of one letter and then three bytes each, no beginning is a multiple of three bytes.
    for title in ("حصاد الأسبوع: المكتبة التي تعير المظلات " * 4, "é" + "一週燈火" * 9):
        content = wire("Subject", encode_text(title))
        assert str(make_header(decode_header(raw_field(content, "Subject")))) == title.strip()
        assert "=?= =?" not in encode_text(title)
    assert encode_text("Tide & time (2026)") == "Tide & time (2026)"
    assert encode_mailbox("Ann Example", "a@example.com") == "Ann Example <a@example.com>"
    assert encode_mailbox("", "a@example.com") == "a@example.com"
    assert encode_mailbox('Ann "A" E.', "a@example.com") == '"Ann \\"A\\" E." <a@example.com>'


def test_fields_break_only_at_spaces_and_never_behind_their_name() -> None:
    content = wire("Message-ID", f"<{'x' * 200}@example.org>")
    assert content.startswith(b"Message-ID: <xxx")
    content = wire(
        "List-Unsubscribe", f"<https://example.org/{'x' * 90}>, <mailto:a@example.org>"
    )
    first, second = content.split(b"\r\n")[:2]
    assert first.endswith(b">,")
    assert second == b" <mailto:a@example.org>"


@pytest.mark.parametrize("value", ["<a@b>\r\nBcc: c@example.org", "<灯@example.org>", "a\x00b"])
def test_a_value_with_line_breaks_or_non_ascii_is_refused(value: str) -> None:
    with pytest.raises(DeliveryError, match="List-Id holds what a header can't"):
        wire("List-Id", value)


@pytest.mark.parametrize("length", [77, 998, 5000])
def test_a_word_of_any_length_is_folded(length: int) -> None:
    content = wire("Subject", encode_text("x" * length))
    assert parsed(content)["Subject"] == "x" * length
    content = wire("To", encode_mailbox("x" * length, "reader@example.com"))
    phrase, _address = parseaddr(raw_field(content, "To"))
    assert str(make_header(decode_header(phrase))) == "x" * length
    assert max(map(len, content.split(b"\r\n"))) <= 76


OCTETS = st.binary(max_size=300) | st.text(st.sampled_from(".=x \tFrom é字")).map(str.encode)
LINES = OCTETS.map(lambda octets: octets.replace(b"\r", b""))
VALUES = LINES.map(lambda octets: octets.replace(b"\n", b""))
PIECES = st.lists(LINES | st.integers(0, 2), max_size=8)


def decoded(encoded: bytes) -> bytes:
    for line in encoded.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith((b".", b"From "))
        assert not line.endswith((b" ", b"\t"))
        assert line.isascii()
    assert b"\n" not in encoded.replace(b"\r\n", b"")
    return quopri.decodestring(encoded).replace(b"\r\n", b"\n")


@given(LINES)
def test_a_text_decodes_to_itself(text: bytes) -> None:
    assert decoded(quoted_printable(text)) == text


@given(PIECES, st.lists(VALUES, min_size=3, max_size=3))
def test_fixed_text_and_values_decode_in_order(
    pieces: list[bytes | int], values: list[bytes]
) -> None:
    expected = b"".join(values[one] if isinstance(one, int) else one for one in pieces)
    part = QuotedPrintablePart(pieces)
    assert decoded(b"".join(part.filled(values))) == expected
    assert decoded(b"".join(part.filled([b"", b"", b""]))) == b"".join(
        one for one in pieces if not isinstance(one, int)
    )
    assert decoded(b"".join(part.filled(values))) == expected


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        (b"The tide waits.\n", b"The tide waits.\r\n"),
        (b"The tide", b"The tide=\r\n"),
        (b".\n..", b"=2E\r\n=2E.=\r\n"),
        (b"From here\n", b"=46rom here\r\n"),
        (b"a \nb\t\n", b"a=20\r\nb=09\r\n"),
        (b"a = b\n", b"a =3D b\r\n"),
        ("é\n".encode(), b"=C3=A9\r\n"),
        (b"\0\x7f\n", b"=00=7F\r\n"),
        (b"x" * 76 + b"\n", b"x" * 76 + b"\r\n"),
        (b"x" * 77 + b"\n", b"x" * 75 + b"=\r\nxx\r\n"),
        (b"x" * 75, b"x" * 75 + b"=\r\n"),
        (b"x" * 76, b"x" * 75 + b"=\r\nx=\r\n"),
        (b"x" * 73 + b"=yy\n", b"x" * 73 + b"=\r\n=3Dyy\r\n"),
        (b"x" * 75 + b".y\n", b"x" * 75 + b"=\r\n=2Ey\r\n"),
        (b"", b""),
        (b"\n\n", b"\r\n\r\n"),
    ],
)
def test_encoding(text: bytes, encoded: bytes) -> None:
    assert quoted_printable(text) == encoded


SHORT_OCTETS = st.binary(max_size=130).map(lambda octets: octets.replace(b"\n", b""))
NUMBERS = st.lists(st.integers(0, 2), min_size=1, max_size=3)
RUNS = st.lists(st.tuples(SHORT_OCTETS, NUMBERS), max_size=4)


def decoded_lines(lines: bytes) -> bytes:
    assert lines.endswith(b"\r\n")
    for line in lines.removesuffix(b"\r\n").split(b"\r\n"):
        assert 4 <= len(line) <= 76
        assert len(line) % 4 == 0
    whole = lines.replace(b"\r\n", b"")
    assert b"=" not in whole.rstrip(b"=")
    return b64decode(whole, validate=True)


@given(RUNS, st.lists(SHORT_OCTETS, min_size=3, max_size=3))
def test_fixed_text_and_values_decode_in_order_from_base64(
    runs: list[tuple[bytes, list[int]]], values: list[bytes]
) -> None:
    pieces: list[bytes | int] = []
    for text, numbers in runs:
        pieces += [text] if text else []
        pieces += numbers
    part = Base64Part([*pieces, b"\n"])
    for one in (values, [b"", b"a", b"ab"], values):
        expected = b"".join(one[piece] if isinstance(piece, int) else piece for piece in pieces)
        assert decoded_lines(b"".join(part.filled(one))) == expected + b"\r\n"


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("after", range(5))
def test_values_of_every_length_at_every_offset_decode(before: int, after: int) -> None:
    part = Base64Part([b"x" * before, 0, b"y" * after, 1, b"z" * 100, 0, b"\n"])
    for length in range(130):
        value = bytes(range(length))
        expected = b"x" * before + value + b"y" * after + b"!" + b"z" * 100 + value + b"\r\n"
        assert decoded_lines(b"".join(part.filled([value, b"!"]))) == expected


def test_lines_of_base64_have_76_characters_and_line_ends_are_crlf() -> None:
    part = Base64Part([b"a\nb\n", 0, b"\nc\n"])
    assert decoded_lines(b"".join(part.filled([b"v"]))) == b"a\r\nb\r\nv\r\nc\r\n"
    lengths = [len(line) for line in base64_lines(bytes(200)).split(b"\r\n")]
    assert lengths == [76, 76, 76, 40, 0]
