"""Plain text: wrapped by display width as each script needs, and shortened between words.

A wide character counts two columns. No line starts with closing punctuation or ends with an opening
bracket (kinsoku, JIS X 4051). A URL is never broken. Direction controls that a line break would cut
are closed and opened again, since each line is a paragraph of its own (UAX 9, X8).
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from wcwidth import wcswidth, wcwidth

from publisher.languages import direction, locales
from publisher.mail_limits import MAX_TEXT_COLUMNS
from publisher.rendering import placeholders

# Columns reserved for a subscriber's value; longer ones are rare. Links have lines of their own.
_VALUE_COLUMNS = {
    placeholders.NAME_PLACEHOLDER: 20,
    placeholders.ADDRESS_PLACEHOLDER: 36,
    placeholders.LANGUAGE_PLACEHOLDER: 7,
    placeholders.TIMEZONE_PLACEHOLDER: 20,
}

# Private-use characters that replace isolates while invisible characters are removed.
STAND_INS = "\ue000\ue001"
TO_STAND_INS = str.maketrans(locales.FIRST_STRONG_ISOLATE + locales.POP_ISOLATE, STAND_INS)
FROM_STAND_INS = str.maketrans(STAND_INS, locales.FIRST_STRONG_ISOLATE + locales.POP_ISOLATE)

_NO_LINE_START = frozenset("。，、；：？！）」』】》〉〕”’…—～·％,.;:?!)]}%’ー々")
_NO_LINE_START_WIDE = frozenset("。，、；：？！）」』】》〉〕")
_NO_LINE_END = frozenset("（「『【《〈〔“‘([{")

# Characters per column of a shortened text: emoji have up to seven, letters a few marks. Without
# a limit any number of marks would count as one column.
MAX_CHARACTERS_PER_COLUMN = 8
_ZERO_WIDTH_JOINER = "\u200d"

_BREAKING_SPACE = r"[ \t\n\r\f\v\u2000-\u2006\u2008-\u200a\u205f\u3000]"
# Scripts with line breaks between any two characters: Han, kana, full-width forms.
BREAK_ANYWHERE = (
    r"[\u2e80-\u2fff\u3001-\u31bf\u31f0-\u4dbf\u4e00-\u9fff\uf900-\ufaff\ufe30-\ufe4f"
    r"\uff00-\uffef\U00020000-\U0003ffff]"
)
_TAIL_CHARACTERS = 4  # characters of a letter with its variation selectors
_VARIATION = r"[\ufe00-\ufe0f\u3099\u309a\U000e0100-\U000e01ef]"
_TOKEN = re.compile(
    rf"(?P<space>{_BREAKING_SPACE}+)|https?://[!-~]+|{BREAK_ANYWHERE}{_VARIATION}*"
    rf"|(?:(?!{_BREAKING_SPACE}|{BREAK_ANYWHERE}).)+?(?=https?://|{_BREAKING_SPACE}|{BREAK_ANYWHERE}|$)"
)
_BREAKS_BEFORE = re.compile(BREAK_ANYWHERE)
_BREAKS_AFTER = re.compile(rf"{BREAK_ANYWHERE}{_VARIATION}*\Z")
_URL = re.compile(r"https?://\S+")
_LINE = re.compile(r"(?m)^( *)(\S.*)$")


def display_width(text: str) -> int:
    """Return the display columns of a text, with room for subscribers' values."""
    if "@@" in text:
        text = placeholders.PLACEHOLDER_PATTERN.sub(_room, text)
    if text.isascii() and text.isprintable():
        return len(text)
    return max(0, wcswidth(placeholders.INVISIBLE_CHARACTERS.sub("", text)))


def _room(found: re.Match[str]) -> str:
    """Return as many letters as columns are reserved for the value."""
    slot = next(placeholders.find_placeholders(found[0]), None)
    if slot is None or slot.token not in _VALUE_COLUMNS:
        return found[0]
    return "x" * max(_VALUE_COLUMNS[slot.token], display_width(slot.otherwise))


def to_one_line(text: str) -> str:
    """Return a text on one line, without invisible characters."""
    return " ".join(placeholders.INVISIBLE_CHARACTERS.sub("", text).split())


def isolate(text: str, language: str = "") -> str:
    """Return a text in isolates, so that its direction does not affect the text around.

    Its first letter decides its direction, unless it is in a `language` that runs from the right.
    """
    is_rtl = language and direction(language) == "rtl"
    return f"{locales.RIGHT_TO_LEFT_ISOLATE if is_rtl else locales.FIRST_STRONG_ISOLATE}{text}{locales.POP_ISOLATE}"


def isolate_lines(text: str, language: str = "") -> str:
    """Return a text with each line in isolates, after its indent."""
    return _LINE.sub(lambda found: found[1] + isolate(found[2], language), text)


