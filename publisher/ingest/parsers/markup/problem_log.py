"""Collects the problems of one document, with the lines of its file."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from publisher.article_problems import ArticleProblem, ProblemKind

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
