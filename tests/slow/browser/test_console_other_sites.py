"""Pages of others in Chromium, against somebody who is signed in to the console: nothing of it is done or read.

Others are a foreign site, the machine's address, another name below the console's domain, and another port of
its host. The last two are the same site to a browser: it sends them the cookie.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import flask
import pytest
from playwright.sync_api import Page, expect

from publisher.app.console_state import open_console_state
from publisher.config.console import ConsoleSettings
from publisher.web.console.application import create_console
from publisher.web.console.context import ConsoleContext
from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import pipeline_of
from tests.publisher.web.console.conftest import COOKIE, begin
from tests.publisher.web.test_every_route import everything
from tests.slow.browser.chromium import Chromium
from tests.slow.browser.test_console_pages import serving

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
    site: str
    has_cookie: bool
    status: int


@dataclass
class Recorder:
    """Notes the requests of an application."""

    app: Any
    seen: list[Seen] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        def start(status: str, *rest: Any) -> Any:
            site = environ.get("HTTP_SEC_FETCH_SITE", "")
            has_cookie = COOKIE in environ.get("HTTP_COOKIE", "")
            facts = environ["QUERY_STRING"], environ["REQUEST_METHOD"], site, has_cookie
            self.seen.append(Seen(*facts, int(status.split(maxsplit=1)[0])))
            return start_response(status, *rest)

        return self.app(environ, start)

    def of(self, query: str) -> list[Seen]:
        return [one for one in self.seen if one.query == query]


@dataclass
class Target:
    """The console, what reached it, and the session of its editor."""

    publication: PublicationFolder
    url: str
    recorder: Recorder
    token: str
    others_port: str

    def sign_in(self, window: Page) -> None:
        cookie: Any = {"name": COOKIE, "value": self.token, "url": f"https://{HOST}/"}
        rules = {"secure": True, "httpOnly": True, "sameSite": "Lax"}
        window.context.add_cookies([cookie | rules])


@pytest.fixture
def target(new_publication: Callable[..., PublicationFolder]) -> Iterator[Target]:
    publication = new_publication(languages=["en"])
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    pipeline_of(publication).prepare()
    other = flask.Flask("other")
    other.add_url_rule("/", view_func=lambda: PAGE)
    with open_console_state(publication.settings) as opened:
        settings = publication.settings
        context = ConsoleContext(
            current_settings=lambda: settings, opened=opened, clock=publication.clock
        )
        app = create_console(context)
        recorder = Recorder(app.wsgi_app)
        app.wsgi_app = recorder  # type: ignore[method-assign]
        token = begin(publication, "administrator", None, "en", publication.clock.now())
        with serving(app) as served, serving(other) as others:
            url = served.replace("localhost", HOST)
            settings = replace(settings, console=ConsoleSettings(url=url))
            yield Target(publication, url, recorder, token, others.rpartition(":")[2])


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


@pytest.mark.parametrize("host", OTHERS)
def test_nothing_that_another_page_sends_is_done(
    chromium: Chromium, target: Target, host: str
) -> None:
    before = everything(target.publication)

    def look(window: Page) -> dict[str, list[Seen]]:
        target.sign_in(window)
        return {name: attack(window, target, host, name) for name in ATTACKS}

    found = chromium.browse_servers(look)
    assert everything(target.publication) == before
    site = "same-site" if OTHERS[host] else "cross-site"
    for name, requests in found.items():
        (seen,) = requests
        is_asked_first = ATTACKS[name][1] == "OPTIONS"
        assert (seen.method, seen.site) == (ATTACKS[name][1], site), name
        # A preflight has no cookie, and is answered without permission: nothing follows it.
        assert is_asked_first or seen.status == 403, name
        assert seen.has_cookie is (OTHERS[host] and not is_asked_first), name


@pytest.mark.parametrize("host", OTHERS)
def test_nothing_is_read_by_another_page(chromium: Chromium, target: Target, host: str) -> None:
    def look(window: Page) -> tuple[str, str, str]:
        target.sign_in(window)
        window.goto(f"http://{host}:{target.others_port}/")
        read = window.evaluate(READ, f"{target.url}/issues/")
        (frame,) = window.main_frame.child_frames
        with window.expect_event("framenavigated"):
            window.evaluate("url => { document.querySelector('iframe').src = url }", target.url)
        return read, frame.url, frame.inner_text("body")

    read, framed, text = chromium.browse_servers(look)
    assert read == "refused"
    assert framed.startswith("chrome-error:")
    assert "Issues" not in text


def test_the_same_form_of_the_console_itself_is_done(
    chromium: Chromium, target: Target
) -> None:
    def look(window: Page) -> None:
        target.sign_in(window)
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
