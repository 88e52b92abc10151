"""A server's words, made fit to be stored and shown: one short line that gives nobody away. Pure.

No address and no token stays in full. Knows no code and no cause.
"""

from __future__ import annotations

import re

# Characters of a reply that are looked at: no server needs more to say why.
LOOKED_AT = 1_000
# Everything before an @, which may stand as %40 in an address of the web.
LOCAL_PART = re.compile(r'(?:"[^"]*"|[^\s<>()\[\],;:"@]+)(?:@|%40)')
# A page of the web; what follows ? or # may be a token, or an address.
PAGE = re.compile(r"(\bhttps?://[^\s<>\"?#]*)[?#][^\s<>\"]*")
# Too long for a word: a token, a session's number, a digest.
TOKEN = re.compile(r"[\w%+=~-]{20,}")
TOKEN_KEPT = 6
# Local parts that are shorter stand in every second sentence.
SHORTEST_NAME = 3


def redact_reply(text: str, recipient: str = "", longest: int = LOOKED_AT) -> str:
    """Put a server's words into one line of at most `longest` characters, and mask who is who.

    What stands before an @ becomes …, and so does the recipient's local part by itself; queries
    and long tokens are cut short, controls and characters of format become spaces.
    """
    line = "".join(c if c.isprintable() else " " for c in text[: LOOKED_AT + 1])
    if len(text) > LOOKED_AT:
        # Half a word at the end could be half an address, which nothing below would find.
        line = line.rpartition(" ")[0]
    line = PAGE.sub(r"\1?…", line)
    line = LOCAL_PART.sub("…@", line)
    name = recipient.rpartition("@")[0]
    if len(name) >= SHORTEST_NAME:
        line = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "…", line, flags=re.IGNORECASE)
    line = TOKEN.sub(lambda token: f"{token[0][:TOKEN_KEPT]}…", line)
    return truncate(" ".join(line.split()), longest)


def truncate(line: str, longest: int) -> str:
    """Cut a line to so many characters, with a sign that it was cut."""
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"
