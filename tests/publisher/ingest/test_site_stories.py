"""Stories of a site whose documents state other addresses, or the same name twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.publisher.conftest import PublicationFolder
from tests.publisher.ingest.sites.helpers import page


@pytest.fixture
def publication(new_publication: Callable[..., PublicationFolder]) -> PublicationFolder:
    publication = new_publication()
    publication.write("_config.yml", b"lang: en\n")
    return publication


def write(publication: PublicationFolder, path: str, **fields: str) -> None:
    publication.write(f"_posts/{path}", page(title=path, **fields).encode())


def languages(publication: PublicationFolder) -> list[list[str]]:
    found: dict[int, list[str]] = {}
    for (_key, language), article in publication.all().items():
        found.setdefault(article.story_id, []).append(language)
    return sorted(sorted(one) for one in found.values())


@pytest.mark.parametrize("late", [False, True])
def test_files_of_one_name_are_linked_although_their_permalinks_are_translated(
    publication: PublicationFolder, late: bool
) -> None:
    write(publication, "zh-Hans/2026-01-08-tide.md", lang="zh-Hans", permalink="/zh/chao/")
    if late:
        publication.pick_up()
    write(publication, "en/2026-01-08-tide.md", lang="en", permalink="/en/tide/")
    publication.pick_up()
    assert languages(publication) == [["en", "zh-Hans"]]
    write(publication, "zh-Hans/2026-01-08-tide.md", lang="zh-Hans", permalink="/zh/chaoxi/")
    publication.pick_up()
    assert languages(publication) == [["en", "zh-Hans"]]


def test_stated_links_count_before_names(publication: PublicationFolder) -> None:
    write(publication, "en/2026-01-08-tide.md", lang="en", ref="tide")
    write(publication, "zh-Hans/2026-01-08-tide.md", lang="zh-Hans", ref="ebb")
    write(publication, "en/2026-01-07-ebb.md", lang="en", ref="ebb")
    publication.pick_up()
    assert languages(publication) == [["en"], ["en", "zh-Hans"]]


def test_a_name_that_two_articles_of_a_language_state_costs_no_article(
    publication: PublicationFolder,
) -> None:
    write(publication, "2026-01-07-tide.md", name="weekly-letter")
    write(publication, "2026-01-08-ebb.md", name="weekly-letter")
    publication.pick_up()
    assert publication.quarantine() == {}
    assert languages(publication) == [["en"], ["en"]]
    assert publication.pick_up().has_changes is False
