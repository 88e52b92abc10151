"""Which language a document is in, which story it belongs to, and which are likely the same."""

from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.app.articles import list_article_problems
from publisher.articles.model import ParsedArticle
from publisher.config import Publication
from publisher.errors import ArticleError, LanguageError
from publisher.ingest.pickup.story_keys import article_language, language_doubt, story_key
from publisher.testing import SAMPLE_PUBLICATION
from publisher.urls import _MAX_SLUG_LENGTH, story_slug
from tests.publisher.conftest import Make, PublicationFolder
from tests.publisher.ingest.sites.helpers import page

PUBLICATION = Publication(**SAMPLE_PUBLICATION)


def draft(**facts: Any) -> ParsedArticle:
    return ParsedArticle(title="T", html="<p>t</p>", text="t", **facts)


def language(path: str, declared: str | None = None, default: str = "en") -> str:
    return article_language(draft(language=declared), PurePosixPath(path), PUBLICATION, default)


def key(path: str = "x.md", **facts: Any) -> str:
    return story_key(draft(**facts), PurePosixPath(path), PUBLICATION)


def test_a_language_is_taken_from_front_matter_suffix_folder_or_default_in_this_order() -> None:
    assert language("zh-Hans/x.ar.md", "en", default="ar") == "en"
    assert language("zh-Hans/x.ar.md") == "ar"
    assert language("zh-Hans/deep/x.md") == "zh-Hans"
    assert language("deep/x.md", default="ar") == "ar"


@pytest.mark.parametrize("spelling", ["zh-TW", "zh_TW", "zh-Hant-TW", "zh-HK"])
def test_articles_in_zh_tw_and_zh_hk_serve_a_publication_in_hant(spelling: str) -> None:
    assert language("x.md", spelling) == "zh-Hant"
    assert language(f"{spelling}/x.md") == "zh-Hant"
    assert language(f"x.{spelling}.md") == "zh-Hant"


def test_a_declared_language_keeps_its_tag_if_it_is_one() -> None:
    assert language("x.md", "fr") == "fr"
    assert language("fr/x.md") == "fr"
    publication = Publication(**{**SAMPLE_PUBLICATION, "languages": ["en", "yue"]})
    assert article_language(draft(), PurePosixPath("yue/x.md"), publication, "en") == "yue"
    with pytest.raises(LanguageError, match="'klingonish' is not a language tag"):
        language("x.md", "klingonish")
    meanings = {"Arabic": "ar", "english": "en", "cz": "cs", "简体中文": "zh-Hans"}
    for written, meant in meanings.items():
        with pytest.raises(
            ArticleError, match=f"is not a language tag.*; did you mean {meant}"
        ):
            language("x.md", written)


@pytest.mark.parametrize(
    ("path", "declared", "doubt"),
    [
        *(("en/x.md", None, ""), ("ar/deep/x.md", None, ""), ("maps/new/x.md", None, "")),
        *(("blog/ar/x.md", "en", ""), ("x.md", "zh-TW", "")),
        ("fr/x.md", None, "fr is no language of the publication; there are en, "),
        ("x.md", "nl", "nl is no language of the publication; there are en, "),
        ("x.md", "zh-Latn", "zh-Latn is no language of the publication; did you mean zh-Han"),
        *(("english/x.md", None, ""), ("none/x.md", None, "")),
    ],
)
def test_a_language_that_may_be_a_mistake_is_said(
    path: str, declared: str | None, doubt: str
) -> None:
    found = doubt_about(path, declared)
    assert found.startswith(doubt)
    assert bool(found) == bool(doubt)


def doubt_about(path: str, declared: str | None = None) -> str:
    parts = (draft(language=declared), PurePosixPath(path), PUBLICATION)
    return language_doubt(*parts, language(path, declared))


@pytest.mark.parametrize(
    ("folder", "meant"),
    [
        ("ar", "ar"),
        ("chinese", "zh-Hans"),
        ("german", "de"),
        ("Arabic", "ar"),
        ("jp", "ja"),
        ("Español", "es"),
    ],
)
def test_a_folder_that_may_be_another_language_is_named_with_what_to_do(
    folder: str, meant: str
) -> None:
    assert doubt_about(f"blog/{folder}/x.md") == (
        f"{folder}/ is not read as a language, and the article counts as en; did you mean {meant}? "
        f"Move it below {meant}/ at the top of the source, or write lang: {meant}"
    )


@pytest.mark.parametrize("folder", ["art", "new", "articles", "2026", "maps"])
def test_common_words_are_no_language_tags(folder: str) -> None:
    assert language(f"{folder}/x.md") == "en"
    assert key(f"{folder}/x.md") == f"{folder}/x"


