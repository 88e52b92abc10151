import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.mail.quoted_printable import QuotedPrintablePart, quoted_printable

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
