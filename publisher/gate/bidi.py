"""Whether a line leaves the direction of what follows it alone (UAX 9). Pure.

Each line of a text, and each header field, is a paragraph of its own to the bidirectional
algorithm; what one leaves open, programs that show it inside a line of theirs let run on.
"""

from __future__ import annotations

import unicodedata

POP_ISOLATE = "\u2069"
POP_EMBEDDING = "\u202c"
ISOLATES = frozenset("\u2066\u2067\u2068")
EMBEDDINGS = frozenset("\u202a\u202b\u202d\u202e")
# All of them: what a line with a fault has of these may be its author's own.
SIGNS = ISOLATES | EMBEDDINGS | {POP_ISOLATE, POP_EMBEDDING}
# These turn letters that have a direction around; nothing but a forgery needs them in a field.
OVERRIDES = frozenset("\u202d\u202e")


def fault(line: str) -> str | None:
    """Say what a line leaves open, or closes without having opened it; None if it is sound."""
    still_open: list[str] = []
    for sign in line:
        if sign in ISOLATES or sign in EMBEDDINGS:
            still_open.append(sign)
        elif sign == POP_ISOLATE:
            # An isolate's end ends what was begun within it, too (UAX 9, X6a).
            while still_open and still_open[-1] in EMBEDDINGS:
                still_open.pop()
            if not still_open:
                return f"{named(sign)} closes nothing"
            still_open.pop()
        elif sign == POP_EMBEDDING:
            if not still_open or still_open[-1] not in EMBEDDINGS:
                return f"{named(sign)} closes nothing"
            still_open.pop()
    return f"{named(still_open[-1])} is left open" if still_open else None


def named(sign: str) -> str:
    """Name a character that can't be seen: `U+2068 FIRST STRONG ISOLATE`."""
    return f"U+{ord(sign):04X} {unicodedata.name(sign, '')}".rstrip()
