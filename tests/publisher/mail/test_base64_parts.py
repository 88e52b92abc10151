from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.mail.base64_parts import Base64Part, base64_lines

OCTETS = st.binary(max_size=130).map(lambda octets: octets.replace(b"\n", b""))
VALUES = st.lists(st.integers(0, 2), min_size=1, max_size=3)
PIECES = st.lists(st.tuples(OCTETS, VALUES), max_size=4)


def decoded(lines: bytes) -> bytes:
    assert lines.endswith(b"\r\n")
    for line in lines.removesuffix(b"\r\n").split(b"\r\n"):
        assert 4 <= len(line) <= 76
        assert len(line) % 4 == 0
    whole = lines.replace(b"\r\n", b"")
    assert b"=" not in whole.rstrip(b"=")
    return b64decode(whole, validate=True)


@given(PIECES, st.lists(OCTETS, min_size=3, max_size=3))
def test_fixed_text_and_values_decode_in_order(
    runs: list[tuple[bytes, list[int]]], values: list[bytes]
) -> None:
    pieces: list[bytes | int] = []
    for text, numbers in runs:
        pieces += [text] if text else []
        pieces += numbers
    part = Base64Part([*pieces, b"\n"])
    for one in (values, [b"", b"a", b"ab"], values):
        expected = b"".join(one[piece] if isinstance(piece, int) else piece for piece in pieces)
        assert decoded(b"".join(part.filled(one))) == expected + b"\r\n"


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("after", range(5))
def test_values_of_every_length_at_every_offset_decode(before: int, after: int) -> None:
    part = Base64Part([b"x" * before, 0, b"y" * after, 1, b"z" * 100, 0, b"\n"])
    for length in range(130):
        value = bytes(range(length))
        expected = b"x" * before + value + b"y" * after + b"!" + b"z" * 100 + value + b"\r\n"
        assert decoded(b"".join(part.filled([value, b"!"]))) == expected


def test_line_ends_become_crlf() -> None:
    part = Base64Part([b"a\nb\n", 0, b"\nc\n"])
    assert decoded(b"".join(part.filled([b"v"]))) == b"a\r\nb\r\nv\r\nc\r\n"


def test_lines_have_76_characters() -> None:
    lengths = [len(line) for line in base64_lines(bytes(200)).split(b"\r\n")]
    assert lengths == [76, 76, 76, 40, 0]
