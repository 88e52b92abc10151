import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from publisher.site import list_pages
from tests.publisher.conftest import NOW, House
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


def text_of(house: House, path: str) -> str:
    return (public(house) / path / "index.html").read_text("utf-8")


def write(house: House, name: str, day: int, language: str = "en") -> None:
    title = f"Title of {name}"
    house.write(f"{language}/{name}.md", "Words.", title=title, date=f"2026-01-{day:02}")


def test_an_empty_publication_has_all_list_pages(house: House) -> None:
    assert shown(house).lists == 1 + 4 * 4
    expected = {"index.html"}
    for tag in LANGUAGES:
        for page in ("", "weekly/", "unsubscribe/", "preferences/"):
            expected.add(f"{tag}/{page}index.html")
    assert set(stamps(public(house))) == expected
    assert "Nothing has been published here yet." in text_of(house, "en")


def test_the_root_page_links_to_all_languages(house: House) -> None:
    shown(house)
    for tag in LANGUAGES:
        assert f'href="{URL}/{tag}/"' in text_of(house, "")


def test_a_home_page_lists_the_newest_articles_first(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_pages, "ARTICLES_ON_HOME", 2)
    for day, name in ((5, "old"), (7, "new"), (6, "middle")):
        write(house, name, day)
    shown(house)
    page = text_of(house, "en")
    assert 0 < page.index("Title of new") < page.index("Title of middle")
    assert "Title of old" not in page


def test_the_pages_about_unsubscribing_have_the_sender_s_address_and_are_not_indexed(
    house: House,
) -> None:
    shown(house)
    for kind in ("unsubscribe", "preferences"):
        page = text_of(house, f"ar/{kind}")
        assert f"mailto:digest@news.example.org?subject={kind}" in page
        assert 'content="noindex"' in page
        assert 'dir="rtl"' in page


def test_a_new_article_changes_the_home_page_of_its_language_only(house: House) -> None:
    write(house, "first", 5)
    shown(house)
    write(house, "second", 6)
    with changes(public(house)) as found:
        assert shown(house.at(NOW + timedelta(hours=1))).lists == 1
    assert {path for path in found if "stories" not in path} == {"en/index.html"}


def test_a_date_that_changes_the_order_changes_the_list(house: House) -> None:
    write(house, "one", 5)
    write(house, "two", 6)
    shown(house)
    write(house, "one", 7)
    shown(house.at(NOW + timedelta(hours=1)))
    page = text_of(house, "en")
    assert page.index("Title of one") < page.index("Title of two")


def test_newsletters_have_archives_in_their_languages_only(
    make_house: Callable[..., House],
) -> None:
    house = make_house(newsletters=NEWSLETTERS)
    shown(house)
    assert (public(house) / "zh-Hans/daily").is_dir()
    assert (public(house) / "ar/monthly").is_dir()
    assert not (public(house) / "zh-Hans/monthly").exists()
    page = text_of(house, "en/monthly")
    assert f'href="{URL}/ar/monthly/"' in page
    assert f'href="{URL}/zh-Hans/monthly/"' not in page


def test_home_page_and_archive_list_the_latest_issues_first(
    make_house: Callable[..., House],
) -> None:
    house = make_house(newsletters=NEWSLETTERS, languages=["en", "ar"])
    write(house, "one", 8)
    pipeline_of(house).prepare()
    write(house, "two", 10)
    pipeline_of(house.at(NOW + timedelta(days=1))).prepare()
    for path in ("en", "en/daily"):
        page = text_of(house, path)
        first, second = (page.index(f"/en/daily/2026-01-{day}/") for day in ("10", "09"))
        assert first < second
        assert "The lamp" in page
    assert "2026-01-10" not in text_of(house, "en/monthly")
    assert "2026-01-10" not in text_of(house, "ar")


def test_the_home_page_keeps_issues_of_a_removed_newsletter(
    make_house: Callable[..., House],
) -> None:
    house = make_house(newsletters=NEWSLETTERS, languages=["en", "ar"])
    write(house, "one", 8)
    pipeline_of(house).prepare()
    house.reload(newsletters=NEWSLETTERS[1:], languages=["en", "ar"])
    shown(house)
    page = text_of(house, "en")
    assert '<a href="/en/daily/2026-01-09/">daily</a>' in page


def test_a_translation_by_hand_removes_the_label_of_the_conversion_from_the_home_page(
    make_house: Callable[..., House],
) -> None:
    house = make_house(newsletters=[{"edition": {"zh-Hant": {"missing": "convert"}}}])
    house.write("zh-Hans/tides.md", "潮水会等。", title="潮水", date="2026-01-05")
    shown(house)
    assert 'class="eyebrow"' in text_of(house, "zh-Hant")
    house.write("zh-Hant/tides.md", "潮水會等。", title="潮水", date="2026-01-05")
    shown(house.at(NOW + timedelta(hours=1)))
    assert "潮水" in text_of(house, "zh-Hant")
    assert 'class="eyebrow"' not in text_of(house, "zh-Hant")


def test_every_page_links_to_feeds_those_of_its_language_first(house: House) -> None:
    shown(house)
    for page in public(house).rglob("*.html"):
        source = page.read_text("utf-8")
        announced = re.findall(
            r'rel="alternate" type="application/rss\+xml"[^>]*href="([^"]*)"', source
        )
        language = page.relative_to(public(house)).parts[0].removesuffix("index.html") or "en"
        assert announced[0] == f"{URL}/feeds/{language}.rss.xml"
        assert announced[-1] == f"{URL}/feeds/all.rss.xml"
