"""The page of an issue in Chromium: few clicks, no scrolling, the focus where it was, and all of it without a script."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from publisher.app.operation.page_servers import open_console_state
from publisher.web.console.application import create_console
from tests.publisher.app.approving import DUE, HOUR, cycle, fill, issue_of, newsletter
from tests.publisher.conftest import PublicationFolder
from tests.publisher.web.console.conftest import begin, context_of
from tests.slow.browser.console.test_pages import POLICY, serving, sign_in
from tools.browser.chromium import Chromium, press

ENGLISH, ARABIC = "weekly-en-2026-01-09", "weekly-ar-2026-01-09"
FOCUS = "document.activeElement.id"


@dataclass
class Desk:
    """A console with an issue in two languages that awaits approval, and sessions of two people."""

    url: str
    publication: PublicationFolder
    editor: str
    approver: str

    def open(self, window: Page, token: str, path: str = "") -> None:
        window.set_viewport_size({"width": 1280, "height": 800})
        sign_in(window, token)
        window.goto(f"{self.url}/issues/{ENGLISH}/{path}")


@pytest.fixture
def desk(new_publication: Callable[..., PublicationFolder]) -> Iterator[Desk]:
    publication = new_publication(languages=["en", "ar"], newsletters=[newsletter()])
    fill(publication, "en", "ar")
    cycle(publication, DUE - 6 * HOUR)
    tokens = [
        begin(publication, role, None, "en", publication.clock.now())
        for role in ("editor", "approver")
    ]
    with open_console_state(publication.settings) as opened:
        with serving(create_console(context_of(publication, opened))) as url:
            yield Desk(url, publication, *tokens)
        opened.assembly.wait()


def titles(window: Page) -> list[str]:
    return window.locator("ol.rows .what").all_inner_texts()


def test_the_words_of_two_languages_take_four_clicks_and_no_scrolling(
    chromium: Chromium, desk: Desk
) -> None:
    def look(window: Page) -> None:
        desk.open(window, desk.editor)
        for name, words in ((ENGLISH, "Three tides"), (ARABIC, "ثلاثة")):
            if name == ARABIC:
                tab = window.locator(f'#tabs a[href="/issues/{ARABIC}/"]')
                expect(tab).to_be_in_viewport(ratio=1)
                press(tab)
            for part in ("#subject", "#preheader", "#opening", ".words .button"):
                expect(window.locator(part)).to_be_in_viewport(ratio=1)
            assert window.input_value("#subject")
            window.locator("#subject").click()
            window.keyboard.press("Control+A")
            window.keyboard.type(words)
            window.keyboard.press("Tab")
            window.keyboard.press("Tab")
            window.keyboard.type("Dear *readers*")
            window.keyboard.press("Tab")
            with window.expect_navigation():
                window.keyboard.press("Enter")
            expect(window.locator("main > .status")).to_be_visible()
            assert window.input_value("#subject") == words

    chromium.browse_servers(look)
    assert [issue_of(desk.publication, name).revision for name in (ENGLISH, ARABIC)] == [1, 1]


def test_one_language_is_read_and_approved_by_two_clicks_on_one_page(
    chromium: Chromium, desk: Desk
) -> None:
    def look(window: Page) -> None:
        desk.open(window, desk.approver)
        frame = window.frame_locator("#mail iframe")
        expect(frame.locator("body")).to_contain_text("Tides")
        press(window.locator(f'#tabs a[href="/issues/{ARABIC}/"]'))
        approve = window.get_by_role("button", name="Approve", exact=True)
        expect(window.locator("#mail iframe")).to_be_in_viewport()
        expect(approve).to_be_in_viewport(ratio=1)
        press(approve)
        expect(window.locator(f'#tabs a[href="/issues/{ARABIC}/"]')).to_contain_text("ready")

    chromium.browse_servers(look)
    assert issue_of(desk.publication, ARABIC).state == "ready"
    assert issue_of(desk.publication, ENGLISH).state == "awaiting_approval"


def test_the_focus_stays_on_the_button_that_moved_a_story_and_what_was_typed_stays(
    chromium: Chromium, desk: Desk
) -> None:
    def look(window: Page) -> list[str]:
        refused: list[str] = []
        window.on(
            "console", lambda one: refused.append(one.text) if POLICY in one.text else None
        )
        desk.open(window, desk.editor)
        before = titles(window)
        window.fill("#opening", "Not saved yet")
        first, second = before
        for times in (1, 2):
            way, title = ("Down", first) if times == 1 else ("Up", first)
            button = window.get_by_role("button", name=f"{way}: {title}")
            number = button.get_attribute("id")
            button.click()
            now = [second, first] if times == 1 else before
            expect(window.locator("ol.rows .what")).to_have_text(now)
            assert window.evaluate(FOCUS) == number
        # It is made meanwhile, and the page fetches it.
        expect(window.locator("#mail iframe")).to_be_visible()
        expect(window.locator("#mail h2")).to_contain_text("Revision")
        return [window.input_value("#opening"), *refused]

    assert chromium.browse_servers(look) == ["Not saved yet"]


def test_columns_are_counted_while_words_are_typed_and_automatic_words_follow_a_move(
    chromium: Chromium, desk: Desk
) -> None:
    def look(window: Page) -> None:
        desk.open(window, desk.editor)
        subject, hint = window.locator("#subject"), window.locator("#subject-hint")
        automatic, counted = subject.input_value(), hint.inner_text()
        assert counted == f"automatic · {len(automatic)} of 65 columns"
        for words, said in (("潮汐 e\u0301", "6 of 65 columns"), (automatic, counted)):
            subject.fill(words)
            expect(hint).to_have_text(said)
        subject.fill("x" * 66)
        expect(hint).to_have_class(re.compile("over"))
        subject.fill(automatic)
        window.fill("#preheader", "Mine")
        second = titles(window)[1]
        window.get_by_role("button", name=f"Up: {second}").click()
        expect(subject).to_have_value(re.compile(re.escape(second)))
        expect(hint).to_contain_text("automatic")
        expect(window.locator("#preheader")).to_have_value("Mine")
        press(window.locator(".words .button"))
        expect(hint).to_contain_text("automatic")
        expect(window.locator("#preheader")).to_have_value("Mine")

    chromium.browse_servers(look)


def test_a_story_is_moved_in_all_languages_by_two_clicks(
    chromium: Chromium, desk: Desk
) -> None:
    def look(window: Page) -> None:
        desk.open(window, desk.editor)
        press(window.locator('#tabs a[href$="/languages/"]'))
        rows = window.locator("#stories tbody tr")
        last = rows.last.locator("th").inner_text()
        rows.last.locator(".moves button").last.click()
        expect(rows.first.locator("th")).to_have_text(last)
        expect(rows.first.locator("td").nth(1)).to_have_text("1")

    chromium.browse_servers(look)
    assert [issue_of(desk.publication, name).revision for name in (ENGLISH, ARABIC)] == [1, 1]


def test_without_a_script_a_move_leads_back_to_its_story(
    chromium: Chromium, desk: Desk
) -> None:
    def look(window: Page) -> tuple[str, list[str]]:
        browser = window.context.browser
        assert browser is not None
        with browser.new_context(java_script_enabled=False) as context:
            page = context.new_page()
            desk.open(page, desk.editor)
            first, second = titles(page)
            press(page.get_by_role("button", name=f"Up: {second}"))
            assert titles(page) == [second, first]
            return page.url, titles(page)

    url, _now = chromium.browse_servers(look)
    assert "#story-" in url
