"""What a feed carries for an item: plain title and summary, HTML content."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import html

from publisher.articles.model import Picture
from publisher.languages import direction
from publisher.rendering import ArticleView, FeedTexts, Renderer
from tests.cpu_time import at_most
from tests.publisher.rendering import sample

RENDERER = Renderer()

# Seconds for one entry: many times what it takes, so that a busy machine passes, and a fraction
# of what it took when each entry searched the folders for catalogues.
AMPLE = 0.002


def texts(item: ArticleView, language: str | None = None) -> FeedTexts:
    return RENDERER.feed_texts(item, sample.publication(language or item.article.language))


def test_content_is_a_fragment_with_byline_picture_and_body() -> None:
    entry = texts(sample.item("ar")).content
    assert entry.startswith(
        '<div lang="ar" dir="rtl">\n<p>كاتب مثال، مكتب الميناء، مدينة المثال</p>'
    )
    assert entry.endswith("</div>")
    assert 'src="https://news.example.org/media/0a1b/ferry.png" width="1200"' in entry
    assert 'src="/' not in entry
    assert "style=" not in entry
    assert "@@" not in entry


@pytest.mark.parametrize("language", sample.LANGUAGES)
def test_content_is_one_element_that_names_its_language_and_direction(language: str) -> None:
    root = html.fragment_fromstring(texts(sample.item(language)).content)
    assert (root.tag, root.get("lang"), root.get("dir")) == (
        "div",
        language,
        direction(language),
    )


def test_foreign_content_keeps_its_own_direction() -> None:
    content = texts(sample.item("ar", shown_as="fallback"), "en").content
    assert content.startswith('<div lang="ar" dir="rtl">')
    assert '<p lang="en" dir="ltr"><strong>In العربية</strong></p>' in content


@pytest.mark.parametrize(
    ("language", "shown_as", "label"),
    [
        ("zh-Hant", "converted", "由簡體中文自動轉換"),
        ("zh-Hans", "converted", "由繁体中文自动转换"),
        ("en", "fallback", "語言：English"),
    ],
)
def test_content_says_why_it_is_there(language: str, shown_as: str, label: str) -> None:
    item = sample.item(language, shown_as=shown_as)
    found = texts(item, "zh-Hant" if language == "en" else language)
    assert f"<strong>{label}</strong>" in found.content


def test_a_picture_that_the_text_shows_is_not_shown_twice() -> None:
    article = sample.article("en", picture=Picture(src="/media/0a1b/chart.png"))
    article = replace(article, bylines=(), translators=("T Example",))
    entry = texts(sample.item("en", article=article)).content
    assert entry.count("chart.png") == 1
    assert "<p>Translated by T Example</p>" in entry


def test_a_picture_of_unknown_size_claims_none() -> None:
    article = sample.article("en", picture=Picture(src="https://cdn.example.com/a.png"))
    entry = texts(sample.item("en", article=article)).content
    assert '<img src="https://cdn.example.com/a.png" alt="">' in entry


def test_title_and_summary_are_plain_text() -> None:
    title, summary = 'Tom & "Jerry" <b>1 < 2</b>', "R&D &amp; more's"
    article = sample.article("en", title=title, summary=summary)
    found = texts(sample.item("en", article=article))
    assert (found.title, found.summary) == (title, summary)


def test_title_and_summary_are_one_line() -> None:
    article = sample.article("ar", title=" سطر\n آخر\u2028ثالث ", summary="\tأ\r\n\r\nب\n")
    found = texts(sample.item("ar", article=article))
    assert (found.title, found.summary) == ("سطر آخر ثالث", "أ ب")


def test_an_article_without_a_summary_has_none_in_its_feed() -> None:
    assert texts(sample.item("en", article=sample.article("en", summary=""))).summary == ""


def test_thousands_of_entries_are_made_in_no_time() -> None:
    item, publication = sample.item("zh-Hant"), sample.publication("zh-Hant")
    RENDERER.feed_texts(item, publication)
    with at_most(100 * AMPLE):
        for _ in range(100):
            RENDERER.feed_texts(item, publication)


def test_spaces_that_are_typography_stay_in_titles_and_summaries() -> None:
    title, summary = "Qui est là\u00a0? 第一章\u3000开始", "10\u202f000 pas\u00a0!"
    found = texts(sample.item("en", article=sample.article("en", title=title, summary=summary)))
    assert (found.title, found.summary) == (title, summary)
