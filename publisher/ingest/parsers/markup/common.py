"""What templates, shortcodes and components share while a document is read.

Code in Markdown is found before it is parsed, so that templates in it stay as they are written. The problems
of one document are collected with the lines of its file. And the pieces of HTML and Markdown that are written in
place of a tag: plugins and sites use the same names, so a tag of a site's own most likely shows a picture, a
film, or only what is inside: `{% image "pier.png", "The pier" %}`, `{% youtube abc %}`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from operator import itemgetter

from publisher.i18n.article_problems import ArticleProblem, ProblemKind

# No alternative reads past the next one of its own kind, so the time is linear.
_TOKEN = re.compile(
    r"^[ \t>]*(?:[-*+][ \t]+|\d+[.)][ \t]+)?(?P<fence>`{3,}[^`\n]*|~{3,}[^\n]*)$"
    r"|(?P<blank>\n[ \t]*(?=\n))"
    r"|(?P<ticks>`+)",
    re.MULTILINE,
)


class CodeRegions:
    """The fenced blocks and code spans of a text."""

    def __init__(self, text: str) -> None:
        self._regions = _regions(text) if "`" in text or "~~~" in text else []

    def __contains__(self, position: object) -> bool:
        """Return whether the character at a position is code."""
        return isinstance(position, int) and self.end_at(position) is not None

    def end_at(self, position: int) -> int | None:
        """Return where the code ends that a position is in, None if it is in none."""
        return span_end(self._regions, position)


def span_end(spans: Sequence[tuple[int, int]], position: int) -> int | None:
    """Return where the span ends that has a position, of spans in order; None if there is none."""
    index = bisect_right(spans, position, key=itemgetter(0)) - 1
    return spans[index][1] if index >= 0 and position < spans[index][1] else None


def replace_outside_code(
    pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str], text: str
) -> str:
    """Replace matches that do not begin in code."""
    regions = CodeRegions(text)
    return pattern.sub(
        lambda match: match[0] if match.start() in regions else replace(match), text
    )


def _regions(text: str) -> list[tuple[int, int]]:
    tokens = list(_TOKEN.finditer(text))
    partners = _tick_partners(tokens)
    found: list[tuple[int, int]] = []
    end = 0
    for index, token in enumerate(tokens):
        if token.start() < end or token.lastgroup == "blank":
            continue
        if token.lastgroup == "fence":
            end = _fence_end(tokens, index, len(text))
        elif index in partners:
            end = partners[index]
        else:
            continue
        found.append((token.start(), end))
    return found


def _fence_end(tokens: Sequence[re.Match[str]], index: int, length: int) -> int:
    opening = tokens[index]["fence"]
    mark = opening[0]
    size = len(opening) - len(opening.lstrip(mark))
    for token in tokens[index + 1 :]:
        fence = (token["fence"] or "").rstrip()
        if len(fence) >= size and not fence.strip(mark):
            return token.end()
    return length


def _tick_partners(tokens: Sequence[re.Match[str]]) -> dict[int, int]:
    """Return where each code span ends, by the index of its opening: in the same paragraph."""
    partners: dict[int, int] = {}
    later: dict[int, int] = {}
    for index in range(len(tokens) - 1, -1, -1):
        token = tokens[index]
        if token.lastgroup == "ticks":
            size = len(token[0])
            if size in later:
                partners[index] = later[size]
            later[size] = token.end()
        else:
            later.clear()
    return partners


_TAG = re.compile(r"\{[{%](?:(?!\{[{%]).)*[%}]\}", re.DOTALL)
# Characters beside a tag that are looked at; a line of many tags would be read for each.
_MAX_LINE = 1_000
_WORD = re.compile(r"\w")
_DEFINITION = re.compile(r"\s*\[[^\]\n]+\]:\s")


@dataclass
class ProblemLog:
    """Collects problems while a text is read; `before` is the number of lines above it in the file."""

    text: str
    before: int = 0
    found: list[ArticleProblem] = field(default_factory=list)

    @classmethod
    def of_body(cls, text: str, body: str) -> ProblemLog:
        """Return the log of a document's body, which its text ends with."""
        return cls(body, text.count("\n", 0, len(text) - len(body)))

    def reading(self, text: str) -> ProblemLog:
        """Return a log of the same problems for a changed text with the same lines."""
        return ProblemLog(text, self.before, self.found)

    @cached_property
    def _line_ends(self) -> list[int]:
        return list(_positions("\n", self.text))

    def line_at(self, position: int) -> int:
        """Return the line of the file that has the character at a position of the text."""
        return self.before + 1 + bisect_right(self._line_ends, position - 1)

    def add(self, kind: ProblemKind, what: str, position: int | None = None) -> None:
        """Add a problem at a position of the text."""
        line = None if position is None else self.line_at(position)
        self.found.append(ArticleProblem(kind, line, what))

    def add_near(self, kind: ProblemKind, what: str, words: str) -> None:
        """Add a problem where these words first stand in the text; without a line if nowhere."""
        position = self.text.find(words)
        self.add(kind, what, None if position < 0 else position)

    def stands_alone(self, start: int, end: int) -> bool:
        """Return whether nothing else is on the lines from one position to another."""
        before, behind = self._around(start, end)
        return not (before.strip(" \t>-*+") or behind.strip())

    def _around(self, start: int, end: int) -> tuple[str, str]:
        """Return what stands before and behind on the lines, at most _MAX_LINE characters each."""
        before = self.text[max(0, start - _MAX_LINE) : start]
        behind = self.text[end : end + _MAX_LINE]
        return before.rpartition("\n")[2], behind.partition("\n")[0]

    def _is_in_a_sentence(self, start: int, end: int) -> bool:
        """Return whether words beside tags are on the lines."""
        before, behind = (_TAG.sub("", text) for text in self._around(start, end))
        # A definition of a reference shows nothing, and may follow a tag directly.
        after = _WORD.search(behind) and not _DEFINITION.match(behind)
        return bool(_WORD.search(before) or after)

    def add_missing(self, kind: ProblemKind, what: str, start: int, end: int) -> None:
        """Add that what a tag stands for is missing.

        Between words it is a hole in a sentence; on a line of its own it is of this kind.
        """
        is_hole = self._is_in_a_sentence(start, end)
        self.add(ProblemKind.EMPTY_VALUE if is_hole else kind, what, start)


def _positions(what: str, text: str) -> Iterator[int]:
    position = text.find(what)
    while position >= 0:
        yield position
        position = text.find(what, position + 1)


def shown_as_code(written: str, *, in_html: bool = False) -> str:
    """Return template code that readers are to see as it is written: code in a line."""
    as_html = in_html or "`" in written
    return f"<code>{escape(written)}</code>" if as_html else f"`{written}`"


def code_block(code: str, language: str = "", *, in_html: bool = False) -> str:
    """Return code as a fenced block that nothing in it can close, or as HTML in a page of HTML."""
    if in_html:
        return f"<pre><code>{escape(code.strip(chr(10)), quote=False)}</code></pre>"
    longest = max((len(run) for run in re.findall("~{3,}", code)), default=2)
    fence = "~" * (longest + 1)
    return f"{fence}{language}\n{code.strip(chr(10))}\n{fence}"
