from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from publisher import urls
from publisher.testing import sample_article
from tests.publisher.config.samples import publication

if TYPE_CHECKING:
    from pathlib import Path


def test_a_page_is_index_html_in_its_folder() -> None:
    path = urls.article_path("zh-Hans", "the-lantern")
    assert path == "zh-Hans/stories/the-lantern/"
    assert urls.page_file(path) == PurePosixPath("zh-Hans/stories/the-lantern/index.html")


def test_urls_start_with_the_address_of_the_web_root(tmp_path: Path) -> None:
    site = publication(tmp_path, url="https://example.org/news/")
    assert urls.public_url(site, "en/") == "https://example.org/news/en/"
    assert urls.public_url(site, "/en/") == "https://example.org/news/en/"


def test_an_article_has_its_own_url_or_that_of_its_page(tmp_path: Path) -> None:
    site = publication(tmp_path, url="https://news.example.org")
    assert urls.article_url(site, sample_article(url="https://example.com/a")) == (
        "https://example.com/a"
    )
    assert urls.article_url(site, sample_article(language="ar", slug="the-lantern")) == (
        "https://news.example.org/ar/stories/the-lantern/"
    )
