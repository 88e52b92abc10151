from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from publisher import urls
from publisher.articles.model import Article, ArticleStatus, Origin
from tests.publisher.config.samples import publication

if TYPE_CHECKING:
    from pathlib import Path


def test_a_page_is_index_html_in_its_folder() -> None:
    path = urls.article_path("zh-Hans", "the-lantern")
    assert path == "zh-Hans/stories/the-lantern/"
    assert urls.page_file(path) == PurePosixPath("zh-Hans/stories/the-lantern/index.html")


def test_paths_of_all_kinds_of_pages() -> None:
    assert urls.home_path("ar") == "ar/"
    assert urls.newsletter_path("en", "weekly") == "en/weekly/"
    assert urls.issue_path("en", "weekly", date(2026, 1, 9)) == "en/weekly/2026-01-09/"
    assert urls.letter_path("en", "unsubscribe") == "en/unsubscribe/"
    assert urls.feed_path("zh-Hant", "atom.xml") == "feeds/zh-Hant.atom.xml"


def test_urls_start_with_the_address_of_the_web_root(tmp_path: Path) -> None:
    house = publication(tmp_path, url="https://example.org/news/")
    assert urls.public_url(house, "en/") == "https://example.org/news/en/"
    assert urls.public_url(house, "/en/") == "https://example.org/news/en/"


def an_article(url: str | None) -> Article:
    noon = datetime(2026, 1, 9, 12, tzinfo=UTC)
    return Article(
        id=1,
        story_id=1,
        story_key="lantern",
        slug="the-lantern",
        language="ar",
        origin=Origin.ORIGINAL,
        status=ArticleStatus.READY,
        title="",
        summary="",
        html="",
        text="",
        bylines=(),
        translators=(),
        section=None,
        topics=(),
        picture=None,
        attachments=(),
        url=url,
        offered=(),
        published_on=noon.date(),
        published_at=noon,
        available_at=noon,
        updated_at=noon,
        content_hash="",
    )


def test_an_article_has_its_own_url_or_that_of_its_page(tmp_path: Path) -> None:
    house = publication(tmp_path, url="https://news.example.org")
    assert urls.article_url(house, an_article("https://example.com/a")) == (
        "https://example.com/a"
    )
    assert urls.article_url(house, an_article(None)) == (
        "https://news.example.org/ar/stories/the-lantern/"
    )
