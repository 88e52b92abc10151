"""Plain text: wrapped by display width as each script does, and cut without harm.

A wide character counts two columns. No line starts with closing punctuation or ends with an
opening bracket (kinsoku, JIS X 4051), and a URL is never broken. Isolates (U+2068, U+2069) that
a line break would cut are closed and opened again, since each line of a mail is a paragraph of
its own to the bidirectional algorithm (UAX 9, X9). Knows no template and no article.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from wcwidth import wcswidth, wcwidth

from publisher.rendering.tokens import INVISIBLE, READER_ADDRESS

# RFC 5322 section 2.1.1 recommends 78; two columns are left for a reply's quote mark.
COLUMNS = 76

# Room for an address where its token stands; longer ones are rare.
LONG_ADDRESS = 36

FIRST_STRONG_ISOLATE = "\u2068"
POP_ISOLATE = "\u2069"

NO_START = frozenset("。，、；：？！）」』】》〉〕”’…—～·％,.;:?!)]}%’ー々")
NO_START_WIDE = frozenset("。，、；：？！）」』】》〉〕")
NO_END = frozenset("（「『【《〈〔“‘([{")


BREAKING_SPACE = r"[ \t\n\r\f\v\u2000-\u2006\u2008-\u200a\u205f\u3000]"
# Scripts that break between any two characters: Han, kana, their punctuation, full-width forms.
ANYWHERE = (
    r"[\u2e80-\u2fff\u3001-\u31bf\u31f0-\u4dbf\u4e00-\u9fff\uf900-\ufaff\ufe30-\ufe4f"
    r"\uff00-\uffef\U00020000-\U0003ffff]"
)
VARIANT = r"[\ufe00-\ufe0f\u3099\u309a\U000e0100-\U000e01ef]"
TOKEN = re.compile(
    rf"(?P<space>{BREAKING_SPACE}+)|https?://[!-~]+|{ANYWHERE}{VARIANT}*"
    rf"|(?:(?!{BREAKING_SPACE}|{ANYWHERE}).)+?(?=https?://|{BREAKING_SPACE}|{ANYWHERE}|$)"
)
URL = re.compile(r"https?://\S+")


def width(text: str) -> int:
    """Give the columns that a text takes on a screen, once a reader's address is in it."""
    reserved = (LONG_ADDRESS - len(READER_ADDRESS)) * text.count(READER_ADDRESS)
    return max(0, wcswidth(INVISIBLE.sub("", text))) + reserved


def one_line(text: str) -> str:
    """Put a text on one line, without invisible controls."""
    return " ".join(INVISIBLE.sub("", text).split())


def isolate(text: str) -> str:
    """Fence a text off, so that its direction and its neighbours' leave each other alone."""
    return f"{FIRST_STRONG_ISOLATE}{text}{POP_ISOLATE}"


def flow(text: str, columns: int = COLUMNS) -> str:
    """Wrap each line of a text; blank lines are kept, but never two in a row."""
    lines = [part for line in text.splitlines() for part in wrap(line.rstrip(), columns)]
    kept = [line for before, line in pairwise(["", *lines]) if line or before]
    return "\n".join(kept).rstrip() + "\n"


def wrap(line: str, columns: int = COLUMNS) -> list[str]:
    """Break one line into lines of at most so many columns; its indent is repeated."""
    content = line.lstrip(" ")
    if URL.fullmatch(content):
        return [line]
    indent = " " * (len(line) - len(content))
    lines = _filled(content, columns - len(indent))
    return [indent + part if part else "" for part in _whole_isolates(lines)]


def shorten(text: str, columns: int) -> str:
    """Cut a text to so many columns, between words, with an ellipsis where something is gone."""
    line = one_line(text)
    if width(line) <= columns:
        return line
    first = _filled(line, columns - 1)[0]
    return first.rstrip(" ,.;:，、；：-–—") + "…"


def _filled(content: str, columns: int) -> list[str]:
    lines: list[str] = []
    current = ""
    for gap, atom in _atoms(content):
        for piece in _fitting(atom, columns):
            candidate = f"{current}{gap}{piece}" if current else piece
            if current and width(candidate) > columns:
                lines.append(current)
                candidate = piece
            current = candidate
    return [*lines, current]


def _atoms(content: str) -> Iterator[tuple[str, str]]:
    """Give what can't be broken, each with the space (or nothing) that stands before it."""
    gap, atom, pending = "", "", ""
    for found in TOKEN.finditer(content):
        if found["space"]:
            pending = " "
            continue
        token = found[0]
        if atom and _belongs(atom, pending, token):
            atom += pending + token
        else:
            if atom:
                yield gap, atom
            gap, atom = pending, token
        pending = ""
    if atom:
        yield gap, atom


def _belongs(atom: str, space: str, token: str) -> bool:
    if space:
        return token[0] in NO_START_WIDE
    return token[0] in NO_START or atom[-1] in NO_END


def _fitting(atom: str, columns: int) -> Iterator[str]:
    """Cut what is wider than a line, unless it is a URL; never before a combining mark."""
    if width(atom) <= columns or "://" in atom:
        yield atom
        return
    piece = ""
    for character in atom:
        if piece and wcwidth(character) > 0 and width(piece + character) > columns:
            yield piece.strip(" ")
            piece = ""
        piece += character
    yield piece


def _whole_isolates(lines: list[str]) -> Iterator[str]:
    depth = 0
    for line in lines:
        opened = FIRST_STRONG_ISOLATE * depth + line
        depth += line.count(FIRST_STRONG_ISOLATE) - line.count(POP_ISOLATE)
        depth = max(0, depth)
        yield opened + POP_ISOLATE * depth
