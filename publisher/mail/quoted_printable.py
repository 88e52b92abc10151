"""Quoted-printable in pieces that can be joined (RFC 2045 section 6.7). Pure.

Each piece starts at the beginning of a line and ends with a line break, a soft one where the text
goes on. No line begins with a full stop, which SMTP would have to double (RFC 5321 section
4.5.2), or with `From `, which separates messages in an mbox file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from publisher.mail_limits import MIME_COLUMNS

_SOFT_BREAK = b"=\r\n"
_HARD_BREAK = b"\r\n"
# All but printable ASCII; blanks only before a line end, where relays may drop them (rule 3).
_ESCAPED = re.compile(rb"[^\n\t -<>-~]|[\t ](?=\n)")
# A value that fits one line and needs no escape.
_UNCHANGED = re.compile(rb"(?!\.|From )[ -<>-~]{1,75}")
_ESCAPES = [b"=%02X" % octet for octet in range(256)]

# A body cut at its values: fixed text as UTF-8 with LF, and the numbers of values between. No two
# texts stand side by side.
BodyPieces = Sequence[bytes | int]


class QuotedPrintablePart:
    """A part whose fixed text is encoded already."""

    def __init__(self, pieces: BodyPieces) -> None:
        self._pieces = [
            b"" if isinstance(piece, int) else quoted_printable(piece) for piece in pieces
        ]
        self._places = [
            (place, piece) for place, piece in enumerate(pieces) if isinstance(piece, int)
        ]

    def filled(self, values: Sequence[bytes]) -> list[bytes]:
        """Return the whole part with a recipient's values, in segments to be joined."""
        filled = self._pieces.copy()
        for place, number in self._places:
            value = values[number]
            if _UNCHANGED.fullmatch(value):
                filled[place] = value + _SOFT_BREAK
            elif value:
                filled[place] = quoted_printable(value)
        return filled


def quoted_printable(text: bytes) -> bytes:
    """Encode text whose line ends are LF; a last line without one ends with a soft break."""
    *whole, rest = _ESCAPED.sub(_escape, text).split(b"\n")
    lines = [piece for line in whole for piece in _wrapped(line, _HARD_BREAK)]
    if rest:
        lines += _wrapped(rest, _SOFT_BREAK)
    return b"".join(lines)


def _escape(found: re.Match[bytes]) -> bytes:
    return _ESCAPES[found[0][0]]


def _wrapped(line: bytes, end: bytes) -> Iterator[bytes]:
    """Yield an encoded line in lines that are short enough, with their ends."""
    longest = MIME_COLUMNS + len(_HARD_BREAK) - len(end)
    line = _safe_start(line)
    while len(line) > longest:
        cut = MIME_COLUMNS - 1
        # Never within the three characters of an octet.
        escape = line.rfind(b"=", cut - 2, cut)
        cut = escape if escape >= 0 else cut
        yield line[:cut] + _SOFT_BREAK
        line = _safe_start(line[cut:])
    yield line + end


def _safe_start(line: bytes) -> bytes:
    """Escape a first character that no line should begin with."""
    return _ESCAPES[line[0]] + line[1:] if line.startswith((b".", b"From ")) else line
