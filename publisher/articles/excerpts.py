"""The first sentences of a text, for lists and digests where the author wrote no summary.

Cuts where a sentence ends, with the quotes and brackets that close it. Knows no markup and no
article; a pure function of text and language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.languages import script

# What fits three lines of a phone; both hold about as much.
EXCERPT_WORDS = 40
EXCERPT_CHARACTERS = 120
# Scripts that put no spaces between words, where characters count.
UNSPACED_SCRIPTS = frozenset({"Hans", "Hant", "Jpan", "Thai", "Laoo", "Khmr", "Mymr"})

CLOSING = "[\"'”’»›)\\]」』）】》〉]*"
ENDING = re.compile(
    f"(?P<wide>(?:[。！？｡]|…{{2,}}|(?<![!?])[!?？！]++(?=[」』”’])){CLOSING})"
    # A run of stops that ends nothing is not tried again from each of its signs.
    f"|(?P<spaced>(?<![.!?؟۔।])(?<![^…]…)[.!?…؟۔।]++{CLOSING})(?=\\s|\\Z)"
)
IN_WORD = re.compile(r"[\w.’'-]")
# A full stop after these is the word's own. One letter (an initial), one or two digits (a day,
# as German counts) and words with a stop inside (e.g.) need no list.
ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof sen rep gov gen lt col capt sgt rev hon st mt jr sr messrs mme mlle vs "  # noqa: SIM905  # one a line would fill the page
    "no nos nr fig vol ed eds pp cf ca approx est dept jan feb mar apr jun jul aug sep sept "
    "oct nov dec bzw usw vgl str art abs sog ggf evtl av env sra srta dra núm pág обл ул им "
    "см г стр т".split()
)
SHORT = re.compile(r"\w|\d\d")
CLAUSE = re.compile("[，、；：,;:—–]")
# A cut goes back to the last comma only if that is in this last part of it.
CLAUSE_SHARE = 0.7


def excerpt(text: str, language: str) -> str:
    """Give the first whole sentences that fit MAX_WORDS, or MAX_CHARACTERS in unspaced scripts.

    Headings and other blocks without a sentence are passed over, unless there is nothing else.
    A first sentence that is too long is cut, with an ellipsis.
    """
    unspaced = script(language) in UNSPACED_SCRIPTS
    taken: list[str] = []
    for sentence in sentences(text):
        if taken and _size("".join([*taken, sentence]), unspaced=unspaced) > 1:
            break
        taken.append(sentence)
    whole = "".join(taken).strip() or " ".join(text.split())
    return whole if _size(whole, unspaced=unspaced) <= 1 else _cut(whole, unspaced=unspaced)


def _size(text: str, *, unspaced: bool) -> float:
    """Measure a text as a share of what fits."""
    if unspaced:
        return len(text.strip()) / EXCERPT_CHARACTERS
    return len(text.split()) / EXCERPT_WORDS


def sentences(text: str) -> Iterator[str]:
    """Give sentences with the space that follows them, from the blocks that end in one."""
    for block in re.split(r"\n\s*\n", text):
        line = " ".join(block.split())
        start = 0
        for match in ENDING.finditer(line):
            if match["wide"] or _ends(line, match):
                gap = " " if match["spaced"] else ""
                yield line[start : match.end()].lstrip() + gap
                start = match.end()


def _ends(line: str, match: re.Match[str]) -> bool:
    """Say if this stop ends a sentence, and not only an abbreviation."""
    # Spaces are single here, and none is at the end.
    following = line[match.end() + 1 : match.end() + 2]
    if not following:
        return True
    if following.islower():
        return False
    if match.group() != ".":
        return True
    word = _word_before(line, match.start()).lower()
    return not (SHORT.fullmatch(word) or "." in word or word in ABBREVIATIONS)


def _word_before(line: str, end: int) -> str:
    """Give the word that ends at a place; looks no further back than it begins."""
    start = end
    while start and IN_WORD.match(line, start - 1):
        start -= 1
    return line[start:end]


def _cut(text: str, *, unspaced: bool) -> str:
    """Cut hard: at a word's end, at the last comma if that costs little."""
    piece = text[:EXCERPT_CHARACTERS] if unspaced else " ".join(text.split()[:EXCERPT_WORDS])
    clauses = [match.start() for match in CLAUSE.finditer(piece)]
    if clauses and clauses[-1] >= CLAUSE_SHARE * len(piece):
        piece = piece[: clauses[-1]]
    return piece.rstrip(" ，、；：,;:—–.…([（「“") + "…"
