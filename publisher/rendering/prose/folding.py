"""White space in a row of runs, as HTML folds it; one row is one text. Pure.

The same rules as those of an article's words (`publisher.articles.words`), but kept apart run by
run: spaces and normal form go by what stands together, whoever marked it. Knows no element.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from publisher.articles.characters import WIDE_BREAK
from publisher.articles.words import LINE_MARK
from publisher.rendering.plaintext import BIDI_CONTROLS, is_balanced
from publisher.rendering.prose.blocks import Mark, TextRun

# Stands between two runs while they are folded as one text; no text holds it.
SEAM = "\x00"
# White space that may have to change: more than a single space, or at an edge.
IRREGULAR = re.compile(rf"[ \t\n\f{LINE_MARK}{SEAM}]{{2,}}|[\t\n\f{LINE_MARK}]|\A | \Z")
# A space at a seam, which is neither: most of what the pattern finds.
REGULAR = frozenset({f" {SEAM}", f"{SEAM} "})
UNTURNED = dict.fromkeys(map(ord, BIDI_CONTROLS))
EDGES = re.compile(rf"\A[\n{SEAM}]+|[\n{SEAM}]+\Z")


def balance_directions(runs: Sequence[TextRun]) -> list[TextRun]:
    """Take out what turns the direction of a text, if any line of it is left turned.

    It would turn what stands beside it in a mail; where all is balanced, the author's signs stay.
    """
    whole = "".join([run.text for run in runs])
    # The end of a line ends every stretch (UAX 9, X8), whether it is closed or not.
    if all(map(is_balanced, re.split(f"[\n{LINE_MARK}]", whole))):
        return list(runs)
    return [replace(run, text=run.text.translate(UNTURNED)) for run in runs]


def fold_whitespace(runs: Sequence[TextRun], *, verbatim: bool) -> tuple[TextRun, ...]:
    """Give the runs of one text with their white space folded; `verbatim` keeps what is inside."""
    joined = SEAM.join([run.text for run in runs])
    folded = _trimmed(joined) if verbatim else _flowing(joined)
    written = _composed(folded.split(SEAM))
    pairs = zip(runs, written, strict=True)
    changed = [TextRun(text=text, marks=run.marks, picture=run.picture) for run, text in pairs]
    return tuple(_joined(_unmarked([run for run in changed if run.text or run.picture])))


def _trimmed(text: str) -> str:
    return EDGES.sub(lambda edge: SEAM * edge[0].count(SEAM), text.replace(LINE_MARK, "\n"))


def _flowing(text: str) -> str:
    def folded(found: re.Match[str]) -> str:
        is_inside = found.start() > 0 and found.end() < len(text)
        if is_inside and found[0] in REGULAR:
            return found[0]
        space = found[0].replace(SEAM, "")
        seams = len(found[0]) - len(space)
        before = len(found[0]) - len(found[0].lstrip(SEAM))
        if not space or not is_inside:
            return SEAM * seams
        if LINE_MARK in space:
            kept = "\n" * space.count(LINE_MARK)
        else:
            around = text[found.start() - 1] + space + text[found.end()]
            kept = "" if WIDE_BREAK.search(around) else " "
        # Between two runs it stays where it began, so that links don't end in a space.
        return SEAM * before + kept + SEAM * (seams - before)

    return IRREGULAR.sub(folded, text)


def _composed(texts: list[str]) -> list[str]:
    """Bring texts into normal form (NFC) as if they were one: a mark goes to its letter."""
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
    """Count the characters of a text that become one with what stands before it."""
    whole = unicodedata.normalize("NFC", before + text)
    for moved in range(len(text)):
        parts = (before + text[:moved], text[moved:])
        if "".join(unicodedata.normalize("NFC", part) for part in parts) == whole:
            return moved
    return len(text)


def _unmarked(runs: list[TextRun]) -> Iterator[TextRun]:
    """Take from mere spaces the marks that no neighbour shares: a link that nobody can see."""
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
