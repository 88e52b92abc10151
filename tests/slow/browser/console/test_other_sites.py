"""Pages of others in Chromium, against somebody who is signed in to the console: nothing of it is done or read.

Others are a foreign site, the machine's address, another name below the console's domain, and another port of
its host. The last two are the same site to a browser: it sends them the cookie.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import flask
import pytest
from playwright.sync_api import Page, expect

from publisher.app.operation.page_servers import open_console_state
from publisher.config.web import ConsoleSettings
from publisher.web.console.application import ROUTES, create_console
from publisher.web.console.routes import Route
from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import pipeline_of
from tests.publisher.web.conftest import everything
from tests.publisher.web.console.conftest import COOKIE, begin, context_of
from tests.slow.browser.console.test_pages import serving, sign_in
from tools.browser.chromium import Chromium

HOST = "console.lantern.localhost"
EDITS = "/issues/weekly-en-2026-01-09/edits/"
# Each host, and whether a browser sends the console's cookie with its requests.
OTHERS = {
    "evil.localhost": False,
    "127.0.0.1": False,
    "evil.lantern.localhost": True,
    HOST: True,
}
PAGE = """<!DOCTYPE html><title>Eve</title><iframe name="inner"></iframe><script>
const fields = {kind: "subject", value: "Eve was here", seen: "0"};
const body = () => new URLSearchParams(fields);
const send = (url, how) => fetch(url, {method: "POST", credentials: "include", body: body(), ...how});
function form(url, target) {
  const made = document.body.appendChild(document.createElement("form"));
  Object.assign(made, {method: "post", action: url, target});
  for (const [name, value] of Object.entries(fields)) {
    made.appendChild(Object.assign(document.createElement("input"), {name, value}));
  }
  made.submit();
}
</script>"""
# What a page does, and the method of the request that arrives.
ATTACKS = {
    "a form": ("url => form(url, '_self')", "POST"),
    "a form in a frame": ("url => form(url, 'inner')", "POST"),
    "a form in another window": ("url => { window.open('', 'new'); form(url, 'new') }", "POST"),
    "fetch no-cors": ("url => { send(url, {mode: 'no-cors'}).catch(() => 0) }", "POST"),
    "fetch cors": ("url => { send(url, {mode: 'cors'}).catch(() => 0) }", "POST"),
    "fetch with a preflight": (
        "url => { send(url, {headers: {'X-Eve': 'yes'}}).catch(() => 0) }",
        "OPTIONS",
    ),
    "a beacon": ("url => { navigator.sendBeacon(url, body()) }", "POST"),
}
READ = "url => fetch(url, {credentials: 'include'}).then(() => 'read', () => 'refused')"


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that reached the console, and its answer."""

    query: str
    method: str
    path: str
    site: str | None
    origin: str | None
    referer: str | None
    has_cookie: bool
    status: int


@dataclass
class Recorder:
    """Notes the requests of an application."""

    app: Any
    seen: list[Seen] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        def start(status: str, *rest: Any) -> Any:
            one = Seen(
                query=environ["QUERY_STRING"],
                method=environ["REQUEST_METHOD"],
                path=environ["PATH_INFO"],
                site=environ.get("HTTP_SEC_FETCH_SITE"),
                origin=environ.get("HTTP_ORIGIN"),
                referer=environ.get("HTTP_REFERER"),
                has_cookie=COOKIE in environ.get("HTTP_COOKIE", ""),
                status=int(status.split(maxsplit=1)[0]),
            )
            self.seen.append(one)
            return start_response(status, *rest)

        return self.app(environ, start)

    def of(self, query: str) -> list[Seen]:
        return [one for one in self.seen if one.query == query]


@dataclass
class Target:
    """The console at its own host, the session of its editor, another site, and what reached both."""

    publication: PublicationFolder
    app: flask.Flask
    url: str
    token: str
    recorder: Recorder
    other: str
    other_recorder: Recorder

    @property
    def others_port(self) -> str:
        return self.other.rpartition(":")[2]


