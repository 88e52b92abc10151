"""Web pages, opened in Chromium as on a phone."""

from dataclasses import replace

import pytest

from publisher.rendering import Renderer
from tests.publisher.rendering import sample
from tools.browser.accessibility import violations
from tools.browser.chromium import Chromium, Window

# CSS pixels.
PHONE = 390
WIDE_CODE = f"<pre><code>{'a_long_name = another_long_name ' * 20}</code></pre>"
WIDE_TABLE = f"<table><tbody><tr>{'<td>unbreakable</td>' * 40}</tr></tbody></table>"


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("page", ["issue", "article"])
def test_wide_code_and_tables_can_be_scrolled_with_the_keyboard(
    chromium: Chromium, page: str, language: str
) -> None:
    issue = sample.issue(language)
    one = issue.items[0]
    item = replace(one, article=replace(one.article, html=WIDE_CODE + WIDE_TABLE))
    renderer = Renderer()
    html = (
        renderer.article_page(issue.publication, item)
        if page == "article"
        else renderer.issue_page(replace(issue, items=(item,), content="full"))
    )

    def look(window: Window) -> tuple[int, int, list[str]]:
        # axe can't see the background of what is scrolled out of sight.
        found = [
            line
            for line in violations(window, (PHONE,))
            if "in doubt: color-contrast" not in line
        ]
        window.show(PHONE)
        return (
            window.page.evaluate("document.scrollingElement.scrollWidth"),
            window.page.evaluate(
                "[...document.querySelectorAll('.prose > *')]"
                ".filter(one => one.scrollWidth > one.clientWidth).length"
            ),
            found,
        )

    assert chromium.visit(html, look) == (PHONE, 2, [])
