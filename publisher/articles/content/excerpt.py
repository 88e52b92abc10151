"""Make an excerpt of a text: its first sentences, where the author wrote no summary."""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.languages import script

# About three lines on a phone, in words, or in characters where there are no spaces.
EXCERPT_WORDS = 40
EXCERPT_CHARACTERS = 120
# Scripts without spaces between words, measured in characters.
UNSPACED_SCRIPTS = frozenset({"Hans", "Hant", "Jpan", "Thai", "Laoo", "Khmr", "Mymr"})

_CLOSING = "[\"'”’»›)\\]」』）】》〉]*"
_ENDING = re.compile(
    f"(?P<wide>(?:[。！？｡]|…{{2,}}|(?<![!?])[!?？！]++(?=[」』”’])){_CLOSING})"
    # The lookbehind keeps a long run of stops from being tried again at each of its characters.
    f"|(?P<spaced>(?<![.!?؟۔।])(?<![^…]…)[.!?…؟۔।]++{_CLOSING})(?=\\s|\\Z)"
)
_IN_WORD = re.compile(r"[\w.’'-]")
# A full stop after these ends no sentence. One letter (an initial), one or two digits (a German
# date) and words with a stop inside (e.g.) are recognised without a list.
_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof sen rep gov gen lt col capt sgt rev hon st mt jr sr messrs mme mlle vs "  # noqa: SIM905  # one a line would fill the page
    "no nos nr fig vol ed eds pp cf ca approx est dept jan feb mar apr jun jul aug sep sept "
    "oct nov dec bzw usw vgl str art abs sog ggf evtl av env sra srta dra núm pág обл ул им "
    "см г стр т".split()
)
_SHORT = re.compile(r"\w|\d\d")
_CLAUSE = re.compile("[，、；：,;:—–]")
# A cut goes back to the last comma if at least this share of the text is left.
_SHARE_KEPT = 0.7


def make_excerpt(text: str, language: str) -> str:
    """Return the first whole sentences within EXCERPT_WORDS, or EXCERPT_CHARACTERS without spaces.

    Headings and other blocks without a sentence are skipped, unless there is nothing else. A first
    sentence that is too long is cut, with an ellipsis.
    """
    unspaced = script(language) in UNSPACED_SCRIPTS
    taken: list[str] = []
    for sentence in split_sentences(text):
        if taken and _size("".join([*taken, sentence]), unspaced=unspaced) > 1:
            break
        taken.append(sentence)
    whole = "".join(taken).strip() or " ".join(text.split())
    return whole if _size(whole, unspaced=unspaced) <= 1 else _cut(whole, unspaced=unspaced)


def _size(text: str, *, unspaced: bool) -> float:
    """Return the size of a text as a share of what fits."""
    if unspaced:
        return len(text.strip()) / EXCERPT_CHARACTERS
    return len(text.split()) / EXCERPT_WORDS


def split_sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text with the space behind each; skip text after the last one."""
    for block in re.split(r"\n\s*\n", text):
        line = " ".join(block.split())
        start = 0
        for match in _ENDING.finditer(line):
            if match["wide"] or _ends(line, match):
                gap = " " if match["spaced"] else ""
                yield line[start : match.end()].lstrip() + gap
                start = match.end()


def _ends(line: str, match: re.Match[str]) -> bool:
    """Return whether this stop ends a sentence, and not only an abbreviation."""
    # Spaces are single here, and none is at the end.
    following = line[match.end() + 1 : match.end() + 2]
    if not following:
        return True
    if following.islower():
        return False
    if match.group() != ".":
        return True
    word = _word_before(line, match.start()).lower()
    return not (_SHORT.fullmatch(word) or "." in word or word in _ABBREVIATIONS)


def _word_before(line: str, end: int) -> str:
    """Return the word that ends at a position."""
    start = end
    while start and _IN_WORD.match(line, start - 1):
        start -= 1
    return line[start:end]


def _cut(text: str, *, unspaced: bool) -> str:
    """Cut a text at the end of a word, or at the last comma if little is lost."""
    piece = text[:EXCERPT_CHARACTERS] if unspaced else " ".join(text.split()[:EXCERPT_WORDS])
    clauses = [match.start() for match in _CLAUSE.finditer(piece)]
    if clauses and clauses[-1] >= _SHARE_KEPT * len(piece):
        piece = piece[: clauses[-1]]
    return piece.rstrip(" ，、；：,;:—–.…([（「“") + "…"
