"""How one line of text is laid out: its width in columns, its bidirectional controls (UAX 9)."""

from __future__ import annotations

import unicodedata

from wcwidth import wcswidth

from publisher.languages.bidi import BIDI_CONTROLS, POP_ISOLATE

_POP_EMBEDDING = "\u202c"
_ISOLATES = frozenset("\u2066\u2067\u2068")
_EMBEDDINGS = frozenset("\u202a\u202b\u202d\u202e")
# They reverse letters that have a direction of their own. Only a forgery needs them in a field.
BIDI_OVERRIDES = frozenset("\u202d\u202e")
# These join characters into one; `wcswidth` takes them into account.
_JOINERS = frozenset("\u200c\u200d")


def column_width(line: str) -> int:
    """Return the columns of a line: a wide character takes two, a mark or a control none."""
    if not line.isprintable():
        line = "".join(
            [c for c in line if c in _JOINERS or unicodedata.category(c) not in {"Cc", "Cf"}]
        )
    return max(0, wcswidth(line))


def bidi_fault(line: str) -> str | None:
    """Return what is wrong with the controls of a line, None if each is closed.

    Each line of a text and each header field is a paragraph to the bidirectional algorithm.
    A control that it leaves open changes the lines around it in some mail clients.
    """
    if BIDI_CONTROLS.isdisjoint(line):
        return None
    still_open: list[str] = []
    for sign in line:
        if sign in _ISOLATES or sign in _EMBEDDINGS:
            still_open.append(sign)
        elif sign == POP_ISOLATE:
            # The end of an isolate also closes the embeddings within it (UAX 9, X6a).
            while still_open and still_open[-1] in _EMBEDDINGS:
                still_open.pop()
            if not still_open:
                return f"{character_name(sign)} closes nothing"
            still_open.pop()
        elif sign == _POP_EMBEDDING:
            if not still_open or still_open[-1] not in _EMBEDDINGS:
                return f"{character_name(sign)} closes nothing"
            still_open.pop()
    return f"{character_name(still_open[-1])} is left open" if still_open else None


def character_name(sign: str) -> str:
    """Return the code point and the name of a character: `U+2068 FIRST STRONG ISOLATE`."""
    return f"U+{ord(sign):04X} {unicodedata.name(sign, '')}".rstrip()
