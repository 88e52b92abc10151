"""Likely translations that nothing links are listed with the key that would link them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from publisher.app.articles import list_article_problems
from tests.publisher.conftest import PublicationFolder


@pytest.fixture
def publication(new_publication: Callable[..., PublicationFolder]) -> PublicationFolder:
    return new_publication()


def listed(publication: PublicationFolder) -> list[tuple[str, str]]:
    publication.pick_up()
    return [
        (one.file, one.problem.what)
        for group in list_article_problems(publication.database)
        if group.kind == "unlinked-translation"
        for one in group.problems
    ]


def test_articles_of_one_day_with_the_same_authors_are_likely_one_story(
    publication: PublicationFolder,
) -> None:
    publication.write("en/tide.md", title="Tide", date="2026-01-08", author="Mara Example")
    publication.write("zh-Hans/chao.md", title="潮", date="2026-01-08", author="Mara Example")
    remedy = "looks like a translation of en/tide.md; write `key: tide` in both"
    assert listed(publication) == [("zh-Hans/chao.md", remedy)]
    publication.write(
        "zh-Hans/chao.md", title="潮", date="2026-01-08", author="Mara Example", key="tide"
    )
    assert listed(publication) == []


@pytest.mark.parametrize(
    "other",
    [
        {"date": "2026-01-07", "author": "Mara Example"},
        {"date": "2026-01-08", "author": "Ann Other"},
    ],
)
def test_articles_of_another_day_or_author_are_not(
    publication: PublicationFolder, other: dict[str, str]
) -> None:
    publication.write("en/tide.md", title="Tide", date="2026-01-08", author="Mara Example")
    publication.write("zh-Hans/chao.md", title="潮", **other)
    assert listed(publication) == []


def test_two_candidates_in_one_language_are_no_pair(publication: PublicationFolder) -> None:
    for name in ("en/tide.md", "en/ebb.md", "zh-Hans/chao.md"):
        publication.write(name, title=name, date="2026-01-08", author="Mara Example")
    assert listed(publication) == []
