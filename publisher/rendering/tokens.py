"""The places in a finished digest where a reader's own values go.

Plain ASCII, so that neither escaping, inlining nor percent-encoding changes them; templates
write them like any other text. Knows no reader.
"""

from __future__ import annotations

import re

# Invisible: controls, marks and overrides of direction. Joiners stay: words need them.
INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
)
ARMED = re.compile(rf"@(?:{INVISIBLE.pattern})*(?=@)")

UNSUBSCRIBE = "@@UNSUBSCRIBE@@"
PREFERENCES = "@@PREFERENCES@@"
READER_ADDRESS = "@@ADDRESS@@"

TOKENS = (UNSUBSCRIBE, PREFERENCES, READER_ADDRESS)


def disarmed(text: str) -> str:
    """Break what would be taken for a token, or become one when invisible signs are stripped.

    An article must not get at its readers' values. A non-joiner between the signs shows nothing,
    is kept by everything that comes after, and makes an address that is none.
    """
    return ARMED.sub("@\u200c", text) if "@" in text else text
