"""What Chromium says of where each form of the console comes from, and what it tells other sites."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import flask
import pytest
from playwright.sync_api import Page

from publisher.web.console.application import ROUTES
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.web.console.conftest import browser
from tests.publisher.web.console.test_every_console_route import path_of
from tests.sizes import by_lane
from tests.slow.browser.console.test_other_sites import HOST, Target, beside_another_site
from tests.slow.browser.console.test_pages import sign_in
from tools.browser.chromium import Chromium

FORMS = 'form[method="post"]'
SUBMIT = f"number => document.querySelectorAll('{FORMS}')[number].submit()"
LEAVE = """url => {
  const link = document.body.appendChild(document.createElement("a"));
  link.href = url;
  link.click();
}"""


def _done(_request: object, **_parts: object) -> flask.Response:
    """Answer a form so that its page stays, and nothing is changed."""
    return flask.Response(status=204)


# Pages are the real ones; what forms lead to only says that they were let in.
SHOWING = tuple(one if "GET" in one.methods else replace(one, view=_done) for one in ROUTES)


@pytest.fixture
def target(new_publication: Callable[..., PublicationFolder]) -> Iterator[Target]:
    publication = new_publication(languages=["en"])
    (publication.settings.folders.root / "people.toml").write_text('[ann]\nname = "Ann"\n')
    subscribe(publication, ("ann@example.com", "en"))
    with beside_another_site(publication, SHOWING) as target:
        yield target


def _pages_with_forms(target: Target) -> Iterator[str]:
    client = browser(target.app, target.token)
    client.environ_base["HTTP_HOST"] = urlsplit(target.url).netloc
    for route in ROUTES:
        path = path_of(route, "en", {"number": "1", "key": "ann", "name": "weekly"})
        if "GET" not in route.methods:
            continue
        answer = client.get(path)
        if answer.mimetype == "text/html" and 'method="post"' in answer.text:
            yield path
        answer.close()


def _send_and_leave(window: Page, target: Target, path: str) -> int:
    """Send each form of a page, and follow a link of it to another site; give how many forms there are."""
    # In tabs of their own: an answer without a page ends a navigation, and might end the next one.
    with window.context.new_page() as tab:
        tab.goto(f"{target.url}{path}")
        forms = tab.locator(FORMS).count()
        for number in range(forms):
            with tab.expect_response(lambda one: one.request.method == "POST") as found:
                tab.evaluate(SUBMIT, number)
            assert found.value.status == 204, (path, number)
    with window.context.new_page() as tab:
        tab.goto(f"{target.url}{path}")
        tab.evaluate(LEAVE, f"{target.other}/")
        tab.wait_for_url(f"{target.other}/")
    return forms


def test_each_form_names_its_origin_and_no_page_tells_another_site_where_one_was(
    chromium: Chromium, target: Target
) -> None:
    pages = [*_pages_with_forms(target)][:: by_lane(3, 1)]

    def look(window: Page) -> int:
        sign_in(window, target.token, HOST)
        return sum(_send_and_leave(window, target, path) for path in pages)

    sent = chromium.browse_servers(look)
    posted = [one for one in target.recorder.seen if one.method == "POST"]
    assert len(posted) >= sent > len(pages) > by_lane(6, 20)
    assert {one.origin for one in posted} == {target.url}
    assert {one.site for one in posted} == {"same-origin"}
    # Within the console a page names the one before; nobody else is told.
    referers = {one.referer for one in target.recorder.seen} - {None}
    assert [one for one in referers if one and not one.startswith(f"{target.url}/")] == []
    visits = [one for one in target.other_recorder.seen if one.path == "/"]
    assert len(visits) == len(pages)
    assert {one.referer for one in visits} == {None}
