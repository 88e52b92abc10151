"""What Chromium says of where each form of the console comes from, and what it tells other sites."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import flask
import pytest
from playwright.sync_api import Page

from publisher.app.console_state import open_console_state
from publisher.config.console import ConsoleSettings
from publisher.web.console.application import ROUTES, create_console
from publisher.web.console.context import ConsoleContext
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of
from tests.publisher.web.console.conftest import COOKIE, begin, browser
from tests.publisher.web.console.test_every_console_route import path_of
from tests.slow.browser.chromium import Chromium
from tests.slow.browser.test_console_other_sites import HOST
from tests.slow.browser.test_console_pages import serving

FORMS = 'form[method="post"]'
SUBMIT = f"number => document.querySelectorAll('{FORMS}')[number].submit()"
LEAVE = """url => {
  const link = document.body.appendChild(document.createElement("a"));
  link.href = url;
  link.click();
}"""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived."""

    method: str
    path: str
    origin: str | None
    site: str | None
    referer: str | None


@dataclass
class Recorder:
    """Notes the requests of an application."""

    app: Any
    seen: list[Request] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        names = ("HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE", "HTTP_REFERER")
        facts = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.seen.append(Request(*facts, *map(environ.get, names)))
        return self.app(environ, start_response)


def _done(_request: object, **_parts: object) -> flask.Response:
    """Answer a form so that its page stays, and nothing is changed."""
    return flask.Response(status=204)


# Pages are the real ones; what forms lead to only says that they were let in.
SHOWING = tuple(one if "GET" in one.methods else replace(one, view=_done) for one in ROUTES)


@dataclass
class Target:
    """The console at its own host, its pages with forms, another site, and what reached both."""

    url: str
    token: str
    pages: list[str]
    seen: list[Request]
    other: str
    seen_by_other: list[Request]

    def sign_in(self, window: Page) -> None:
        cookie: Any = {"name": COOKIE, "value": self.token, "url": f"https://{HOST}/"}
        rules = {"secure": True, "httpOnly": True, "sameSite": "Lax"}
        window.context.add_cookies([cookie | rules])


@pytest.fixture
def target(new_publication: Callable[..., PublicationFolder]) -> Iterator[Target]:
    publication = new_publication(languages=["en"])
    (publication.settings.folders.root / "people.toml").write_text('[ann]\nname = "Ann"\n')
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    subscribe(publication, ("ann@example.com", "en"))
    pipeline_of(publication).prepare()
    other = flask.Flask("other")
    other.add_url_rule("/", view_func=lambda: "<!DOCTYPE html><title>Eve</title>")
    with open_console_state(publication.settings) as opened:
        settings = publication.settings
        context = ConsoleContext(
            current_settings=lambda: settings, opened=opened, clock=publication.clock
        )
        app = create_console(context, SHOWING)
        token = begin(publication, "administrator", None, "en", publication.clock.now())
        pages = [*_pages_with_forms(app, token)]
        recorder, foreign = Recorder(app.wsgi_app), Recorder(other.wsgi_app)
        app.wsgi_app = recorder  # type: ignore[method-assign]
        other.wsgi_app = foreign  # type: ignore[method-assign]
        with serving(app) as served, serving(other) as others:
            url = served.replace("localhost", HOST)
            settings = replace(settings, console=ConsoleSettings(url=url))
            yield Target(url, token, pages, recorder.seen, others, foreign.seen)


def _pages_with_forms(app: flask.Flask, token: str) -> Iterator[str]:
    client = browser(app, token)
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
    def look(window: Page) -> int:
        target.sign_in(window)
        return sum(_send_and_leave(window, target, path) for path in target.pages)

    sent = chromium.browse_servers(look)
    posted = [one for one in target.seen if one.method == "POST"]
    assert len(posted) >= sent > len(target.pages) > 20
    assert {one.origin for one in posted} == {target.url}
    assert {one.site for one in posted} == {"same-origin"}
    # Within the console a page names the one before; nobody else is told.
    referers = {one.referer for one in target.seen} - {None}
    assert [one for one in referers if one and not one.startswith(f"{target.url}/")] == []
    visits = [one for one in target.seen_by_other if one.path == "/"]
    assert len(visits) == len(target.pages)
    assert {one.referer for one in visits} == {None}
