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
INVISIBLE_CHARACTERS = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)

UNSUBSCRIBE_PLACEHOLDER = "@@UNSUBSCRIBE@@"
PREFERENCES_PLACEHOLDER = "@@PREFERENCES@@"
WEB_PLACEHOLDER = "@@READER_WEB@@"
CONFIRM_PLACEHOLDER = "@@CONFIRM@@"
NAME_PLACEHOLDER = "@@READER_NAME@@"
ADDRESS_PLACEHOLDER = "@@ADDRESS@@"
LANGUAGE_PLACEHOLDER = "@@READER_LANGUAGE@@"
TIMEZONE_PLACEHOLDER = "@@READER_TIMEZONE@@"

LINK_PLACEHOLDERS = (
    UNSUBSCRIBE_PLACEHOLDER,
    PREFERENCES_PLACEHOLDER,
    WEB_PLACEHOLDER,
    CONFIRM_PLACEHOLDER,
)
WORD_PLACEHOLDERS = (
    NAME_PLACEHOLDER,
    ADDRESS_PLACEHOLDER,
    LANGUAGE_PLACEHOLDER,
    TIMEZONE_PLACEHOLDER,
)
# What a reader need not have, and with what such a place begins if it brings words for that.
OPTIONAL_PLACEHOLDERS = (NAME_PLACEHOLDER, TIMEZONE_PLACEHOLDER)
_FALLBACK_OPENINGS = tuple(f"{token[:-2]}_OR@@" for token in OPTIONAL_PLACEHOLDERS)
ALL_PLACEHOLDERS = (*LINK_PLACEHOLDERS, *WORD_PLACEHOLDERS, *_FALLBACK_OPENINGS)

PLACEHOLDER_PATTERN = re.compile(
    rf"(?P<token>{'|'.join((*LINK_PLACEHOLDERS, *WORD_PLACEHOLDERS))})"
    rf"|(?P<opening>{'|'.join(_FALLBACK_OPENINGS)})(?P<words>(?:[0-9A-F]{{2}})*)@@"
)

_TOKEN_NAMES = frozenset(token.strip("@") for token in ALL_PLACEHOLDERS)
# Shows nothing, is kept by everything that comes after, and makes an address that is none.
NON_JOINER = "\u200c"
# What may be gone when the mail is finished: invisible signs, and tags where words are taken out.
_GAP = rf"(?:{INVISIBLE_CHARACTERS.pattern}|<[^<>]*+>)*+"
# Longer words than any name are not looked at, so that this takes no longer than the text is.
_WORD = rf"((?:\w{_GAP}){{0,{max(map(len, _TOKEN_NAMES))}}}+)"
_WHOLE_TOKEN = re.compile(rf"@(?={_GAP}@{_GAP}{_WORD}@{_GAP}@)")
_TOKEN_START = re.compile(rf"@(?={_GAP}(?:@{_GAP}{_WORD}(?:@{_GAP})?)?\Z)")
_TOKEN_END = re.compile(rf"{_GAP}(?:@{_GAP})?{_WORD}@{_GAP}@")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A place: one of LINKS or WORDS; of OPTIONAL ones, what stands there for want of a value."""

    token: str
    otherwise: str = ""

    @property
    def is_link(self) -> bool:
        """Whether an address goes here, rather than words."""
        return self.token in LINK_PLACEHOLDERS

    def __str__(self) -> str:
        if not self.otherwise:
            return self.token
        return f"{self.token[:-2]}_OR@@{self.otherwise.encode().hex().upper()}@@"


def split_at_placeholders(text: str) -> Iterator[str | Placeholder]:
    """Take a text apart: what is the same for everybody, and the places; no text is empty."""
    done = 0
    for found in PLACEHOLDER_PATTERN.finditer(text):
        slot = _slot(found)
        if slot is None:
            continue  # nothing that was made here: it stays, for the gate to find
        if found.start() > done:
            yield text[done : found.start()]
        yield slot
        done = found.end()
    if done < len(text):
        yield text[done:]


def find_placeholders(text: str) -> Iterator[Placeholder]:
    """Give the places in a text, in their order."""
    return (piece for piece in split_at_placeholders(text) if isinstance(piece, Placeholder))


def _slot(found: re.Match[str]) -> Placeholder | None:
    if found["token"]:
        return Placeholder(found["token"])
    try:
        words = bytes.fromhex(found["words"]).decode()
    except UnicodeDecodeError:
        return None
    return Placeholder(OPTIONAL_PLACEHOLDERS[_FALLBACK_OPENINGS.index(found["opening"])], words)


def neutralise_placeholders(text: str) -> str:
    """Break each token in a text, and what another text beside it could make one of.

    An article must not get at its readers' values, neither when invisible signs, tags or case
    are changed later on nor when a template puts two texts side by side. Whatever else there
    is of such signs (`@@ROWCOUNT`, `@@ -1,3 +1,4 @@`) is the article's own, and stays.
    """
    if "@" not in text:
        return text
    beginning = _TOKEN_END.match(text)
    text = _TOKEN_START.sub(_broken_if_begun, _WHOLE_TOKEN.sub(_broken_if_named, text))
    return f"{NON_JOINER}{text}" if beginning and _word(beginning) in _TOKEN_NAMES else text


def _broken_if_named(found: re.Match[str]) -> str:
    return f"@{NON_JOINER}" if _word(found) in _TOKEN_NAMES else "@"


def _broken_if_begun(found: re.Match[str]) -> str:
    word = _word(found)
    return f"@{NON_JOINER}" if any(name.startswith(word) for name in _TOKEN_NAMES) else "@"


def _word(found: re.Match[str]) -> str:
    """Give the word without what may be gone from it, in capitals: `ß` is `SS` in them."""
    return re.sub(rf"{INVISIBLE_CHARACTERS.pattern}|<[^<>]*+>", "", found[1] or "").upper()
