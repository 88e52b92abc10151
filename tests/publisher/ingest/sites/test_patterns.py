"""Patterns of paths in `include` and `exclude`."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from publisher.ingest.sites.patterns import PathPatterns


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("docs", "docs/a.md", True),
        ("docs", "en/docs/deep/a.md", True),
        ("docs", "docs.md", False),
        ("/docs", "en/docs/a.md", False),
        ("content/docs/**", "content/docs/a.md", True),
        ("content/docs/**", "content/docs", False),
        ("content/*/post", "content/en/post/2026/a.md", True),
        ("content/*/post", "content/en/de/post/a.md", False),
        ("**/post/*.md", "content/en/post/a.md", True),
        ("**/post/*.md", "post/a.md", True),
        ("**/post/*.md", "post/a.html", False),
        ("*.html", "a/b.html", True),
        ("a?.md", "ab.md", True),
        ("a?.md", "a/.md", False),
        ("a+b.md", "aab.md", False),
    ],
)
def test_a_pattern_matches_names_and_all_below_a_folder(
    pattern: str, path: str, matches: bool
) -> None:
    assert PathPatterns([pattern]).match(PurePosixPath(path)) == matches


def test_no_pattern_matches_nothing() -> None:
    assert not PathPatterns([])
    assert not PathPatterns([]).match(PurePosixPath("a.md"))
