"""No other site shows our pages in a frame, where it could have people press what they do not see."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page

from publisher.database import open_database
from publisher.testing import make_publication
from tests.databases import at_database
from tests.publisher.serving.web import running_web
from tests.publisher.web.console.running import running_console
from tests.slow.browser.chromium import Chromium


class OtherSite(BaseHTTPRequestHandler):
    """Shows the page that a query names in a frame, and something of its own at /own."""

    def do_GET(self) -> None:
        shown = parse_qs(urlsplit(self.path).query).get("show", [""])[0]
        text = f'<iframe src="{shown}"></iframe>' if shown else "its own"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f"<!DOCTYPE html><title>Eve</title>{text}".encode())

    def log_message(self, *_values: object) -> None:
        """Say nothing."""


@contextmanager
def other_site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), OtherSite)
    with server, ThreadPoolExecutor(1) as pool:
        running = pool.submit(server.serve_forever, 0.05)
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            running.result()


def framed(chromium: Chromium, other: str, url: str) -> tuple[str, str]:
    """Return what a frame of another site's page shows of an address: its own address, and its text."""

    def look(page: Page) -> tuple[str, str]:
        page.goto(f"{other}/?show={url}", wait_until="load")
        (frame,) = page.main_frame.child_frames
        # A page that is refused may have its address after the other one is loaded.
        while not frame.url:
            page.wait_for_timeout(50)
        return frame.url, frame.inner_text("body")

    return chromium.browse_servers(look)


def test_no_other_site_shows_a_page_in_a_frame(chromium: Chromium, tmp_path: Path) -> None:
    settings = at_database(make_publication(tmp_path / "one"))
    settings.folders.var.mkdir(exist_ok=True)
    open_database(settings.database).close()
    with (
        other_site() as other,
        running_console(settings) as console,
        running_web(settings, lambda _app, _context: None) as web,
    ):
        # A frame of a page without a policy is shown.
        assert framed(chromium, other, f"{other}/own") == (f"{other}/own", "its own")
        for url in (
            f"{console.console.url}/sign-in/",
            f"http://{web.web.address}/en/preferences/",
        ):
            found, text = framed(chromium, other, url)
            assert found.startswith("chrome-error:"), url
            assert "password" not in text.lower()
