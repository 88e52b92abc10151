"""The keyboard alone is enough: to join, confirm, choose, leave and come back."""

import pytest
from playwright.sync_api import Page

from publisher.database.retry_queue import queue_item as notice
from publisher.mail.signed_addresses import sign_link
from subscribers.preferences import load_preferences
from subscribers.store import find_subscriber
from tests.publisher.delivery.mailing import number_of
from tests.sizes import by_lane
from tests.slow.browser.subscriber_pages import MINUTE, UNSUBSCRIBE, Sample
from tests.slow.browser.subscriber_pages import sample as sample  # noqa: PLC0414  # a fixture
from tools.browser.chromium import Chromium

BOB = "bob@example.org"
# More than any of these pages has: whoever presses Tab so often has seen them all.
MOST_STOPS = 60


def tab_to(window: Page, selector: str) -> None:
    """Press Tab until a control has the focus, and see that it is shown."""
    for _ in range(MOST_STOPS):
        window.keyboard.press("Tab")
        if window.evaluate(f"document.activeElement.matches({selector!r})"):
            outline = "getComputedStyle(document.activeElement).outlineStyle"
            assert window.evaluate(outline) != "none"
            return
    raise AssertionError(f"Tab does not lead to {selector}")


def enter(window: Page, selector: str) -> None:
    """Press a button, or follow a link."""
    tab_to(window, selector)
    with window.expect_navigation():
        window.keyboard.press("Enter")


def newsletters(sample: Sample, address: str) -> tuple[str, ...]:
    with sample.publication.database.reading() as connection:
        person = find_subscriber(connection, address)
    assert person is not None
    return person.newsletters


def join(sample: Sample, window: Page, language: str) -> None:
    window.goto(sample.url(f"{language}/subscribe/"))
    tab_to(window, "#email")
    window.keyboard.type(BOB)
    tab_to(window, "#newsletter")
    window.keyboard.press("Space")
    sample.clock.instant += MINUTE
    enter(window, "main button")
    (row,) = sample.publication.rows(notice)
    tab_to(window, "#code")
    window.keyboard.type(row["payload"]["code"])
    with window.expect_navigation():
        window.keyboard.press("Enter")


def choose(sample: Sample, window: Page, language: str) -> None:
    number = number_of(sample.publication.database, BOB)
    token = sign_link(sample.secret, "preferences", number)
    window.goto(sample.url(f"{language}/preferences/?t={token}"))
    tab_to(window, "#language-2")
    for _ in range(2):
        window.keyboard.press("ArrowDown")
    tab_to(window, "#machine")
    window.keyboard.press("Space")
    enter(window, "button[value=save]")
    assert window.locator("[role=status]").count() == 1


@pytest.mark.parametrize("language", by_lane(["ar"], ["en", "ar"]))
def test_somebody_joins_chooses_and_leaves_without_a_mouse(
    chromium: Chromium, sample: Sample, language: str
) -> None:
    database = sample.publication.database

    def look(window: Page) -> None:
        join(sample, window, language)
        assert newsletters(sample, BOB) == ("weekly",)
        choose(sample, window, language)
        with database.reading() as connection:
            chosen = load_preferences(connection, number_of(database, BOB))
        assert (len(chosen.languages), chosen.machine_translations) == (2, False)
        enter(window, "main a[href*=unsubscribe]")
        enter(window, "main button")
        assert newsletters(sample, BOB) == ()

    chromium.browse(sample.app, look)


@pytest.mark.parametrize("language", by_lane(["en"], ["en", "ar"]))
def test_somebody_leaves_and_comes_back_without_a_mouse(
    chromium: Chromium, sample: Sample, language: str
) -> None:
    def look(window: Page) -> list[tuple[str, ...]]:
        UNSUBSCRIBE(sample, window, language)
        found = []
        for _ in range(2):
            enter(window, "main button")
            assert window.locator("[role=status]").count() == 1
            found.append(newsletters(sample, sample.person().address))
        return found

    assert chromium.browse(sample.app, look) == [(), ("weekly",)]
