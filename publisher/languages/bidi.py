"""Direction controls in plain text (Unicode Standard Annex 9), and the direction of letters."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Literal

from publisher.i18n.messages import message

Direction = Literal["ltr", "rtl"]

RIGHT_TO_LEFT_ISOLATE = "\u2067"
FIRST_STRONG_ISOLATE = "\u2068"
POP_ISOLATE = "\u2069"
_POP_EMBEDDING = "\u202c"
_ISOLATES = frozenset("\u2066\u2067\u2068")
_EMBEDDINGS = frozenset("\u202a\u202b\u202d\u202e")
# They reverse letters that have a direction of their own. Only a forgery needs them in a mail's field.
BIDI_OVERRIDES = frozenset("\u202d\u202e")
# The controls that start an isolate, embedding or override, and the one that ends it (UAX 9, 2.1-2.5).
_CLOSED_BY = dict.fromkeys(_ISOLATES, POP_ISOLATE) | dict.fromkeys(_EMBEDDINGS, _POP_EMBEDDING)
BIDI_CONTROLS = frozenset({*_CLOSED_BY, POP_ISOLATE, _POP_EMBEDDING})
# Inside a class of a regular expression: characters that nobody sees, and that hide or turn around what stands
# beside them in a line. Joiners (Persian, languages of India) and the marks of direction are needed.
HIDDEN_CHARACTERS = "\u180e\u200b\u202a-\u202e\u2060-\u206f\ufff9-\ufffb"
# Every open control is repeated on each wrapped line; no real text has more levels than this.
_MAX_BIDI_DEPTH = 16
_ISOLATED = re.compile("[\u2066-\u2068][^\u2066-\u2069]*\u2069")
# An address at the end of a line, with the space before it.
_URL_AT_END = re.compile(r"\s*\b[a-z][a-z0-9+.-]*://\S+\s*$", re.IGNORECASE)
_STRONG: dict[str, Direction] = {"L": "ltr", "R": "rtl", "AL": "rtl"}


def bidi_control_in(text: str) -> str:
    """Return the first control of a text's direction, such as "U+202E"; empty if there is none."""
    return next((f"U+{ord(sign):04X}" for sign in text if sign in BIDI_CONTROLS), "")


def first_strong_direction(text: str) -> Direction | None:
    """Return the direction of the first letter that has one (UAX 9, P2 without isolates)."""
    return next(_directions(text), None)


def letter_directions(text: str) -> set[Direction]:
    """Return the directions that the letters of a text have."""
    return set(_directions(text))


def _directions(text: str) -> Iterator[Direction]:
    kinds = map(unicodedata.bidirectional, text)
    return (_STRONG[kind] for kind in kinds if kind in _STRONG)


def is_isolated(line: str) -> bool:
    """Return whether a viewer whose lines begin at the left shows a line as it is meant.

    Nothing that runs from the right stands outside of isolates, but for an address at the end: a program
    that makes it a link would take a control behind it for a part of it.
    """
    rest, _address = split_address(line)
    while (around := _ISOLATED.sub("", rest)) != rest:
        rest = around
    return "rtl" not in letter_directions(rest)


def split_address(line: str) -> tuple[str, str]:
    """Divide a line into its words and the address (URL) at its end, with the space before it. Pure."""
    found = _URL_AT_END.search(line)
    end = found.start() if found else len(line)
    return line[:end], line[end:]


def is_balanced(line: str) -> bool:
    """Return whether each direction control in a line is closed in it and closes nothing else."""
    return BIDI_CONTROLS.isdisjoint(line) or next(balance_lines([line])) == line


def balance_lines(lines: Sequence[str]) -> Iterator[str]:
    """Yield lines that each close what they open; what is open is opened again on the next line.

    Controls that close nothing are left out, and those deeper than _MAX_BIDI_DEPTH.
    """
    opened: list[str] = []
    for line in lines:
        again = "".join(opened[:_MAX_BIDI_DEPTH])
        kept = "".join(_nested(line, opened)) if not BIDI_CONTROLS.isdisjoint(line) else line
        closers = "".join(_CLOSED_BY[sign] for sign in reversed(opened[:_MAX_BIDI_DEPTH]))
        yield again + kept + closers


def _nested(line: str, opened: list[str]) -> Iterator[str]:
    """Yield the characters of a line without stray controls; update the open controls."""
    for character in line:
        if character in _CLOSED_BY:
            opened.append(character)
            yield from [character] if len(opened) <= _MAX_BIDI_DEPTH else []
        elif character in BIDI_CONTROLS:
            yield from _closing(character, opened)
        else:
            yield character


def _closing(closer: str, opened: list[str]) -> Iterator[str]:
    """Close the last of its kind: an isolate with all that is open in it, else only the last."""
    if closer == POP_ISOLATE and not any(_CLOSED_BY[sign] == closer for sign in opened):
        return
    while opened and (closer == POP_ISOLATE or _CLOSED_BY[opened[-1]] == closer):
        last = _CLOSED_BY[opened.pop()]
        yield from [last] if len(opened) < _MAX_BIDI_DEPTH else []
        if last == closer:
            return


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
                return message("%(sign)s closes nothing", sign=character_name(sign))
            still_open.pop()
        elif sign == _POP_EMBEDDING:
            if not still_open or still_open[-1] not in _EMBEDDINGS:
                return message("%(sign)s closes nothing", sign=character_name(sign))
            still_open.pop()
    if still_open:
        return message("%(sign)s is left open", sign=character_name(still_open[-1]))
    return None


def character_name(sign: str) -> str:
    """Return the code point and the name of a character: `U+2068 FIRST STRONG ISOLATE`."""
    return f"U+{ord(sign):04X} {unicodedata.name(sign, '')}".rstrip()
