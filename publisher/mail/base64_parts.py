"""Base64 in pieces that can be joined (RFC 2045 section 6.8). Pure.

Three octets make four characters, so what follows a value depends on how many octets are left
over. Each fixed text is therefore encoded in three ways, with none, one or two of its first
octets left to the value before it. Lines may be short. Knows no message.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass

from publisher.mail.quoted_printable import BodyPieces

# So many octets make four characters.
_GROUP = 3
# Of a line with 76 characters, the most that there may be.
_LINE_OCTETS = 19 * _GROUP
_LINE_END = b"\r\n"


@dataclass(frozen=True, slots=True)
class _Variant:
    """A fixed text without its first octets, which go with what stands before."""

    first: bytes
    lines: bytes
    # What is left over of whole threes, and goes with what stands behind.
    last: bytes


# A value's number, and what follows it up to the next text that is long enough to be encoded by
# itself: octets, and further numbers.
_Run = tuple[int, tuple[bytes | int, ...], tuple[_Variant, ...]]


class Base64Part:
    """A part of a message whose fixed text is encoded already; its last piece ends a line."""

    def __init__(self, pieces: BodyPieces) -> None:
        texts = [_with_line_ends(piece) for piece in pieces]
        begins = isinstance(texts[0], bytes)
        opening, *others = texts if begins else (b"", *texts)
        first = _variant(opening if isinstance(opening, bytes) else b"", 0, ends=not others)
        self._opening, self._left = first.lines, first.last
        self._runs = _runs(others)

    def filled(self, values: Sequence[bytes]) -> list[bytes]:
        """Give the whole part with a reader's values."""
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
    """Encode octets, in lines with their ends; there is padding unless they make whole threes."""
    if len(octets) <= _LINE_OCTETS:
        return b2a_base64(octets, newline=False) + _LINE_END
    starts = range(0, len(octets), _LINE_OCTETS)
    lines = (b2a_base64(octets[at : at + _LINE_OCTETS], newline=False) for at in starts)
    return b"".join(line + _LINE_END for line in lines)


def _with_line_ends(piece: bytes | int) -> bytes | int:
    return piece if isinstance(piece, int) else piece.replace(b"\n", _LINE_END)


def _runs(pieces: Sequence[bytes | int]) -> list[_Run]:
    """Put together what is encoded together: values, and the short texts between them."""
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
