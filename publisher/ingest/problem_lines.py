"""Find the lines of problems in a file: the places where what is wrong is written.

The sanitiser works on HTML that was made from the file, whose lines are others. An address, or a tag,
stands in both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from urllib.parse import unquote

from publisher.article_problems import ArticleProblem

# Problems that are looked up: reading a long file for each of a hundred thousand takes minutes.
_MAX_LOOKED_UP = 200


def with_lines(
    problems: Iterable[ArticleProblem], content: bytes
) -> tuple[ArticleProblem, ...]:
    """Return problems with their lines in a file, counted from 1, where they are found.

    The second problem with the same value is at the second place where the value stands.
    """
    text = content.decode("utf-8", "replace")
    after: dict[str, int] = {}
    found = []
    remaining = iter(problems)
    for problem in islice(remaining, _MAX_LOOKED_UP):
        value = _written(problem.what, text)
        start = text.find(value, after.get(value, 0)) if value else -1
        if start < 0:
            found.append(problem)
            continue
        after[value] = start + len(value)
        found.append(replace(problem, line=text.count("\n", 0, start) + 1))
    return (*found, *remaining)


def _written(what: str, text: str) -> str:
    """Return a value as it stands in a text: as it is, or not percent-encoded; else nothing."""
    values = (what, unquote(what), what.partition(": ")[0])
    return next((value for value in values if value and value in text), "")
