"""The words of an HTML fragment, in blocks, as plain text. Knows nothing of where it came from."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from lxml import etree, html

from publisher.articles.characters import WIDE_BREAK, clean_text

BLOCK_ELEMENTS = frozenset(
    "p h2 h3 h4 h5 h6 ul ol li dl dt dd blockquote pre figure figcaption div hr table caption "  # noqa: SIM905  # one a line would fill the page
    "thead tbody tfoot tr th td".split()
)
CELLS = frozenset({"td", "th"})
# What may stand between two blocks of words, from weak to strong.
GAPS = ("", " ", "\t", "\n", "\n\n")
# Stands for a `br` while spaces are folded; `clean` has taken any other out.
LINE_MARK = "\x0b"
SPACES = re.compile("[ \t\n\f]+")


def html_text(source: str) -> str:
    """Give the words of a fragment: blocks apart by an empty line, rows by a line, cells by a tab.

    A `br` is a line feed, `pre` keeps its lines, the readings of ruby are left out.
    """
    text = _Words()
    tree = html.fragment_fromstring(clean_text(source), create_parent="div")
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        (text.enter if event == "start" else text.leave)(element)
    text.flush()
    return unicodedata.normalize("NFC", "".join(text.done))


@dataclass(slots=True)
class _Words:
    """Collects words in document order; `gap` is what stands before the next block."""

    done: list[str] = field(default_factory=list)
    buffer: list[str] = field(default_factory=list)
    gap: str = ""
    cells: int = 0
    verbatim: int = 0
    silent: int = 0

    def enter(self, element: etree._Element) -> None:
        self.open(str(element.tag))
        self.write(element.text)

    def leave(self, element: etree._Element) -> None:
        tag = str(element.tag)
        if tag in BLOCK_ELEMENTS:
            self.flush()
        self._count(tag, -1)
        if tag not in CELLS:
            self.widen(self._gap_of(tag))
        self.write(element.tail)

    def open(self, tag: str) -> None:
        if tag == "br":
            self.buffer.append(LINE_MARK)
        elif tag in BLOCK_ELEMENTS:
            self.flush()
            self.widen(self._gap_of(tag))
        self._count(tag, +1)

    def write(self, text: str | None) -> None:
        if text and not self.silent:
            self.buffer.append(text)

    def widen(self, gap: str) -> None:
        self.gap = max(self.gap, gap, key=GAPS.index)

    def flush(self) -> None:
        text = "".join(self.buffer)
        text = text.replace(LINE_MARK, "\n").strip("\n") if self.verbatim else _flow(text)
        self.buffer.clear()
        if text.strip():
            self.done += [self.gap if self.done else "", text]
            self.gap = ""

    def _gap_of(self, tag: str) -> str:
        if tag in CELLS:
            return "\t"
        if tag == "tr":
            return "\n"
        if tag not in BLOCK_ELEMENTS or tag in {"thead", "tbody", "tfoot"}:
            return ""
        return " " if self.cells else "\n\n"

    def _count(self, tag: str, step: int) -> None:
        self.cells += step * (tag in CELLS)
        self.verbatim += step * (tag == "pre")
        self.silent += step * (tag in {"rt", "rp"})


def _flow(text: str) -> str:
    joined = SPACES.sub(" ", WIDE_BREAK.sub("", text))
    return re.sub(f" ?{LINE_MARK} ?", "\n", joined).strip(" \n")
