"""The places in a finished digest where a reader's own values go.

Plain ASCII, so that neither escaping, inlining nor percent-encoding changes them; templates
write them like any other text. Knows no reader.
"""

from __future__ import annotations

import re

# Invisible: controls, marks and overrides of direction. Joiners stay: words need them.
INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)

UNSUBSCRIBE = "@@UNSUBSCRIBE@@"
PREFERENCES = "@@PREFERENCES@@"
READER_ADDRESS = "@@ADDRESS@@"
CONFIRM = "@@CONFIRM@@"

TOKENS = (UNSUBSCRIBE, PREFERENCES, READER_ADDRESS, CONFIRM)

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
