"""Looking at mails in Chromium in every way that a style sheet may ask about.

In a wide and in a narrow window, in the dark, on paper, under the pointer, and in a mail program
that marks its dark mode.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.slow.browser.chromium import MISSING, WIDE, Chromium, Scheme, Window, find_chromium
from tests.slow.browser.styles import READ, Styles, differences

NARROW = 320
OTHERS: tuple[tuple[int, Scheme], ...] = ((NARROW, "light"), (NARROW, "dark"), (WIDE, "dark"))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    program = find_chromium()
    if program is None:
        pytest.skip(MISSING)
    with Chromium(program) as running:
        yield running


@pytest.fixture(scope="module")
def eyes(chromium: Chromium) -> Eyes:
    return Eyes(chromium)


def looks(window: Window) -> list[Styles]:
    """Read the computed values in every way that a mail may be looked at."""

    def read(where: str) -> Styles:
        return Styles(where, window.page.evaluate(READ))

    window.show(WIDE)
    found = [read(f"at {WIDE} px"), *_under_the_pointer(window)]
    window.page.emulate_media(media="print")
    found.append(read("on paper"))
    window.page.emulate_media(media="screen")
    window.page.evaluate("document.documentElement.setAttribute('data-ogsc', '')")
    found.append(read("in the dark of Outlook.com"))
    window.page.evaluate("document.documentElement.removeAttribute('data-ogsc')")
    for width, scheme in OTHERS:
        window.show(width, scheme)
        found.append(read(f"at {width} px, {scheme}"))
    return found


def _under_the_pointer(window: Window) -> Iterator[Styles]:
    """Hold the pointer over each element that could matter, as far as styles can tell."""
    session = window.page.context.new_cdp_session(window.page)
    for domain in ("DOM", "CSS"):
        session.send(f"{domain}.enable")
    root = session.send("DOM.getDocument")["root"]["nodeId"]
    for selector in ("a", ".a"):
        asked = {"nodeId": root, "selector": selector}
        node = session.send("DOM.querySelector", asked)["nodeId"]
        if node:
            forced = {"nodeId": node, "forcedPseudoClasses": ["hover"]}
            session.send("CSS.forcePseudoState", forced)
            yield Styles(f"pointer on {selector}", window.page.evaluate(READ))
            session.send("CSS.forcePseudoState", {**forced, "forcedPseudoClasses": []})
    session.detach()


class Eyes:
    """Look at each mail once."""

    def __init__(self, chromium: Chromium) -> None:
        self._chromium = chromium
        self._seen: dict[str, list[Styles]] = {}

    def changes(self, before: str, after: str) -> list[str]:
        """Say which values differ, in a line each."""
        return differences(self._look(before), self._look(after))

    def _look(self, html: str) -> list[Styles]:
        if html not in self._seen:
            self._seen[html] = self._chromium.visit(html, looks)
        return self._seen[html]
