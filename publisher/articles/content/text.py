"""The text of an article: its characters cleaned and joined, and an excerpt of its first sentences.

Lines are joined as each script does, and white space is collapsed as HTML does, over a whole block.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from publisher.articles.content.blocks import Mark, TextRun
from publisher.languages import script
from publisher.languages.locales import BIDI_CONTROLS, HIDDEN_CHARACTERS, is_balanced

# C0 and C1 controls except tab and line feed, byte order mark, lone surrogates, noncharacters:
# XML forbids most of them, and none has a meaning in text.
UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | 0xFFFE) + chr(plane << 16 | 0xFFFF) for plane in range(17))
    + "]"
)
HIDDEN = re.compile(f"[{HIDDEN_CHARACTERS}]")
_OVERLAY = "\u0338"  # the only combining mark that composes with `<` and `>`
# Scripts without spaces between words: a line break between two such characters is no space.
_WIDE = "\u3000-\u30ff\u31f0-\u9fff\uf900-\ufaff\uff01-\uff60\U00020000-\U0003ffff"
UNSPACED_CHARACTER = re.compile(f"[{_WIDE}]")
WIDE_BREAK = re.compile(f"(?<=[{_WIDE}])[ \t]*\n[ \t]*(?=[{_WIDE}])")


def clean_characters(text: str) -> str:
    """Remove characters that no document should contain, and normalise the others (NFC). No overlay may remove a bracket."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    # None of them is printable; that is found ten times faster than they are.
    if not text.replace("\n", "").replace("\t", "").isprintable():
        text = UNWANTED.sub("", text)
    if unicodedata.is_normalized("NFC", text):
        return text
    first, *others = re.split("([<>])", text)
    composed = [unicodedata.normalize("NFC", piece).lstrip(_OVERLAY) for piece in others]
    return unicodedata.normalize("NFC", first) + "".join(composed)


def join_lines(lines: Iterable[str]) -> str:
    """Join the lines of one paragraph: by a space, or by nothing between Chinese or Japanese."""
    joined = ""
    for line in lines:
        text = line.strip()
        joined += text if not joined or joins_without_space(joined, text) else f" {text}"
    return joined


def joins_without_space(before: str, after: str) -> bool:
    """Return whether a line break between the two is no space (CSS Text 3 section 4.1.3)."""
    return bool(UNSPACED_CHARACTER.match(before[-1:]) and UNSPACED_CHARACTER.match(after[:1]))


# Stands for a `br` until spaces are collapsed; `clean_text` has removed any other from the HTML.
LINE_MARK = "\x0b"
# Separates two runs while they are processed as one text; no article contains it.
RUN_SEPARATOR = "\x00"
# White space that may change: more than one space, or at an edge.
_IRREGULAR = re.compile(
    rf"[ \t\n\f{LINE_MARK}{RUN_SEPARATOR}]{{2,}}|[\t\n\f{LINE_MARK}]|\A | \Z"
)
# A single space beside a separator stays; most matches of the pattern are such.
_REGULAR = frozenset({f" {RUN_SEPARATOR}", f"{RUN_SEPARATOR} "})
_NO_CONTROLS = dict.fromkeys(map(ord, BIDI_CONTROLS))
_EDGES = re.compile(rf"\A[\n{RUN_SEPARATOR}]+|[\n{RUN_SEPARATOR}]+\Z")


def remove_unbalanced_controls(runs: Sequence[TextRun]) -> list[TextRun]:
    """Remove all direction controls of a text with a line that leaves one open: it would reverse what follows."""
    whole = "".join([run.text for run in runs])
    # Controls end with the line (UAX 9, X8), closed or not.
    lines = re.split(f"[\n{LINE_MARK}]", whole)
    if BIDI_CONTROLS.isdisjoint(whole) or all(map(is_balanced, lines)):
        return list(runs)
    return [replace(run, text=run.text.translate(_NO_CONTROLS)) for run in runs]