def wrap_text(text: str, language: str = "") -> str:
    """Wrap each line of a text, and isolate those from the right; of several blank lines one is kept."""
    lines = [part for line in text.splitlines() for part in wrap_line(line.rstrip())]
    kept = [line for before, line in pairwise(["", *lines]) if line or before]
    if language and direction(language) == "rtl":
        kept = [
            line if locales.is_isolated(line) else isolate_lines(words, language) + address
            for line in kept
            for words, address in [locales.split_address(line)]
        ]
    return "\n".join(kept).rstrip() + "\n"


def wrap_line(line: str, columns: int = MAX_TEXT_COLUMNS) -> list[str]:
    """Return a line as lines of at most so many columns, each with its indent.

    A line that fits keeps all its spaces: it may be code or a table.
    """
    content = line.lstrip(" ")
    is_whole = _URL.fullmatch(content) or display_width(line) <= columns
    if is_whole and locales.BIDI_CONTROLS.isdisjoint(line):
        return [line]
    indent = " " * (len(line) - len(content))
    lines = [content] if is_whole else _filled(content, columns - len(indent))
    return [indent + part if part else "" for part in locales.balance_lines(lines)]


def underline(text: str, sign: str) -> str:
    return sign * min(display_width(to_one_line(text)), MAX_TEXT_COLUMNS)


def shorten_to_columns(text: str, columns: int) -> str:
    """Return a text cut between words to so many columns, with an ellipsis if it is cut.

    It has at most MAX_CHARACTERS_PER_COLUMN per column.
    """
    line = to_one_line(text)
    kept = _clipped(line, MAX_CHARACTERS_PER_COLUMN * columns)
    if kept == line and display_width(line) <= columns:
        return line
    first = _filled(kept, columns - 1)[0][: MAX_CHARACTERS_PER_COLUMN * columns - 1]
    # A placeholder is kept whole or left out.
    cut = (
        one.start()
        for one in placeholders.PLACEHOLDER_PATTERN.finditer(line)
        if one.start() < len(first) < one.end()
    )
    first = first[: next(cut, None)]
    return first.rstrip(" ,.;:،؛，、；：-–—") + "…"


def shorten_isolated(text: str, columns: int) -> str:
    """Return a text cut like `shorten_to_columns`, with isolates kept and closed."""
    marked = text.translate(dict.fromkeys(map(ord, STAND_INS))).translate(TO_STAND_INS)
    kept = shorten_to_columns(marked, columns).translate(FROM_STAND_INS)
    left_open = kept.count(locales.FIRST_STRONG_ISOLATE) - kept.count(locales.POP_ISOLATE)
    return kept + locales.POP_ISOLATE * max(0, left_open)


def _clipped(text: str, most: int) -> str:
    """Return a text cut to so many characters, not between a letter and its marks."""
    if len(text) <= most:
        return text
    end = most - 1
    while end and (wcwidth(text[end]) <= 0 or text[end - 1] == _ZERO_WIDTH_JOINER):
        end -= 1
    return text[: end or most - 1]


def _filled(content: str, columns: int) -> list[str]:
    lines: list[str] = []
    current, taken = "", 0
    for gap, atom in _atoms(content):
        for piece in _fitting(atom, columns):
            # Widths add up: nothing joins across atoms.
            wide = display_width(piece)
            if current and taken + len(gap) + wide > columns:
                lines.append(current)
                current, taken = "", 0
            current, taken = (
                (f"{current}{gap}{piece}", taken + len(gap) + wide)
                if current
                else (piece, wide)
            )
    return [*lines, current]


def _atoms(content: str) -> Iterator[tuple[str, str]]:
    """Yield the unbreakable parts, each with the space before it."""
    gap, atom, pending = "", "", ""
    for found in _TOKEN.finditer(content):
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
    """Return whether no line may break between the two.

    Without a space only some scripts break. A URL and letters that follow it at once (a Korean
    particle, the rest of an address that is not ASCII) stay together.
    """
    if space:
        return token[0] in _NO_LINE_START_WIDE
    if token[0] in _NO_LINE_START or atom[-1] in _NO_LINE_END:
        return True
    # Only the end is searched, so that long atoms take no longer.
    return not (_BREAKS_BEFORE.match(token) or _BREAKS_AFTER.search(atom[-_TAIL_CHARACTERS:]))


def _fitting(atom: str, columns: int) -> Iterator[str]:
    """Yield parts of an atom that fit a line, none beginning with a combining mark; URLs and placeholders stay whole."""
    fits = 2 * len(atom) <= columns or display_width(atom) <= columns
    if fits or "://" in atom or placeholders.PLACEHOLDER_PATTERN.search(atom):
        yield atom
        return
    piece = ""
    for character in atom:
        if piece and wcwidth(character) > 0 and display_width(piece + character) > columns:
            yield piece.strip(" ")
            piece = ""
        piece += character
    yield piece
