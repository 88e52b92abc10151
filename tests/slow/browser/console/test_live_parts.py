"""The page about sending in Chromium: its numbers follow the mail, and what is typed beside them stays."""

from collections.abc import Callable
from dataclasses import replace

from playwright.sync_api import Page, expect

from publisher.app.operation.page_servers import open_console_state
from publisher.clock import SystemClock
from publisher.delivery.states import DeliveryState
from publisher.web.console.application import create_console
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.ledger.open_ledgers import open_test_ledger
from tests.publisher.web.console.conftest import begin, context_of
from tests.slow.browser.console.test_pages import POLICY, serving, sign_in
from tools.browser.chromium import Chromium

ADDRESSES = [f"reader.{number}@mail.example" for number in range(9)]
# Milliseconds: more than the page waits, and more than a machine that is busy takes.
PATIENCE = 120_000


def test_numbers_change_and_a_form_beside_them_does_not(
    chromium: Chromium, new_publication: Callable[..., PublicationFolder]
) -> None:
    publication = new_publication(languages=["en", "ar"])
    ledger = open_test_ledger(publication, *ADDRESSES)
    ledger.settle(ledger.begin(3), DeliveryState.SENT)
    token = begin(publication, "administrator", None, "en", SystemClock().now())

    def look(window: Page) -> list[str]:
        refused: list[str] = []
        window.on(
            "console", lambda one: refused.append(one.text) if POLICY in one.text else None
        )
        sign_in(window, token)
        window.goto(f"{url}/issues/{ledger.issue.name}/sending/")
        progress = window.locator("#progress")
        expect(progress).to_contain_text("3 sent")
        window.locator("main details").evaluate("one => { one.open = true }")
        window.fill("#reason", "a wrong date")
        ledger.settle(ledger.begin(2), DeliveryState.SENT)
        expect(progress).to_contain_text("5 sent", timeout=PATIENCE)
        ledger.settle(ledger.begin(1), DeliveryState.SENT)
        # Fetched again after it was replaced.
        expect(progress).to_contain_text("6 sent", timeout=PATIENCE)
        return [window.input_value("#reason"), *refused]

    with open_console_state(publication.settings) as opened:
        # Counts are kept for a moment, by the clock.
        context = replace(context_of(publication, opened), clock=SystemClock())
        with serving(create_console(context)) as url:
            assert chromium.browse_servers(look) == ["a wrong date"]
