"""The choices of a preview, and the list of issues, by links and forms alone: in a browser without scripts."""

from playwright.sync_api import Page

from tests.publisher.web.conftest import made_ready
from tests.slow.browser.console.test_pages import Console, running, sign_in, violations
from tools.browser.chromium import Chromium

__all__ = ["made_ready", "running"]
PREVIEW = "/issues/weekly-ar-2026-01-09/preview/"


def without_scripts(window: Page, running: Console, language: str = "en") -> Page:
    """Return another window of somebody who is signed in, in which no script runs."""
    browser = window.context.browser
    assert browser is not None
    context = browser.new_context(
        java_script_enabled=False, viewport={"width": 1280, "height": 800}
    )
    other = context.new_page()
    sign_in(other, running.tokens[language])
    return other


def test_all_choices_of_a_preview_are_links_whose_addresses_can_be_passed_on(
    chromium: Chromium, running: Console
) -> None:
    def look(window: Page) -> list[object]:
        page = without_scripts(window, running)
        page.goto(f"{running.url}{PREVIEW}")
        found: list[object] = [page.locator("iframe").count()]
        for name in ("All", "Dark", "Window"):
            page.get_by_role("link", name=name, exact=True).click()
            found.append(page.locator("iframe").count())
        frame = page.locator("iframe").first
        found += [page.url.partition("?")[2], str(frame.get_attribute("src"))[-10:]]
        page.get_by_role("link", name="Compare").click()
        found += [page.locator("iframe").count(), page.locator("tbody tr").count() > 0]
        for name in ("Mail", "العربية"):
            page.get_by_role("link", name=name, exact=True).click()
        page.get_by_text("Send a test mail").click()
        found.append(page.get_by_label("Addresses").input_value())
        page.get_by_role("button", name="Send", exact=True).click()
        found.append(page.get_by_role("status").inner_text())
        page.context.close()
        return found

    assert chromium.browse_servers(look) == [
        *(1, 2, 2, 2, "language=all&look=dark&width=window", "mail-dark/"),
        *(0, True, "administrator-all-en@example.org", "The test mails were sent."),
    ]


def test_previews_of_all_kinds_are_accessible_and_as_high_as_a_screen_or_two(
    chromium: Chromium, running: Console
) -> None:
    def look(window: Page) -> list[str]:
        sign_in(window, running.tokens["ar"])
        found = []
        for choice in ("language=all", "show=text", "show=source", "show=compare"):
            window.goto(f"{running.url}{PREVIEW}?{choice}")
            for summary in window.locator(".chooser summary").all():
                summary.click()
            for width in (320, 1280):
                window.set_viewport_size({"width": width, "height": 844})
                over = window.evaluate("document.scrollingElement.scrollWidth - innerWidth")
                found += [f"{choice}: {over} px too wide at {width}"] if over > 0 else []
                found += [f"{choice}: {one}" for one in violations(window)]
            window.goto(window.url)
            high = window.evaluate("document.documentElement.scrollHeight")
            is_list = choice in ("show=source", "show=compare")
            found += [f"{choice}: {high} px high"] if high > 1600 and not is_list else []
        return found

    assert chromium.browse_servers(look) == []
