"""Redact a server's reply for storage and display: one short line without full addresses or tokens.

Pure.
"""

from __future__ import annotations

import re

# Characters of a reply that are read: no server needs more to give a reason.
MAX_REPLY_TEXT = 1_000
# Everything before an @, which is %40 in a URL.
_LOCAL_PART = re.compile(r'(?:"[^"]*"|[^\s<>()\[\],;:"@]+)(?:@|%40)')
# A URL. What follows ? or # may be a token, or an address.
_URL = re.compile(r"(\bhttps?://[^\s<>\"?#]*)[?#][^\s<>\"]*")
# Too long for a word: a token, a session id, a digest.
_TOKEN = re.compile(r"[\w%+=~-]{20,}")
_TOKEN_KEPT = 6
# Shorter local parts occur in ordinary sentences.
_MIN_LOCAL_PART = 3


def redact_reply(text: str, recipient: str = "", longest: int = MAX_REPLY_TEXT) -> str:
    """Return a reply as one line of at most `longest` characters, with names masked.

    What stands before an @ becomes …, and so does the recipient's local part on its own. Queries
    of URLs and long tokens are cut; control and format characters become spaces.
    """
    line = "".join(c if c.isprintable() else " " for c in text[: MAX_REPLY_TEXT + 1])
    if len(text) > MAX_REPLY_TEXT:
        # Half a word at the end could be half an address, which the patterns would miss.
        line = line.rpartition(" ")[0]
    line = _URL.sub(r"\1?…", line)
    line = _LOCAL_PART.sub("…@", line)
    name = recipient.rpartition("@")[0]
    if len(name) >= _MIN_LOCAL_PART and _may_hold(line, name):
        line = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "…", line, flags=re.IGNORECASE)
    line = _TOKEN.sub(lambda token: f"{token[0][:_TOKEN_KEPT]}…", line)
    return truncate(" ".join(line.split()), longest)


def _may_hold(line: str, name: str) -> bool:
    """Return False if a name is not in a line in any case.

    It seldom is, and to compile an expression for each name takes longer than all the rest.
    """
    is_plain = name.isascii() and line.replace("…", "").isascii()
    return not is_plain or name.lower() in line.lower()


def truncate(line: str, longest: int) -> str:
    """Return a line of at most so many characters, with … at the end if it was cut."""
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"
