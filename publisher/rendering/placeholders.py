"""Placeholders in a finished mail, where a subscriber's own values are filled in.

Plain ASCII, so that neither escaping, inlining nor percent-encoding changes them. A placeholder may
carry words for subscribers without a value: `@@SUBSCRIBER_NAME_OR@@` and the words in hexadecimal,
so that nothing escapes, wraps or translates them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Controls, marks and overrides of direction. Joiners are not among them: words need them.
INVISIBLE_CHARACTERS = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)

UNSUBSCRIBE_PLACEHOLDER = "@@UNSUBSCRIBE@@"
PREFERENCES_PLACEHOLDER = "@@PREFERENCES@@"
WEB_PLACEHOLDER = "@@SUBSCRIBER_WEB@@"
CONFIRM_PLACEHOLDER = "@@CONFIRM@@"
NAME_PLACEHOLDER = "@@SUBSCRIBER_NAME@@"
ADDRESS_PLACEHOLDER = "@@ADDRESS@@"
LANGUAGE_PLACEHOLDER = "@@SUBSCRIBER_LANGUAGE@@"
TIMEZONE_PLACEHOLDER = "@@SUBSCRIBER_TIMEZONE@@"

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
# Values that a subscriber may lack, and the start of a placeholder with words for that.
OPTIONAL_PLACEHOLDERS = (NAME_PLACEHOLDER, TIMEZONE_PLACEHOLDER)
_FALLBACK_OPENINGS = tuple(f"{token[:-2]}_OR@@" for token in OPTIONAL_PLACEHOLDERS)
ALL_PLACEHOLDERS = (*LINK_PLACEHOLDERS, *WORD_PLACEHOLDERS, *_FALLBACK_OPENINGS)

PLACEHOLDER_PATTERN = re.compile(
    rf"(?P<token>{'|'.join((*LINK_PLACEHOLDERS, *WORD_PLACEHOLDERS))})"
    rf"|(?P<opening>{'|'.join(_FALLBACK_OPENINGS)})(?P<words>(?:[0-9A-F]{{2}})*)@@"
)

_TOKEN_NAMES = frozenset(token.strip("@") for token in ALL_PLACEHOLDERS)
# Zero-width non-joiner: invisible, survives escaping and inlining, and breaks a placeholder.
NON_JOINER = "\u200c"
# What may be removed from a text later: invisible characters and tags.
_GAP = rf"(?:{INVISIBLE_CHARACTERS.pattern}|<[^<>]*+>)*+"
# At most as long as the longest name, so that matching takes linear time.
_WORD = rf"((?:\w{_GAP}){{0,{max(map(len, _TOKEN_NAMES))}}}+)"
_WHOLE_TOKEN = re.compile(rf"@(?={_GAP}@{_GAP}{_WORD}@{_GAP}@)")
_TOKEN_START = re.compile(rf"@(?={_GAP}(?:@{_GAP}{_WORD}(?:@{_GAP})?)?\Z)")
_TOKEN_END = re.compile(rf"{_GAP}(?:@{_GAP})?{_WORD}@{_GAP}@")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One of LINK_PLACEHOLDERS or WORD_PLACEHOLDERS, with words for subscribers without a value."""

    token: str
    otherwise: str = ""

    @property
    def is_link(self) -> bool:
        """Whether it is replaced by a URL."""
        return self.token in LINK_PLACEHOLDERS

    def __str__(self) -> str:
        if not self.otherwise:
            return self.token
        return f"{self.token[:-2]}_OR@@{self.otherwise.encode().hex().upper()}@@"


def split_at_placeholders(text: str) -> Iterator[str | Placeholder]:
    """Split a text into the placeholders and the texts between them; no text is empty."""
    done = 0
    for found in PLACEHOLDER_PATTERN.finditer(text):
        placeholder = _placeholder(found)
        if placeholder is None:
            continue  # not ours: it stays, and the gate reports it
        if found.start() > done:
            yield text[done : found.start()]
        yield placeholder
        done = found.end()
    if done < len(text):
        yield text[done:]


def find_placeholders(text: str) -> Iterator[Placeholder]:
    """Yield the placeholders in a text, in order."""
    return (part for part in split_at_placeholders(text) if isinstance(part, Placeholder))


def _placeholder(found: re.Match[str]) -> Placeholder | None:
    if found["token"]:
        return Placeholder(found["token"])
    try:
        words = bytes.fromhex(found["words"]).decode()
    except UnicodeDecodeError:
        return None
    return Placeholder(OPTIONAL_PLACEHOLDERS[_FALLBACK_OPENINGS.index(found["opening"])], words)


def neutralise_placeholders(text: str) -> str:
    """Return a text in which nothing is, or could become, a placeholder.

    An article must not read its subscribers' values: not after invisible characters, tags or case
    are changed later, nor when a template writes two texts side by side. Other uses of the signs
    (`@@ROWCOUNT`, `@@ -1,3 +1,4 @@`) stay.
    """
    if "@" not in text:
        return text
    beginning = _TOKEN_END.match(text)
    text = _TOKEN_START.sub(_break_start, _WHOLE_TOKEN.sub(_break_token, text))
    return f"{NON_JOINER}{text}" if beginning and _word(beginning) in _TOKEN_NAMES else text


def _break_token(found: re.Match[str]) -> str:
    return f"@{NON_JOINER}" if _word(found) in _TOKEN_NAMES else "@"


def _break_start(found: re.Match[str]) -> str:
    word = _word(found)
    return f"@{NON_JOINER}" if any(name.startswith(word) for name in _TOKEN_NAMES) else "@"


def _word(found: re.Match[str]) -> str:
    """Return the word without gaps, in capitals (`ß` becomes `SS`)."""
    return re.sub(rf"{INVISIBLE_CHARACTERS.pattern}|<[^<>]*+>", "", found[1] or "").upper()
