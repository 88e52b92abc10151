"""The script of the form to subscribe, in Chromium: it solves the challenge before the form is sent."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from playwright.sync_api import Page

from publisher.app.operation.page_servers import open_web_state
from publisher.database.retry_queue import queue_item as notice
from publisher.web.pages.application import create_app
from publisher.web.pages.responses import WebContext
from tests.publisher.conftest import NOW, PublicationFolder
from tools.browser.chromium import Chromium


class _Clock:
    """A clock that the test moves."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def now(self) -> datetime:
        return self.instant


def test_the_browser_solves_the_challenge_and_the_mail_is_sent(
    chromium: Chromium, new_publication: Callable[..., PublicationFolder]
) -> None:
    publication = new_publication()
    joining = publication.settings.joining.model_copy(update={"proof_of_work_above": 0})
    settings = replace(publication.settings, joining=joining)
    clock = _Clock(NOW)

    def look(window: Page) -> str:
        window.goto(f"{settings.publication.url}/en/subscribe/")
        window.fill("#email", "ann@example.org")
        # The form's stamp counts from two seconds on.
        clock.instant += timedelta(seconds=5)
        window.locator("main button").click()
        window.wait_for_selector("#code", timeout=60_000)
        return window.title()

    with open_web_state(settings) as state:
        context = WebContext(lambda: settings, state, clock)
        assert chromium.browse(create_app(context), look).startswith("Check your mailbox")
    assert [row["kind"] for row in publication.rows(notice)] == ["confirm"]
