"""What Chromium says of where a form comes from, and which forms are accepted."""

import json
from collections.abc import Iterator
from pathlib import Path

import flask
import pytest
from playwright.sync_api import Page

from publisher.database import open_database
from publisher.testing import make_publication
from publisher.web.context import WebContext
from publisher.web.responses import render_page
from publisher.web.security import OriginCheck, origin_check
from tests.databases import at_database
from tests.publisher.serving.web import running_web
from tests.slow.browser.chromium import Chromium

FORM = '<form method="post" action="{action}"><button>Send</button></form>'
CHECKS = {
    "token": OriginCheck.TOKEN,
    "cookie": OriginCheck.COOKIE,
    "exempt": OriginCheck.EXEMPT,
}


def add_forms(app: flask.Flask, context: WebContext) -> None:
    """Add a page with a form, whose answer is what the browser sent along."""

    @app.get("/-/test/")
    def page() -> flask.Response:
        target = flask.request.args["to"]
        answer = render_page(context, "en", "web/subscriber/error.html", kind=400, number="")
        html = answer.get_data(as_text=True)
        answer.set_data(html.replace("</main>", FORM.format(action=target) + "</main>"))
        if "elsewhere" in flask.request.args:
            # Another site has a policy of its own.
            answer.headers["Content-Security-Policy"] = "default-src 'none'"
        return answer

    for name, check in CHECKS.items():

        @app.post(f"/-/test/{name}", endpoint=name)
        @origin_check(check)
        def sent() -> dict[str, str | None]:
            fields = ("Origin", "Sec-Fetch-Site", "Referer", "Cookie")
            return {field: flask.request.headers.get(field) for field in fields}


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    settings = at_database(make_publication(tmp_path / "one"))
    open_database(settings.database).close()
    with running_web(settings, add_forms) as settings:
        yield settings.web.address


def send(chromium: Chromium, page_url: str) -> tuple[int, str]:
    """Open a page and press its button; return status and text of the answer."""

    def press(page: Page) -> tuple[int, str]:
        page.goto(page_url)
        with page.expect_navigation() as answered:
            page.click("button")
        assert answered.value is not None
        return answered.value.status, page.inner_text("body")

    return chromium.browse_servers(press)


@pytest.mark.parametrize("kind", CHECKS)
def test_own_forms_name_their_origin_and_are_accepted(
    chromium: Chromium, address: str, kind: str
) -> None:
    status, text = send(chromium, f"http://{address}/-/test/?to=/-/test/{kind}")
    assert status == 200
    sent = json.loads(text)
    assert sent["Origin"] == f"http://{address}"
    assert sent["Sec-Fetch-Site"] == "same-origin"
    assert sent["Cookie"] is None


@pytest.mark.parametrize(("kind", "status"), [("token", 403), ("cookie", 403), ("exempt", 200)])
def test_forms_of_another_site_are_refused_and_get_no_referrer(
    chromium: Chromium, address: str, kind: str, status: int
) -> None:
    # The same server under another name is another site to a browser.
    port = address.rpartition(":")[2]
    page = f"http://localhost:{port}/-/test/?elsewhere=1&to=http://{address}/-/test/{kind}"
    found, text = send(chromium, page)
    assert found == status
    if status == 200:
        sent = json.loads(text)
        assert sent["Sec-Fetch-Site"] == "cross-site"
        assert sent["Referer"] is None
