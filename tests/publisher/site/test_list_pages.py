import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from publisher.site import list_pages
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.printing import (
    LANGUAGES,
    URL,
    changes,
    pipeline_of,
    public,
    shown,
    stamps,
)

NEWSLETTERS = [
    {"name": "daily", "schedule": "0 8 * * *", "title": {"en": "The lamp", "ar": "الفانوس"}},
    {"name": "monthly", "schedule": "0 8 1 * *", "languages": ["en", "ar"]},
]


def text_of(publication: PublicationFolder, path: str) -> str:
    return (public(publication) / path / "index.html").read_text("utf-8")


def write(publication: PublicationFolder, name: str, day: int, language: str = "en") -> None:
    title = f"Title of {name}"
    publication.write(f"{language}/{name}.md", "Words.", title=title, date=f"2026-01-{day:02}")


def test_an_empty_publication_has_all_list_pages(publication: PublicationFolder) -> None:
    assert shown(publication).lists == 1 + 4 * 5
    expected = {"index.html"}
    for tag in LANGUAGES:
        for page in ("", "weekly/", "subscribe/", "unsubscribe/", "preferences/"):
            expected.add(f"{tag}/{page}index.html")
    assert set(stamps(public(publication))) == expected
    assert "Nothing has been published here yet." in text_of(publication, "en")


def test_the_root_page_links_to_all_languages(publication: PublicationFolder) -> None:
    shown(publication)
    for tag in LANGUAGES:
        assert f'href="{URL}/{tag}/"' in text_of(publication, "")


def test_a_home_page_lists_the_newest_articles_first(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_pages, "ARTICLES_ON_HOME", 2)
    for day, name in ((5, "old"), (7, "new"), (6, "middle")):
        write(publication, name, day)
    shown(publication)
    page = text_of(publication, "en")
    assert 0 < page.index("Title of new") < page.index("Title of middle")
    assert "Title of old" not in page


def test_the_pages_about_unsubscribing_have_the_sender_s_address_and_are_not_indexed(
    publication: PublicationFolder,
) -> None:
    shown(publication)
    for kind in ("unsubscribe", "preferences"):
        page = text_of(publication, f"ar/{kind}")
        assert f"mailto:digest@news.example.org?subject={kind}" in page
        assert 'content="noindex"' in page
        assert 'dir="rtl"' in page


def test_a_new_article_changes_the_home_page_of_its_language_only(
    publication: PublicationFolder,
) -> None:
    write(publication, "first", 5)
    shown(publication)
    write(publication, "second", 6)
    with changes(public(publication)) as found:
        assert shown(publication.at(NOW + timedelta(hours=1))).lists == 1
    assert {path for path in found if "stories" not in path} == {"en/index.html"}


def test_a_date_that_changes_the_order_changes_the_list(publication: PublicationFolder) -> None:
    write(publication, "one", 5)
    write(publication, "two", 6)
    shown(publication)
    write(publication, "one", 7)
    shown(publication.at(NOW + timedelta(hours=1)))
    page = text_of(publication, "en")
    assert page.index("Title of one") < page.index("Title of two")


def test_newsletters_have_archives_in_their_languages_only(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication(newsletters=NEWSLETTERS)
    shown(publication)
    assert (public(publication) / "zh-Hans/daily").is_dir()
    assert (public(publication) / "ar/monthly").is_dir()
    assert not (public(publication) / "zh-Hans/monthly").exists()
    page = text_of(publication, "en/monthly")
    assert f'href="{URL}/ar/monthly/"' in page
    assert f'href="{URL}/zh-Hans/monthly/"' not in page


def test_home_page_and_archive_list_the_latest_issues_first(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication(newsletters=NEWSLETTERS, languages=["en", "ar"])
    write(publication, "one", 8)
    pipeline_of(publication).prepare()
    write(publication, "two", 10)
    pipeline_of(publication.at(NOW + timedelta(days=1))).prepare()
    for path in ("en", "en/daily"):
        page = text_of(publication, path)
        first, second = (page.index(f"/en/daily/2026-01-{day}/") for day in ("10", "09"))
        assert first < second
        assert "The lamp" in page
    assert "2026-01-10" not in text_of(publication, "en/monthly")
    assert "2026-01-10" not in text_of(publication, "ar")


def test_the_home_page_keeps_issues_of_a_removed_newsletter(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication(newsletters=NEWSLETTERS, languages=["en", "ar"])
    write(publication, "one", 8)
    pipeline_of(publication).prepare()
    publication.reload(newsletters=NEWSLETTERS[1:], languages=["en", "ar"])
    shown(publication)
    page = text_of(publication, "en")
    assert '<a href="/en/daily/2026-01-09/">daily</a>' in page


def test_a_translation_by_hand_removes_the_label_of_the_conversion_from_the_home_page(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication(
        newsletters=[{"edition": {"zh-Hant": {"missing": "convert"}}}]
    )
    publication.write("zh-Hans/tides.md", "潮水会等。", title="潮水", date="2026-01-05")
    shown(publication)
    assert 'class="eyebrow"' in text_of(publication, "zh-Hant")
    publication.write("zh-Hant/tides.md", "潮水會等。", title="潮水", date="2026-01-05")
    shown(publication.at(NOW + timedelta(hours=1)))
    assert "潮水" in text_of(publication, "zh-Hant")
    assert 'class="eyebrow"' not in text_of(publication, "zh-Hant")


def test_every_page_links_to_feeds_those_of_its_language_first(
    publication: PublicationFolder,
) -> None:
    shown(publication)
    for page in public(publication).rglob("*.html"):
        source = page.read_text("utf-8")
        announced = re.findall(
            r'rel="alternate" type="application/rss\+xml"[^>]*href="([^"]*)"', source
        )
        language = (
            page.relative_to(public(publication)).parts[0].removesuffix("index.html") or "en"
        )
        assert announced[0] == f"{URL}/feeds/{language}.rss.xml"
        assert announced[-1] == f"{URL}/feeds/all.rss.xml"
