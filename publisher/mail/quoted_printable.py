"""Quoted-printable in pieces that can be joined (RFC 2045 section 6.7). Pure.

Each piece begins a line and ends one, softly where the text goes on. No line begins with a full
stop, which SMTP would have to double (RFC 5321 section 4.5.2), or as a mailbox's separator. Knows
no message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

# RFC 2045 section 6.7, rule 5: with the `=` of a soft break, without the line end.
_COLUMNS = 76
_SOFT_BREAK = b"=\r\n"
_HARD_BREAK = b"\r\n"
# All but printable ASCII; blanks only before a line end, where they would get lost (rule 3).
_ESCAPED = re.compile(rb"[^\n\t -<>-~]|[\t ](?=\n)")
_UNCHANGED = re.compile(rb"(?!\.|From )[ -<>-~]{1,75}")
_ESCAPES = [b"=%02X" % octet for octet in range(256)]

# What is the same for everybody, in octets, and numbers of values; no two texts side by side.
BodyPieces = Sequence[bytes | int]


class QuotedPrintablePart:
    """A part of a message whose fixed text is encoded already."""

    def __init__(self, pieces: BodyPieces) -> None:
        self._pieces = [
            b"" if isinstance(piece, int) else quoted_printable(piece) for piece in pieces
        ]
        self._places = [
            (place, piece) for place, piece in enumerate(pieces) if isinstance(piece, int)
        ]

    def filled(self, values: Sequence[bytes]) -> list[bytes]:
        """Give the whole part with a reader's values."""
        filled = self._pieces.copy()
        for place, number in self._places:
            value = values[number]
            if _UNCHANGED.fullmatch(value):
                filled[place] = value + _SOFT_BREAK
            elif value:
                filled[place] = quoted_printable(value)
        return filled


def quoted_printable(text: bytes) -> bytes:
    """Encode a piece whose line ends are LF; what follows the last of them ends softly."""
    *whole, rest = _ESCAPED.sub(_octet, text).split(b"\n")
    lines = [piece for line in whole for piece in _broken(line, _HARD_BREAK)]
    if rest:
        lines += _broken(rest, _SOFT_BREAK)
    return b"".join(lines)


def _octet(found: re.Match[bytes]) -> bytes:
    return _ESCAPES[found[0][0]]


def _broken(line: bytes, end: bytes) -> Iterator[bytes]:
    """Break an encoded line into lines that are short enough, with their ends."""
    most = _COLUMNS + len(_HARD_BREAK) - len(end)
    line = _begun(line)
    while len(line) > most:
        cut = _COLUMNS - 1
        # Never within the three characters of an octet.
        escape = line.rfind(b"=", cut - 2, cut)
        cut = escape if escape >= 0 else cut
        yield line[:cut] + _SOFT_BREAK
        line = _begun(line[cut:])
    yield line + end


def _begun(line: bytes) -> bytes:
    """Escape what no line should begin with."""
    return _ESCAPES[line[0]] + line[1:] if line.startswith((b".", b"From ")) else line
