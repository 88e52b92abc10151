"""Patterns of paths, as in the settings `include` and `exclude`.

`*` and `?` stand for characters of one name, `{md,mdx}` for one of several texts, `**` for any number of
folders. A pattern without a slash, or one that names a folder, also means everything below what it names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath


class PathPatterns:
    """Several patterns of paths that are relative to one folder."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._pattern = re.compile("|".join(map(_regex, patterns))) if patterns else None

    def __bool__(self) -> bool:
        """Return whether there is any pattern."""
        return self._pattern is not None

    def match(self, path: PurePosixPath) -> bool:
        """Return whether a pattern matches a path, or a folder above it."""
        return self._pattern is not None and bool(self._pattern.fullmatch(str(path)))


def _regex(pattern: str) -> str:
    parts = pattern.strip("/").split("/")
    # A name alone is looked for in every folder, as in .gitignore.
    anchored = "" if len(parts) > 1 or pattern.startswith("/") else "(?:.*/)?"
    names = "".join("(?:.*/)?" if part == "**" else f"{_name_regex(part)}/" for part in parts)
    whole = names.removesuffix("/") if parts[-1] != "**" else f"{names}[^/]+"
    return f"{anchored}{whole}(?:/.*)?"


def _name_regex(name: str) -> str:
    before, opened, rest = name.partition("{")
    inside, closed, behind = rest.partition("}")
    if opened and closed:
        choices = "|".join(map(_name_regex, inside.split(",")))
        return f"{_name_regex(before)}(?:{choices}){_name_regex(behind)}"
    return "".join({"*": "[^/]*", "?": "[^/]"}.get(one) or re.escape(one) for one in name)
