"""A morning in the console, from a story that arrives to a correction, in four languages."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from playwright.sync_api import Locator, Page

from tests.publisher.conftest import PublicationFolder
from tests.slow.browser.morning import SETTINGS, begun, play
from tools.browser.chromium import Chromium

TUTORIAL = Path(__file__).parents[3] / "docs/tutorial/editors-morning.md"


def test_a_morning_of_an_editor_in_four_languages(
    chromium: Chromium, new_publication: Callable[..., PublicationFolder]
) -> None:
    photographed = []

    def look(page: Page, name: str, _shown: Locator | None) -> None:
        photographed.append(name)
        page.wait_for_load_state()  # a click may be followed by a page that has no root yet
        over = page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
        assert over <= 0, f"{name} is {over} px too wide"

    with begun(new_publication(**SETTINGS), look) as morning:
        chromium.browse_servers(partial(play, morning))
    # Refused on purpose: correcting before she shows who she is.
    statuses = [re.findall(r"status of (\d+)", one) for one in morning.complaints]
    assert statuses == [["403"]], morning.complaints
    shown = re.findall(r"\]\(\.\./images/morning/([\w-]+)\.png\)", TUTORIAL.read_text("utf-8"))
    assert shown == photographed
