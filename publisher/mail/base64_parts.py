"""Base64 in pieces that can be joined (RFC 2045 section 6.8). Pure.

Base64 writes three octets as four characters. How the text after a value is encoded therefore
depends on how many octets are left over before it. So each fixed text is encoded three times:
with none, one or two of its first octets left to the value before it. Lines may be short.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass

from publisher.mail.quoted_printable import BodyPieces

# So many octets make four characters.
_GROUP = 3
# Octets of a line of 76 characters, the maximum.
_LINE_OCTETS = 19 * _GROUP
_LINE_END = b"\r\n"


@dataclass(frozen=True, slots=True)
class _Variant:
    """A fixed text, encoded without its first octets."""

    # Encoded together with the value before this text.
    first: bytes
    lines: bytes
    # What remains of the last group of three; encoded together with the value after this text.
    last: bytes


# A value's number; what else is encoded with it (octets too short for a group, further numbers);
# and the three variants of the text that follows.
_Run = tuple[int, tuple[bytes | int, ...], tuple[_Variant, ...]]


class Base64Part:
    """A part whose fixed text is encoded already. Its last piece must be fixed text."""

    def __init__(self, pieces: BodyPieces) -> None:
        texts = [_with_crlf(piece) for piece in pieces]
        opening, *others = texts if isinstance(texts[0], bytes) else (b"", *texts)
        first = _variant(opening if isinstance(opening, bytes) else b"", 0, ends=not others)
        self._opening, self._left = first.lines, first.last
        self._runs = _runs(others)

    def filled(self, values: Sequence[bytes]) -> list[bytes]:
        """Return the whole part with a recipient's values, in segments to be joined."""
        filled, octets = [self._opening], self._left
        for number, more, variants in self._runs:
            octets += values[number]
            for piece in more:
                octets += values[piece] if isinstance(piece, int) else piece
            variant = variants[-len(octets) % _GROUP]
            octets += variant.first
            if octets:
                filled.append(base64_lines(octets))
            filled.append(variant.lines)
            octets = variant.last
        return filled


def base64_lines(octets: bytes) -> bytes:
    """Encode octets in lines that end with CRLF; padded unless they make whole groups of three."""
    if len(octets) <= _LINE_OCTETS:
        return b2a_base64(octets, newline=False) + _LINE_END
    starts = range(0, len(octets), _LINE_OCTETS)
    lines = (b2a_base64(octets[at : at + _LINE_OCTETS], newline=False) for at in starts)
    return b"".join(line + _LINE_END for line in lines)


def _with_crlf(piece: bytes | int) -> bytes | int:
    return piece if isinstance(piece, int) else piece.replace(b"\n", _LINE_END)


def _runs(pieces: Sequence[bytes | int]) -> list[_Run]:
    """Group what is encoded together: values, and the short texts between them."""
    runs: list[_Run] = []
    number, more = -1, list[bytes | int]()
    for place, piece in enumerate(pieces, 1):
        ends = place == len(pieces)
        if number < 0 and isinstance(piece, int):
            number = piece
        elif isinstance(piece, int) or (len(piece) < _GROUP and not ends):
            more.append(piece)
        else:
            variants = tuple(_variant(piece, count, ends=ends) for count in range(_GROUP))
            runs.append((number, tuple(more), variants))
            number, more = -1, []
    return runs


def _variant(text: bytes, count: int, *, ends: bool) -> _Variant:
    rest = text[count:]
    whole = len(rest) if ends else len(rest) // _GROUP * _GROUP
    lines = base64_lines(rest[:whole]) if whole else b""
    return _Variant(text[:count], lines, rest[whole:])
