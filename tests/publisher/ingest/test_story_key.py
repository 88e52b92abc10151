"""Which language a document is in, and which story it belongs to."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.articles.model import ParsedArticle
from publisher.config import Publication
from publisher.errors import LanguageError
from publisher.ingest.story_keys import article_language, story_key
from publisher.testing import SAMPLE_PUBLICATION
from publisher.urls import _MAX_SLUG_LENGTH, story_slug

PUBLICATION = Publication(**SAMPLE_PUBLICATION)


def draft(**facts: Any) -> ParsedArticle:
    return ParsedArticle(title="T", html="<p>t</p>", text="t", **facts)


def language(path: str, declared: str | None = None, default: str = "en") -> str:
    return article_language(draft(language=declared), PurePosixPath(path), PUBLICATION, default)


def key(path: str = "x.md", **facts: Any) -> str:
    return story_key(draft(**facts), PurePosixPath(path), PUBLICATION)


def test_front_matter_counts_before_suffix_folder_and_default() -> None:
    assert language("zh-Hans/x.ar.md", "en", default="ar") == "en"


def test_a_language_suffix_counts_before_folder_and_default() -> None:
    assert language("zh-Hans/x.ar.md") == "ar"


def test_the_folder_counts_before_the_default() -> None:
    assert language("zh-Hans/deep/x.md") == "zh-Hans"


def test_the_default_language_counts_last() -> None:
    assert language("deep/x.md", default="ar") == "ar"


@pytest.mark.parametrize("spelling", ["zh-TW", "zh_TW", "zh-Hant-TW", "zh-HK"])
def test_articles_in_zh_tw_and_zh_hk_serve_a_publication_in_hant(
    spelling: str,
) -> None:
    assert language("x.md", spelling) == "zh-Hant"
    assert language(f"{spelling}/x.md") == "zh-Hant"
    assert language(f"x.{spelling}.md") == "zh-Hant"


def test_a_language_that_the_publication_does_not_write_keeps_its_tag() -> None:
    assert language("x.md", "fr") == "fr"
    assert language("fr/x.md") == "fr"


@pytest.mark.parametrize("folder", ["art", "new", "articles", "2026", "maps"])
def test_common_words_are_no_language_tags(folder: str) -> None:
    assert language(f"{folder}/x.md") == "en"
    assert key(f"{folder}/x.md") == f"{folder}/x"


def test_a_three_letter_tag_counts_where_the_publication_writes_it() -> None:
    publication = Publication(**{**SAMPLE_PUBLICATION, "languages": ["en", "yue"]})
    assert article_language(draft(), PurePosixPath("yue/x.md"), publication, "en") == "yue"


def test_an_invalid_declared_tag_is_an_error() -> None:
    with pytest.raises(LanguageError, match="'klingonish' is not a language tag"):
        language("x.md", "klingonish")


def test_a_stated_key_counts_first() -> None:
    assert key(key=" mine ", translation_of="en/a.md", permalink="/en/b/") == "mine"


def test_a_translation_belongs_to_what_it_translates() -> None:
    assert key("ar/other.md", translation_of="en/first.md") == key("en/first.md") == "first"


def test_a_permalink_counts_without_its_language() -> None:
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


def test_a_number_behind_a_dot_belongs_to_the_name() -> None:
    assert key("v1.2.md") == "v1.2"


def test_one_word_before_a_colon_is_a_title() -> None:
    assert key("en.md") == "en"


def test_slugs_are_readable() -> None:
    assert story_slug("newsletters/2025/06/06") == "newsletters-2025-06-06"
    assert story_slug("灯笼") == "deng-long"


def test_a_key_without_letters_has_a_slug_too() -> None:
    assert story_slug("!!!").startswith("story-")
    assert story_slug("!!!") != story_slug("???")


def test_a_slug_that_is_taken_gets_a_hash_of_its_key() -> None:
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
