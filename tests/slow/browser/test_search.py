"""The search of the site in Chromium, as the program serves it: in English, Chinese, Arabic, and with scripts off."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from publisher.serving.static_site import StaticSite
from publisher.site import archive_pages
from tests.publisher.conftest import Make
from tests.publisher.printing import shown
from tests.sizes import PATIENCE
from tests.slow.browser.test_subscriber_pages import _too_wide, _violations
from tools.browser.chromium import Chromium
from tools.servers.web_servers import web_server

ARTICLES = {
    "en": [
        ("The café at the pier", "Coffee & <b>tides</b>.", "It opens early.", "Élise Dupont"),
        (
            "Tides",
            "About water.",
            "Where the river ends there is a pierced wall.",
            "Ann Example",
        ),
        ("Maps of the pier", "Old paper.", "Nobody reads them at the café.", "Ann Example"),
    ],
    "zh-Hans": [
        ("灯笼节", "河边的夜晚。", "孩子们提着灯笼。", "李伟"),
        ("潮水", "水会等。", "码头上没有人。", "王芳"),
    ],
    "ar": [
        ("المكتبة القديمة", "عن الكُتُب.", "يفتح الكتاب أبوابه.", "نورا"),
        ("المدّ", "الماء ينتظر.", "لا أحد على الرصيف.", "نورا"),
    ],
}


@pytest.fixture
def site(new_publication: Make, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(archive_pages, "ARTICLES_IN_PART", 1)
    publication = new_publication(languages=[*ARTICLES])
    for language, articles in ARTICLES.items():
        for number, (title, summary, text, author) in enumerate(articles):
            about = {"title": f"'{title}'", "summary": f"'{summary}'", "author": author}
            day = f"2026-01-0{8 - number}"
            publication.write(
                f"{language}/{number}.md", text, date=day, topics="[Water]", **about
            )
    assert shown(publication).problems == []
    with web_server(StaticSite(lambda: publication.settings)) as (host, port):
        yield f"http://{host}:{port}"


def search(window: Page, words: str) -> tuple[str, list[str]]:
    """Type words; return what is announced, and the titles of the results."""
    window.evaluate("document.getElementById('answer').textContent = '…'")
    window.locator("input[name=q]").fill(words)
    expect(window.locator("#answer")).not_to_have_text("…", timeout=1000 * PATIENCE)
    return window.locator("#answer").inner_text(), window.locator(
        "#results a"
    ).all_inner_texts()


CAFE, TIDES, MAPS = (title for title, *_rest in ARTICLES["en"])


@pytest.mark.parametrize(
    ("language", "asked"),
    [
        (
            "en",
            {
                # A title counts more than a text, whatever is newer; accents and capitals do not count.
                "CAFE": ("2 articles were found", [CAFE, MAPS]),
                # Of a word its beginning; a name; all words must be there.
                "pier": ("3 articles were found", [CAFE, MAPS, TIDES]),
                "elise": ("1 article was found", [CAFE]),
                "ann maps": ("1 article was found", [MAPS]),
                "iver <b>": ("Nothing matches “iver <b>”.", []),
            },
        ),
        (
            "zh-Hans",
            {
                "灯笼": ("找到 1 篇文章", ["灯笼节"]),
                "水": ("找到 1 篇文章", ["潮水"]),
                "码头没有人": ("找到 1 篇文章", ["潮水"]),
            },
        ),
        (
            "ar",
            {
                # With the article, and without vowels.
                "مكتبه": (None, ["المكتبة القديمة"]),
                "المد": (None, ["المدّ"]),
                "كتاب": (None, ["المكتبة القديمة"]),
            },
        ),
    ],
)
def test_articles_are_found_by_the_words_of_their_language(
    chromium: Chromium, site: str, language: str, asked: dict[str, tuple[str | None, list[str]]]
) -> None:
    def look(window: Page) -> dict[str, Any]:
        fetched: list[str] = []
        errors: list[str] = []
        window.on("request", lambda one: fetched.append(one.url.removeprefix(site)))
        window.on("console", lambda one: errors.append(one.text))
        window.goto(f"{site}/{language}/search/")
        before = [path for path in fetched if path.endswith(".json")]
        found = {words: search(window, words) for words in asked}
        axe = _violations(window)
        foreign = [path for path in fetched if not path.startswith("/")]
        window.locator("input[name=q]").fill(next(iter(asked)))
        window.locator("#results a").first.click()
        window.wait_for_url("**/stories/**")
        window.go_back()
        window.locator("#results a").first.wait_for()
        return {
            "found": found,
            "before": before,
            "foreign": foreign,
            "errors": errors,
            "axe": axe,
            "sideways": _too_wide(window),
        }

    seen = chromium.browse_servers(look)
    for words, (answer, titles) in asked.items():
        assert seen["found"][words][1] == titles, words
        assert answer in {None, seen["found"][words][0]}
    del seen["found"]
    assert seen == {"before": [], "foreign": [], "errors": [], "axe": [], "sideways": []}


def test_without_scripts_the_page_lists_the_months(chromium: Chromium, site: str) -> None:
    def look(window: Page) -> tuple[bool, bool, list[str]]:
        window.goto(f"{site}/en/search/")
        return (
            window.locator("form.search").is_visible(),
            window.get_by_text("The search needs JavaScript.").is_visible(),
            window.locator("main .chips a").all_inner_texts(),
        )

    assert chromium.browse_servers(look, scripts=False) == (False, True, ["January 2026"])


def test_a_part_of_the_index_that_does_not_come_is_said_and_asked_for_again(
    chromium: Chromium, site: str
) -> None:
    def look(window: Page) -> tuple[str, list[str]]:
        window.route("**/1.json", lambda route: route.abort())
        window.goto(f"{site}/en/search/")
        said, _titles = search(window, "tides")
        window.unroute("**/1.json")
        return said, search(window, "tides ")[1] or search(window, "tide")[1]

    said, titles = chromium.browse_servers(look)
    assert "fetch" in said
    assert TIDES in titles