def fold_whitespace(runs: Sequence[TextRun], *, verbatim: bool) -> tuple[TextRun, ...]:
    """Return runs with collapsed white space; `verbatim` (`pre`) removes only empty lines at the edges."""
    joined = RUN_SEPARATOR.join([run.text for run in runs])
    folded = _trimmed(joined) if verbatim else _collapsed(joined)
    written = _composed(folded.split(RUN_SEPARATOR))
    pairs = zip(runs, written, strict=True)
    changed = [TextRun(text, run.marks, run.picture) for run, text in pairs]
    return tuple(_joined(_unmarked([run for run in changed if run.text or run.picture])))


def _trimmed(text: str) -> str:
    return _EDGES.sub(
        lambda edge: RUN_SEPARATOR * edge[0].count(RUN_SEPARATOR), text.replace(LINE_MARK, "\n")
    )


def _collapsed(text: str) -> str:
    def folded(found: re.Match[str]) -> str:
        is_inside = found.start() > 0 and found.end() < len(text)
        if is_inside and found[0] in _REGULAR:
            return found[0]
        space = found[0].replace(RUN_SEPARATOR, "")
        separators = len(found[0]) - len(space)
        before = len(found[0]) - len(found[0].lstrip(RUN_SEPARATOR))
        if not space or not is_inside:
            return RUN_SEPARATOR * separators
        if LINE_MARK in space:
            kept = "\n" * space.count(LINE_MARK)
        else:
            around = text[found.start() - 1] + space + text[found.end()]
            kept = "" if WIDE_BREAK.search(around) else " "
        # A space between two runs stays at the side where it was written.
        return RUN_SEPARATOR * before + kept + RUN_SEPARATOR * (separators - before)

    return _IRREGULAR.sub(folded, text)


def _composed(texts: list[str]) -> list[str]:
    """Normalise texts (NFC) as if they were one: a combining mark moves to its letter's text."""
    if unicodedata.is_normalized("NFC", "".join(texts)):
        return texts
    done = [unicodedata.normalize("NFC", texts[0])]
    last = 0
    for number, text in enumerate(texts[1:], 1):
        moved = _composing(done[last], text) if done[last] else 0
        done[last] = unicodedata.normalize("NFC", done[last] + text[:moved])
        done.append(unicodedata.normalize("NFC", text[moved:]))
        last = number if done[number] else last
    return done


def _composing(before: str, text: str) -> int:
    whole = unicodedata.normalize("NFC", before + text)
    for moved in range(len(text)):
        parts = (before + text[:moved], text[moved:])
        if "".join(unicodedata.normalize("NFC", part) for part in parts) == whole:
            return moved
    return len(text)


def _unmarked(runs: list[TextRun]) -> Iterator[TextRun]:
    """Remove marks of a space that neither neighbour has, such as an invisible link."""
    for number, run in enumerate(runs):
        if run.picture or not run.text.isspace():
            yield run
            continue
        around = runs[max(0, number - 1) : number] + runs[number + 1 : number + 2]
        shared: set[Mark] = {mark for other in around for mark in other.marks}
        yield replace(run, marks=tuple(mark for mark in run.marks if mark in shared))


def _joined(runs: Iterator[TextRun]) -> Iterator[TextRun]:
    for (marks, picture), group in groupby(runs, lambda run: (run.marks, run.picture)):
        if picture:
            yield from group
        else:
            yield TextRun(text="".join([run.text for run in group]), marks=marks)


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
_SHARE_KEPT = 0.7  # a cut goes back to the last comma if this share of the text is left


def make_excerpt(text: str, language: str) -> str:
    """Return the first whole sentences within EXCERPT_WORDS, or EXCERPT_CHARACTERS without spaces; a long first one is cut."""
    unspaced = script(language) in UNSPACED_SCRIPTS
    taken: list[str] = []
    for sentence in split_sentences(text):
        if taken and _size("".join([*taken, sentence]), unspaced=unspaced) > 1:
            break
        taken.append(sentence)
    whole = "".join(taken).strip() or " ".join(text.split())
    return whole if _size(whole, unspaced=unspaced) <= 1 else _cut(whole, unspaced=unspaced)


def _size(text: str, *, unspaced: bool) -> float:
    if unspaced:
        return len(text.strip()) / EXCERPT_CHARACTERS
    return len(text.split()) / EXCERPT_WORDS


def split_sentences(text: str) -> Iterator[str]:
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
