"""The editor for Markdown in Chromium: it writes into the plain field, by keyboard alone, under the strict policy."""

from typing import Any

from playwright.sync_api import Page, expect

from tests.publisher.web.conftest import made_ready
from tests.slow.browser.console.test_choosing_previews import without_scripts
from tests.slow.browser.console.test_pages import POLICY, Console, running, sign_in, violations
from tools.browser.chromium import Chromium

__all__ = ["made_ready", "running"]
DRAFT = "/write/ar/1/"


def test_a_text_is_written_by_keyboard_and_saved(chromium: Chromium, running: Console) -> None:
    def look(window: Page) -> dict[str, Any]:
        said: list[str] = []
        window.on("console", lambda one: said.append(one.text))
        sign_in(window, running.tokens["en"])
        window.goto(f"{running.url}{DRAFT}")
        text = window.get_by_role("textbox", name="Text")
        expect(text).to_be_visible()
        text.focus()
        window.keyboard.press("Control+a")
        window.keyboard.type("word")
        window.keyboard.press("Control+a")
        window.get_by_role("button", name="Bold").press("Enter")
        text.focus()
        window.keyboard.press("Tab")
        left = window.evaluate("document.activeElement.id")
        found = violations(window)
        window.get_by_role("button", name="Save draft").click()
        expect(window.get_by_role("status")).to_have_text("Saved.")
        return {
            "stored": window.locator("textarea#text").input_value(),
            "after Tab": left,
            "accessibility": found,
            "policy": [one for one in said if POLICY in one],
        }

    assert chromium.browse_servers(look) == {
        "stored": "**word**",
        "after Tab": "translator",
        "accessibility": [],
        "policy": [],
    }


def test_without_scripts_the_field_is_a_plain_one(chromium: Chromium, running: Console) -> None:
    def look(window: Page) -> list[str]:
        page = without_scripts(window, running)
        page.goto(f"{running.url}{DRAFT}")
        page.get_by_label("Text").fill("One.\n\n- two")
        page.get_by_role("button", name="Save draft").click()
        found = [
            page.get_by_role("status").inner_text(),
            page.get_by_label("Text").input_value(),
        ]
        page.context.close()
        return found

    assert chromium.browse_servers(look) == ["Saved.", "One.\n\n- two"]
