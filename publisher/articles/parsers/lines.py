"""Joining lines of running text. Knows scripts, not formats."""

from __future__ import annotations

from collections.abc import Iterable

from publisher.articles.characters import SPACELESS


def join_lines(lines: Iterable[str]) -> str:
    """Join the lines of one paragraph: by a space, or by nothing between Chinese or Japanese."""
    joined = ""
    for line in lines:
        text = line.strip()
        joined += text if not joined or flows_on(joined, text) else f" {text}"
    return joined


def flows_on(before: str, after: str) -> bool:
    """Say if a line break between the two is no space (CSS Text 3 section 4.1.3)."""
    return bool(SPACELESS.match(before[-1:]) and SPACELESS.match(after[:1]))
