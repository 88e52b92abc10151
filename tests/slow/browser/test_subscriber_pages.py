"""Subscribers' pages in Chromium: accessible in both directions, schemes and widths, without a script.

A page is added by one line in PAGES: how to open it. `sample` knows a subscriber, and signs links.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from itertools import product
from typing import Any

import flask
import pytest
from playwright.sync_api import Page

from publisher.app.web_state import open_web_state
from publisher.clock import FixedClock
from publisher.mail.signed_links import LinkKind, sign_link
from publisher.web.application import create_app
from publisher.web.context import WebContext
from subscribers import JoinWish, find_subscriber, insert_request
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.slow.browser.accessibility import AXE, RULES, RUN, SCHEMES, result_lines
from tests.slow.browser.chromium import Chromium

LANGUAGES = ("en", "zh-Hant", "ar")
TITLES = {"en": "The week", "zh-Hant": "一週", "ar": "الأسبوع"}
ANN = "ann@example.com"
# Bytes of a page with its style sheet, as a browser gets them.
MAX_COMPRESSED = 20_000
# CSS pixels (WCAG 2.5.8).
SMALLEST_TARGET = 24


@dataclass
class Sample:
    """A publication with a subscriber, and the application of its pages."""

    app: flask.Flask
    publication: PublicationFolder
    secret: str

    def token(self, kind: LinkKind, **signed: Any) -> str:
        with self.publication.database.reading() as connection:
            person = find_subscriber(connection, ANN)
        assert person is not None
        return sign_link(self.secret, kind, person.id, **signed)

    def url(self, path: str) -> str:
        return f"{self.publication.settings.publication.url}/{path}"


@pytest.fixture
def sample(new_publication: Callable[..., PublicationFolder]) -> Iterator[Sample]:
    publication = new_publication(
        title={"en": "The Lantern", "zh-Hant": "燈籠", "ar": "الفانوس"},
        languages=list(LANGUAGES),
        newsletters=[{"title": TITLES}, {"name": "daily", "title": TITLES}],
    )
    subscribe(publication, (ANN, "en"))
    with open_web_state(publication.settings) as state:
        context = WebContext(
            lambda: publication.settings,
            state.database,
            state.writer,
            state.renderer,
            state.secret,
            FixedClock(NOW),
            state.limits,
        )
        yield Sample(create_app(context), publication, state.secret)


Way = Callable[[Sample, Page, str], None]


def by_link(page: str, kind: LinkKind, **signed: Any) -> Way:
    """Open a page by a signed link."""

    def way(sample: Sample, window: Page, language: str) -> None:
        window.goto(sample.url(f"{language}/{page}/?t={sample.token(kind, **signed)}"))

    return way


def at(path: str) -> Way:
    """Open a page by its path in a language."""
    return lambda sample, window, language: _open(window, sample.url(f"{language}/{path}"))


def _open(window: Page, url: str) -> None:
    window.goto(url)


def then_press(way: Way, selector: str = "main button") -> Way:
    """Press the first such button of a page."""

    def pressed(sample: Sample, window: Page, language: str) -> None:
        way(sample, window, language)
        window.locator(selector).first.click()

    return pressed


def confirm(sample: Sample, window: Page, language: str) -> None:
    """Open the link of a mail that asks to confirm a subscription."""
    with sample.publication.database.writing() as connection:
        person = find_subscriber(connection, ANN)
        assert person is not None
        wish = JoinWish(("daily",), language)
        number = insert_request(connection, person.id, wish, "digest", NOW)
    by_link("confirm", "confirm", number=number)(sample, window, language)


UNSUBSCRIBE = by_link("unsubscribe", "unsubscribe", newsletter="weekly")
LEFT = then_press(UNSUBSCRIBE)
PAGES: dict[str, Way] = {
    "unsubscribe": UNSUBSCRIBE,
    "unsubscribed": LEFT,
    "paused": then_press(UNSUBSCRIBE, "main button.quiet"),
    "undone": then_press(LEFT),
    "damaged link": at("unsubscribe/?t=x"),
    "preferences": by_link("preferences", "preferences"),
    "preferences without a link": at("preferences/"),
    "mailed links": at("preferences/link/"),
    "change of address": at("address/"),
    "own data": at("data/"),
    "subscribe": at("subscribe/"),
    "subscribe with a mistake": then_press(at("subscribe/")),
    "confirm": confirm,
    "confirmed": then_press(confirm),
    "confirm without a link": at("confirm/"),
    "no such page": at("unsubscribe/nothing"),
}


@pytest.mark.parametrize("language", LANGUAGES)
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
            # Rules hold in every language of one direction alike.
            "axe": _violations(window) if language != "zh-Hant" else [],
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


def _violations(window: Page) -> list[str]:
    window.evaluate(AXE)
    faults = []
    for width, scheme in product((390, 1280), SCHEMES):
        window.set_viewport_size({"width": width, "height": 900})
        window.emulate_media(color_scheme=scheme)
        found = window.evaluate(RUN, RULES)
        faults += [
            f"{line} at {width} px, {scheme}" for line in result_lines(found["violations"])
        ]
    return faults


# Controls and links that stand alone and are too small.
TARGETS = """(least) => [...document.querySelectorAll('button, input:not([type=hidden]), select, summary, nav a, main p > a:only-child')]
.filter(one => { const box = one.getBoundingClientRect();
  return box.width && (box.width < least || box.height < least) })
.map(one => one.outerHTML.slice(0, 80))"""
# Words in Latin letters in the text of a page in another script, but for what is marked as such.
LATIN = """() => { const walk = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
const found = []; for (let node; (node = walk.nextNode());) {
  if (/[A-Za-z]{3,}/.test(node.data) && !node.parentElement.closest('[dir=ltr], bdi')) found.push(node.data.trim()) }
return found }"""


def test_titles_are_unique_and_name_the_publication(chromium: Chromium, sample: Sample) -> None:
    def look(window: Page) -> list[str]:
        UNSUBSCRIBE(sample, window, "en")
        titles = [window.title()]
        for _ in range(2):
            window.locator("main button").first.click()
            titles.append(window.title())
        return titles

    titles = chromium.browse(sample.app, look)
    assert len(set(titles)) == len(titles)
    assert all(title.endswith(" · The Lantern") for title in titles)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_keyboard_alone_is_enough_to_leave_and_come_back(
    chromium: Chromium, sample: Sample, language: str
) -> None:
    def press_first_button(window: Page) -> None:
        for _ in range(20):
            window.keyboard.press("Tab")
            if window.evaluate("document.activeElement.matches('main button')"):
                outline = window.evaluate(
                    "getComputedStyle(document.activeElement).outlineStyle"
                )
                assert outline != "none"
                break
        with window.expect_navigation():
            window.keyboard.press("Enter")

    def look(window: Page) -> list[tuple[str, ...]]:
        gets = []
        UNSUBSCRIBE(sample, window, language)
        for _ in range(2):
            press_first_button(window)
            assert window.locator("[role=status]").count() == 1
            with sample.publication.database.reading() as connection:
                person = find_subscriber(connection, ANN)
            assert person is not None
            gets.append(person.newsletters)
        return gets

    assert chromium.browse(sample.app, look) == [(), ("weekly",)]


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
