"""What hostile mails can do in the console's previews, in a real browser: nothing."""

from collections.abc import Callable, Iterator
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from playwright.sync_api import Page
from sqlalchemy import update

from publisher.app.operation.page_servers import open_console_state
from publisher.issues.tables import digest_table
from publisher.web.console.application import create_console
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of
from tests.publisher.web.console.conftest import begin, context_of
from tests.slow.browser.console.test_pages import serving, sign_in
from tools.browser.chromium import Chromium

ISSUE = "weekly-en-2026-01-09"
# Each asks another server for something, sends something there, or changes the page around it.
HOSTILE = """<!DOCTYPE html><html><head>
<base href="{evil}/base/">
<meta http-equiv="refresh" content="0;url={evil}/refresh">
<link rel="stylesheet" href="{evil}/sheet.css">
<link rel="icon" href="{evil}/icon.png">
<link rel="preload" as="image" href="{evil}/preload.png">
<style>@import "{evil}/import.css"; @font-face {{ font-family:x; src:url({evil}/font.woff) }}
body {{ background:url({evil}/background.png); font-family:x }}</style>
<script>top.document.title = "taken"; fetch("{evil}/fetch"); location = "{evil}/location"</script>
</head><body background="{evil}/attribute.png" onload="fetch('{evil}/onload')">
<p id="words">Words of a hostile mail.</p>
<img src="{evil}/image.png" onerror="fetch('{evil}/onerror')">
<svg onload="fetch('{evil}/svg')"><image href="{evil}/svg.png"/><script>fetch("{evil}/in-svg")</script></svg>
<video src="{evil}/video.mp4" poster="{evil}/poster.png" autoplay></video>
<iframe src="{evil}/frame"></iframe><object data="{evil}/object"></object><embed src="{evil}/embed">
<form action="{evil}/form" method="post"><input name="a" autofocus onfocus="form.submit()"></form>
<a id="link" href="{evil}/link" target="_top">A link</a> <a id="inner" href="{evil}/inner">Another</a>
</body></html>"""
PLAIN = HOSTILE.replace("location = ", "void ").replace('content="0;url=', 'content="9;url=')


class OtherSite:
    """A server that notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        self.asked.append(str(environ["PATH_INFO"]))
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"asked"]


@pytest.fixture
def other() -> OtherSite:
    return OtherSite()


@pytest.fixture
def hostile(
    new_publication: Callable[..., PublicationFolder], other: OtherSite
) -> Iterator[tuple[str, str, str]]:
    """Serve the console with a hostile issue: its address, the other site's, and a session."""
    publication = new_publication(languages=["en"])
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    subscribe(publication, ("ann@example.com", "en"))
    pipeline_of(publication).prepare()
    token = begin(publication, "administrator", None, "en", publication.clock.now())
    with serving(other) as others, open_console_state(publication.settings) as opened:
        # Another host to a browser, and so another site.
        evil = others.replace("localhost", "127.0.0.1")
        html = HOSTILE.format(evil=evil)
        with publication.database.writing() as connection:
            subject = "<script>top.document.title = 'taken'</script>"
            connection.execute(
                update(digest_table).values(html=html, page=html, subject=subject)
            )
        with serving(create_console(context_of(publication, opened))) as console:
            yield console, evil, token


def test_a_hostile_mail_runs_nothing_and_asks_nobody(
    chromium: Chromium, hostile: tuple[str, str, str], other: OtherSite
) -> None:
    console, _evil, token = hostile

    def look(page: Page) -> list[str]:
        sign_in(page, token)
        dialogs: list[str] = []
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        for choice in ("look=light", "look=dark&width=window", "look=inverted", "show=page"):
            address = f"{console}/issues/{ISSUE}/preview/?{choice}"
            page.goto(address)
            title = page.title()
            (frame,) = page.locator("iframe").all()
            inside = frame.content_frame
            inside.locator("#words").wait_for()
            # Clicks reach links, which lead nowhere; keys reach the form.
            inside.locator("#link").click()
            inside.locator("#inner").click()
            page.wait_for_load_state("networkidle")
            assert (page.title(), page.url) == (title, address)
            assert "Words" not in page.inner_text("main")
            assert "<script>top" in page.inner_text("main")
        return dialogs

    assert chromium.browse_servers(look) == []
    # What the policies refuse, Chromium asks nobody for.
    assert other.asked == []


def test_the_same_mail_in_a_page_of_its_own_does_ask(
    chromium: Chromium, hostile: tuple[str, str, str], other: OtherSite
) -> None:
    _console, evil, _token = hostile

    def look(page: Page) -> None:
        page.set_content(PLAIN.format(evil=evil))
        page.wait_for_load_state("networkidle")

    chromium.browse_servers(look)
    assert {"/sheet.css", "/import.css", "/background.png", "/svg.png"} <= {*other.asked}
