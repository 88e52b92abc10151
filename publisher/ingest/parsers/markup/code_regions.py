"""Find code in Markdown before it is parsed, so that templates in it stay as they are written."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from operator import itemgetter

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
