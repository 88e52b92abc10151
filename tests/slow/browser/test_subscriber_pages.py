"""Subscribers' pages in Chromium: accessible in both directions, schemes and widths, without a script."""

import gzip
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import pytest
from playwright.sync_api import Page

from publisher.database.retry_queue import queue_item as notice
from tests.publisher.web.test_joining import set_joining
from tests.sizes import by_lane
from tests.slow.browser.subscriber_pages import LANGUAGES, MINUTE, PAGES, UNSUBSCRIBE, Sample
from tests.slow.browser.subscriber_pages import sample as sample  # noqa: PLC0414  # a fixture
from tools.browser.accessibility import AXE, OF_COLOURS, RULES, RUN, result_lines
from tools.browser.chromium import Chromium, Scheme, press

# Bytes of a page with its style sheet, as a browser gets them.
MAX_COMPRESSED = 20_000
# CSS pixels (WCAG 2.5.8).
SMALLEST_TARGET = 24
AxeView = tuple[int, Scheme, tuple[str, ...]]
# Widths and schemes, with the rules whose result they can change; the lane needs the first ones.
AXE_VIEWS: tuple[AxeView, ...] = (
    (390, "light", RULES),
    (1280, "dark", OF_COLOURS),
    (390, "dark", OF_COLOURS),
    (1280, "light", (*OF_COLOURS, "target-size", "scrollable-region-focusable")),
)


@pytest.mark.parametrize("language", by_lane(("en", "ar"), LANGUAGES))
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_small_and_private(
    chromium: Chromium, sample: Sample, name: str, language: str
) -> None:
    def look(window: Page) -> dict[str, Any]:
        asked: list[str] = []
        window.on("request", lambda one: asked.append(one.url))
        PAGES[name](sample, window, language)
        html = window.content()
        return {
            "foreign": [url for url in asked if not url.startswith(sample.url(""))],
            "scripts": window.locator("script, [onclick], [onload], [style]").count(),
            "cookies": window.context.cookies(),
            "too large": _compressed(sample, html) > MAX_COMPRESSED,
            "direction": window.evaluate("getComputedStyle(document.body).direction"),
            "small targets": window.evaluate(TARGETS, SMALLEST_TARGET),
            "foreign words": window.evaluate(LATIN) if language != "en" else [],
            "sideways": _too_wide(window),
            # Rules hold in every language of one direction alike, and colours in both.
            "axe": _violations(window, VIEWS[language]),
        }

    assert chromium.browse(sample.app, look) == {
        "foreign": [],
        "scripts": 0,
        "cookies": [],
        "too large": False,
        "direction": "rtl" if language == "ar" else "ltr",
        "small targets": [],
        "foreign words": [],
        "sideways": [],
        "axe": [],
    }


def _compressed(sample: Sample, html: str) -> int:
    """Return the size of a page with its style sheet."""
    (sheet,) = re.findall(r'<link rel="stylesheet" href="([^"]+)"', html)
    host = {"HTTP_HOST": sample.publication.settings.publication.host}
    css = sample.app.test_client().get(sheet, environ_base=host)
    assert css.status_code == HTTPStatus.OK
    return len(gzip.compress(html.encode() + css.data))


def _too_wide(window: Page) -> list[str]:
    """Return where a page scrolls sideways: at 320 px, and with twice as large a text."""
    found = []
    width = "document.scrollingElement.scrollWidth - innerWidth"
    window.set_viewport_size({"width": 320, "height": 900})
    if window.evaluate(width):
        found.append("320 px")
    window.set_viewport_size({"width": 640, "height": 900})
    window.evaluate("document.documentElement.style.fontSize = '225%'")
    if window.evaluate(width):
        found.append("200 %")
    window.evaluate("document.documentElement.style.fontSize = ''")
    return found


VIEWS = {"en": AXE_VIEWS[: by_lane(2, 4)], "ar": AXE_VIEWS[: by_lane(1, 4)], "zh-Hant": ()}


def _violations(window: Page, views: Sequence[AxeView] = AXE_VIEWS) -> list[str]:
    window.evaluate(AXE)
    faults = []
    for width, scheme, rules in views:
        window.set_viewport_size({"width": width, "height": 900})
        window.emulate_media(color_scheme=scheme)
        found = window.evaluate(RUN, rules)
        faults += [
            f"{line} at {width} px, {scheme}" for line in result_lines(found["violations"])
        ]
    return faults


# Controls and links that stand alone and are too small.
TARGETS = """(least) => [...document.querySelectorAll('button, input:not([type=hidden]), select, summary, nav a, main p > a:only-child')]
.filter(one => { const box = one.getBoundingClientRect();
  return box.width && (box.width < least || box.height < least) })
.map(one => one.outerHTML.slice(0, 80))"""
# Words in Latin letters in the text of a page in another script, but for what is marked as such,
# addresses and the name of a format.
LATIN = r"""() => { const walk = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
const found = []; for (let node; (node = walk.nextNode());) {
  if (/[A-Za-z]{3,}/.test(node.data.replace(/\S+@\S+|JSON/g, '')) && !node.parentElement.closest('main [dir=ltr], bdi')) found.push(node.data.trim()) }
return found }"""


def test_titles_are_unique_and_name_the_publication(chromium: Chromium, sample: Sample) -> None:
    def look(window: Page) -> list[str]:
        UNSUBSCRIBE(sample, window, "en")
        titles = [window.title()]
        for _ in range(2):
            press(window.locator("main button").first)
            titles.append(window.title())
        return titles

    titles = chromium.browse(sample.app, look)
    assert len(set(titles)) == len(titles)
    assert all(title.endswith(" · The Lantern") for title in titles)


def test_the_layout_is_mirrored_in_arabic(chromium: Chromium, sample: Sample) -> None:
    def look(window: Page) -> list[tuple[float, float]]:
        window.set_viewport_size({"width": 1280, "height": 900})
        sides = []
        for language in ("en", "ar"):
            UNSUBSCRIBE(sample, window, language)
            for selector in (".brand", "main button"):
                box = window.locator(selector).first.bounding_box()
                assert box is not None
                sides.append((box["x"], 1280 - box["x"] - box["width"]))
        return sides

    brand, button, mirrored_brand, mirrored_button = chromium.browse(sample.app, look)
    assert brand[0] < brand[1]
    assert abs(brand[0] - mirrored_brand[1]) < 1
    assert abs(button[0] - mirrored_button[1]) < 1


def test_buttons_keep_an_edge_in_forced_colours(chromium: Chromium, sample: Sample) -> None:
    def look(window: Page) -> list[str]:
        window.emulate_media(forced_colors="active")
        UNSUBSCRIBE(sample, window, "en")
        script = "(all) => all.map(one => getComputedStyle(one).borderTopColor)"
        return list(window.locator("main button").evaluate_all(script))

    edges = chromium.browse(sample.app, look)
    assert edges
    assert not [edge for edge in edges if edge == "rgba(0, 0, 0, 0)"]


def test_the_script_solves_the_challenge_of_the_form_and_the_mail_is_sent(
    chromium: Chromium, sample: Sample
) -> None:
    set_joining(sample.publication, proof_of_work_above=0)

    def look(window: Page) -> str:
        window.goto(sample.url("en/subscribe/"))
        window.fill("#email", "bob@example.org")
        window.check("#newsletter")
        sample.clock.instant += MINUTE
        window.locator("main button").click()
        window.wait_for_selector("#code", timeout=60_000)
        return window.title()

    assert chromium.browse(sample.app, look).startswith("Check your mailbox")
    assert [row["kind"] for row in sample.publication.rows(notice)] == ["confirm"]
