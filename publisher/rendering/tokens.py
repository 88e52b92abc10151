"""The places in a finished digest where a reader's own values go.

Plain ASCII, so that neither escaping, inlining nor percent-encoding changes them; templates
write them like any other text. Knows no reader.

A place may bring words for readers who have nothing to put there: `@@READER_NAME_OR@@` and the
words in hexadecimal, so that nothing on the way escapes, wraps or translates them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Invisible: controls, marks and overrides of direction. Joiners stay: words need them.
INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)

UNSUBSCRIBE = "@@UNSUBSCRIBE@@"
PREFERENCES = "@@PREFERENCES@@"
WEB = "@@READER_WEB@@"
CONFIRM = "@@CONFIRM@@"
READER_NAME = "@@READER_NAME@@"
READER_ADDRESS = "@@ADDRESS@@"
READER_LANGUAGE = "@@READER_LANGUAGE@@"
READER_TIMEZONE = "@@READER_TIMEZONE@@"

LINKS = (UNSUBSCRIBE, PREFERENCES, WEB, CONFIRM)
WORDS = (READER_NAME, READER_ADDRESS, READER_LANGUAGE, READER_TIMEZONE)
# What a reader need not have, and with what such a place begins if it brings words for that.
OPTIONAL = (READER_NAME, READER_TIMEZONE)
OPENINGS = tuple(f"{token[:-2]}_OR@@" for token in OPTIONAL)
TOKENS = (*LINKS, *WORDS, *OPENINGS)

SLOT = re.compile(
    rf"(?P<token>{'|'.join((*LINKS, *WORDS))})"
    rf"|(?P<opening>{'|'.join(OPENINGS)})(?P<words>(?:[0-9A-F]{{2}})*)@@"
)

NAMES = frozenset(token.strip("@") for token in TOKENS)
# Shows nothing, is kept by everything that comes after, and makes an address that is none.
NON_JOINER = "\u200c"
# What may be gone when the mail is finished: invisible signs, and tags where words are taken out.
GAP = rf"(?:{INVISIBLE.pattern}|<[^<>]*+>)*+"
# Longer words than any name are not looked at, so that this takes no longer than the text is.
WORD = rf"((?:\w{GAP}){{0,{max(map(len, NAMES))}}}+)"
WHOLE = re.compile(rf"@(?={GAP}@{GAP}{WORD}@{GAP}@)")
ENDING = re.compile(rf"@(?={GAP}(?:@{GAP}{WORD}(?:@{GAP})?)?\Z)")
BEGINNING = re.compile(rf"{GAP}(?:@{GAP})?{WORD}@{GAP}@")


@dataclass(frozen=True, slots=True)
class Slot:
    """A place: one of LINKS or WORDS; of OPTIONAL ones, what stands there for want of a value."""

    token: str
    otherwise: str = ""

    @property
    def is_link(self) -> bool:
        """Whether an address goes here, rather than words."""
        return self.token in LINKS

    def __str__(self) -> str:
        if not self.otherwise:
            return self.token
        return f"{self.token[:-2]}_OR@@{self.otherwise.encode().hex().upper()}@@"


def pieces(text: str) -> Iterator[str | Slot]:
    """Take a text apart: what is the same for everybody, and the places; no text is empty."""
    done = 0
    for found in SLOT.finditer(text):
        slot = _slot(found)
        if slot is None:
            continue  # nothing that was made here: it stays, for the gate to find
        if found.start() > done:
            yield text[done : found.start()]
        yield slot
        done = found.end()
    if done < len(text):
        yield text[done:]


def slots(text: str) -> Iterator[Slot]:
    """Give the places in a text, in their order."""
    return (piece for piece in pieces(text) if isinstance(piece, Slot))


def _slot(found: re.Match[str]) -> Slot | None:
    if found["token"]:
        return Slot(found["token"])
    try:
        words = bytes.fromhex(found["words"]).decode()
    except UnicodeDecodeError:
        return None
    return Slot(OPTIONAL[OPENINGS.index(found["opening"])], words)


def disarmed(text: str) -> str:
    """Break each token in a text, and what another text beside it could make one of.

    An article must not get at its readers' values, neither when invisible signs, tags or case
    are changed later on nor when a template puts two texts side by side. Whatever else there
    is of such signs (`@@ROWCOUNT`, `@@ -1,3 +1,4 @@`) is the article's own, and stays.
    """
    if "@" not in text:
        return text
    beginning = BEGINNING.match(text)
    text = ENDING.sub(_broken_if_begun, WHOLE.sub(_broken_if_named, text))
    return f"{NON_JOINER}{text}" if beginning and _word(beginning) in NAMES else text


def _broken_if_named(found: re.Match[str]) -> str:
    return f"@{NON_JOINER}" if _word(found) in NAMES else "@"


def _broken_if_begun(found: re.Match[str]) -> str:
    word = _word(found)
    return f"@{NON_JOINER}" if any(name.startswith(word) for name in NAMES) else "@"


def _word(found: re.Match[str]) -> str:
    """Give the word without what may be gone from it, in capitals: `ß` is `SS` in them."""
    return re.sub(rf"{INVISIBLE.pattern}|<[^<>]*+>", "", found[1] or "").upper()