def test_a_stated_key_counts_first_then_what_is_translated_then_the_permalink() -> None:
    assert key(key=" mine ", translation_of="en/a.md", permalink="/en/b/") == "mine"
    assert key("ar/other.md", translation_of="en/first.md") == key("en/first.md") == "first"
    assert key(permalink="/de/newsletters/2025/06/06/") == "newsletters/2025/06/06"
    assert key(permalink="/newsletters/2025/06/06.html") == "newsletters/2025/06/06"


@pytest.mark.parametrize("nothing", ["/", " ", "//"])
def test_an_empty_permalink_or_translation_is_ignored(nothing: str) -> None:
    assert key("a.md", permalink=nothing, translation_of=nothing) == "a"


@pytest.mark.parametrize(
    "path", ["deep/x.md", "zh_TW/deep/x.md", "deep/x.ar.md", "en/deep/x.zh-Hans.html"]
)
def test_a_path_counts_without_its_language(path: str) -> None:
    assert key(path) == "deep/x"


def test_a_number_behind_a_dot_and_one_word_before_a_colon_are_names() -> None:
    assert key("v1.2.md") == "v1.2"
    assert key("en.md") == "en"


def test_slugs_are_readable_or_have_a_hash_of_their_key() -> None:
    assert story_slug("newsletters/2025/06/06") == "newsletters-2025-06-06"
    assert story_slug("灯笼") == "deng-long"
    assert story_slug("!!!").startswith("story-")
    assert story_slug("!!!") != story_slug("???")
    assert story_slug("a/b", 1).startswith("a-b-")
    assert story_slug("a/b", 1) != story_slug("a b", 1)


@pytest.mark.parametrize("key", ["a/b", "!!!"])
def test_each_further_attempt_gives_another_slug(key: str) -> None:
    # A story without letters has its hash from the start, and so once more at the first attempt.
    slugs = [story_slug(key, attempt) for attempt in range(1, 6)]
    assert len(set(slugs)) == 5
    assert slugs == [story_slug(key, attempt) for attempt in range(1, 6)]


@given(st.text(st.characters(), max_size=300), st.integers(0, 9))
def test_any_key_gives_a_slug_that_is_safe_in_urls(text: str, attempt: int) -> None:
    slug = story_slug(text, attempt)
    assert slug.isascii()
    assert slug.replace("-", "").isalnum()
    assert slug == slug.lower()
    assert len(slug) <= _MAX_SLUG_LENGTH + 9


@pytest.fixture
def jekyll(new_publication: Make) -> PublicationFolder:
    """A site of Jekyll in English."""
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
    jekyll: PublicationFolder, late: bool
) -> None:
    write(jekyll, "zh-Hans/2026-01-08-tide.md", lang="zh-Hans", permalink="/zh/chao/")
    if late:
        jekyll.pick_up()
    write(jekyll, "en/2026-01-08-tide.md", lang="en", permalink="/en/tide/")
    jekyll.pick_up()
    assert languages(jekyll) == [["en", "zh-Hans"]]
    write(jekyll, "zh-Hans/2026-01-08-tide.md", lang="zh-Hans", permalink="/zh/chaoxi/")
    jekyll.pick_up()
    assert languages(jekyll) == [["en", "zh-Hans"]]


def test_stated_links_count_before_names(jekyll: PublicationFolder) -> None:
    write(jekyll, "en/2026-01-08-tide.md", lang="en", ref="tide")
    write(jekyll, "zh-Hans/2026-01-08-tide.md", lang="zh-Hans", ref="ebb")
    write(jekyll, "en/2026-01-07-ebb.md", lang="en", ref="ebb")
    jekyll.pick_up()
    assert languages(jekyll) == [["en"], ["en", "zh-Hans"]]


def test_a_name_that_two_articles_of_a_language_state_costs_no_article(
    jekyll: PublicationFolder,
) -> None:
    write(jekyll, "2026-01-07-tide.md", name="weekly-letter")
    write(jekyll, "2026-01-08-ebb.md", name="weekly-letter")
    jekyll.pick_up()
    assert jekyll.quarantine() == {}
    assert languages(jekyll) == [["en"], ["en"]]
    assert jekyll.pick_up().has_changes is False


def listed(publication: PublicationFolder) -> list[tuple[str, str]]:
    publication.pick_up()
    groups = {one.kind: one for one in list_article_problems(publication.database)}
    group = groups.get("unlinked-translation")
    return [(one.file, one.problem.what) for one in group.problems] if group else []


def test_articles_of_one_day_with_the_same_authors_are_likely_one_story(
    publication: PublicationFolder,
) -> None:
    facts = {"date": "2026-01-08", "author": "Mara Example"}
    publication.write("en/tide.md", title="Tide", **facts)
    publication.write("zh-Hans/chao.md", title="潮", **facts)
    remedy = "looks like a translation of en/tide.md; write `key: tide` in both"
    assert listed(publication) == [("zh-Hans/chao.md", remedy)]
    publication.write("zh-Hans/chao.md", title="潮", key="tide", **facts)
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