@contextmanager
def beside_another_site(
    publication: PublicationFolder, routes: tuple[Route, ...] = ROUTES
) -> Iterator[Target]:
    """Serve the console of a publication with an issue, and another site."""
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    pipeline_of(publication).prepare()
    other = flask.Flask("other")
    other.add_url_rule("/", view_func=lambda: PAGE)
    with open_console_state(publication.settings) as opened:
        app = create_console(context_of(publication, opened), routes)
        recorder, foreign = Recorder(app.wsgi_app), Recorder(other.wsgi_app)
        app.wsgi_app = recorder  # type: ignore[method-assign]
        other.wsgi_app = foreign  # type: ignore[method-assign]
        token = begin(publication, "administrator", None, "en", publication.clock.now())
        with serving(app) as served, serving(other) as others:
            url = served.replace("localhost", HOST)
            console = ConsoleSettings(url=url)
            publication.settings = replace(publication.settings, console=console)
            yield Target(publication, app, url, token, recorder, others, foreign)


@pytest.fixture
def target(new_publication: Callable[..., PublicationFolder]) -> Iterator[Target]:
    with beside_another_site(new_publication(languages=["en"])) as target:
        yield target


def attack(window: Page, target: Target, host: str, name: str) -> list[Seen]:
    """Let another page send something; give the requests that have reached the console."""
    script, _method = ATTACKS[name]
    query = f"{host}-{name}".replace(" ", "-")
    # In a tab of its own: the answer to a form may still be on its way to it.
    tab = window.context.new_page()
    tab.goto(f"http://{host}:{target.others_port}/")
    tab.evaluate(script, f"{target.url}{EDITS}?{query}")
    for _turn in range(600):
        if target.recorder.of(query):
            break
        window.wait_for_timeout(50)
    return target.recorder.of(query)


def read_by(window: Page, target: Target, host: str) -> tuple[str, str, str]:
    """Let another page read the console: by a request, and in a frame, whose address and words are given."""
    window.goto(f"http://{host}:{target.others_port}/")
    read = window.evaluate(READ, f"{target.url}/issues/")
    (frame,) = window.main_frame.child_frames
    with window.expect_event("framenavigated"):
        window.evaluate("url => { document.querySelector('iframe').src = url }", target.url)
    return read, frame.url, frame.inner_text("body")


@pytest.mark.parametrize("host", OTHERS)
def test_nothing_that_another_page_sends_is_done_and_nothing_is_read_by_it(
    chromium: Chromium, target: Target, host: str
) -> None:
    before = everything(target.publication)

    def look(window: Page) -> tuple[dict[str, list[Seen]], tuple[str, str, str]]:
        sign_in(window, target.token, HOST)
        sent = {name: attack(window, target, host, name) for name in ATTACKS}
        return sent, read_by(window, target, host)

    found, (read, framed, text) = chromium.browse_servers(look)
    assert read == "refused"
    assert framed.startswith("chrome-error:")
    assert "Issues" not in text
    assert everything(target.publication) == before
    site = "same-site" if OTHERS[host] else "cross-site"
    for name, requests in found.items():
        (seen,) = requests
        is_asked_first = ATTACKS[name][1] == "OPTIONS"
        assert (seen.method, seen.site) == (ATTACKS[name][1], site), name
        # A preflight has no cookie, and is answered without permission: nothing follows it.
        assert is_asked_first or seen.status == 403, name
        assert seen.has_cookie is (OTHERS[host] and not is_asked_first), name


def test_the_same_form_of_the_console_itself_is_done(
    chromium: Chromium, target: Target
) -> None:
    def look(window: Page) -> None:
        sign_in(window, target.token, HOST)
        window.goto(f"{target.url}{EDITS.removesuffix('edits/')}")
        window.fill("#subject", "Ann was here")
        window.locator("form:has(#subject) button").click()
        expect(window.get_by_role("status")).to_be_visible()

    before = everything(target.publication)
    chromium.browse_servers(look)
    after = everything(target.publication)
    assert len(after["audit_entry"]) == len(before["audit_entry"]) + 1
    (seen,) = [one for one in target.recorder.seen if one.method == "POST"]
    assert (seen.site, seen.has_cookie, seen.status) == ("same-origin", True, 303)
