"""Chromium, driven by Playwright: mails are opened in it as in a mail program.

One browser per process of tests, in a thread of its own. Every request is answered from the
publication's folder or refused, and noted: nothing reaches a network. Knows no check.
"""

import mimetypes
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeVar
from urllib.parse import unquote, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Locator, Page, Route, expect, sync_playwright

# The first one draws nothing on a screen, and takes half of the others' CPU time.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser")
MISSING = "no Chromium; on Debian: apt-get install chromium-headless-shell fonts-noto-core fonts-noto-cjk"

# The mail itself comes from the mail program, not from the publication.
INBOX = "https://inbox.example.net/mail"

# CSS pixels; wider than mails, so that their rules for phones don't apply.
WIDE = 800

# Header fields of a request that an application gets.
_PASSED_ON = ("content-type", "origin")

# Milliseconds that `expect` waits for what a page does, on a machine that is busy with other tests.
_PATIENCE = 120_000

# A device that makes passkeys, and shows them when it is asked (WebAuthn.addVirtualAuthenticator).
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}

Scheme = Literal["light", "dark"]
Found = TypeVar("Found")


def find_chromium() -> str | None:
    """Give the path of this machine's Chromium."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What stands behind the publication's addresses: its `url`, and the folder served there."""

    url: str
    public: Path

    def file(self, url: str) -> Path | None:
        """Give the file behind an address; None for any other's and for what is not there."""
        if not url.startswith(f"{self.url}/"):
            return None
        path = self.public / unquote(urlsplit(url.removeprefix(f"{self.url}/")).path)
        return path if path.is_file() else None


@dataclass(slots=True)
class Window:
    """A mail that was opened; `asked` are the addresses that it asked for, itself left out."""

    page: Page
    asked: list[str] = field(default_factory=list)

    def show(self, width: int, scheme: Scheme = "light") -> None:
        """Make the window so wide, in CSS pixels, and its reader's system light or dark."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=scheme)


def drop_style_blocks(window: Window) -> None:
    """Do what some mail programs do: throw away the style sheets in the head."""
    window.page.evaluate("document.querySelectorAll('style').forEach((one) => one.remove())")


def press(control: Locator) -> None:
    """Press what leads to another page, and wait until that page is loaded.

    A click alone returns when the answer begins: what is read then may be half a page.
    """
    with control.page.expect_navigation():
        control.click()


class Chromium:
    """A running Chromium with one window; `with` starts it and ends it."""

    def __init__(self, program: str) -> None:
        self._program = program
        # Playwright leaves an event loop running in the thread that it is used from, and
        # tests that need one of their own would trip over it.
        self._thread = ThreadPoolExecutor(max_workers=1)

    def __enter__(self) -> Self:
        self._thread.submit(self._start).result()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._thread.submit(self._end).result()
        self._thread.shutdown()

    def _start(self) -> None:
        expect.set_options(timeout=_PATIENCE)
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(executable_path=self._program)
        self._page = self._browser.new_page()

    def _end(self) -> None:
        self._browser.close()
        self._playwright.stop()

    def visit(
        self, html: str, look: Callable[[Window], Found], *, site: Site | None = None
    ) -> Found:
        """Open a mail, and give what `look` finds in it; without a `site` it has no pictures."""
        return self._thread.submit(self._visit, html, look, site).result()

    def browse(
        self, app: Flask, look: Callable[[Page], Found], *, files: Path | None = None
    ) -> Found:
        """Give what `look` finds on a page whose requests a WSGI application answers.

        What it does not know is looked for in the folder `files`.
        """
        return self._thread.submit(self._browse, app, look, files).result()

    def _browse(self, app: Flask, look: Callable[[Page], Found], files: Path | None) -> Found:
        context = self._browser.new_context(bypass_csp=True)
        context.route("**/*", partial(_ask, app.test_client(), files))
        try:
            return look(context.new_page())
        finally:
            context.close()

    def browse_servers(self, look: Callable[[Page], Found], *, scripts: bool = True) -> Found:
        """Give what `look` finds in a window without memory, which may ask servers of this machine."""
        return self._thread.submit(self._browse_servers, look, scripts=scripts).result()

    def _browse_servers(self, look: Callable[[Page], Found], *, scripts: bool) -> Found:
        context = self._browser.new_context(java_script_enabled=scripts)
        try:
            return look(context.new_page())
        finally:
            context.close()

    def _visit(self, html: str, look: Callable[[Window], Found], site: Site | None) -> Found:
        window = Window(self._page)

        def answer(route: Route) -> None:
            if route.request.url == INBOX:
                # What the mail is has to be plain from its bytes, not from where they come from.
                route.fulfill(body=html, content_type="text/html; charset=utf-8")
            else:
                window.asked.append(route.request.url)
                _answer(route, site)

        # While there are routes, Chromium keeps nothing in its cache: each mail asks anew.
        self._page.route("**/*", answer)
        try:
            window.show(WIDE)
            self._page.goto(INBOX)
            return look(window)
        finally:
            self._page.unroute_all(behavior="wait")


def _ask(client: FlaskClient, files: Path | None, route: Route) -> None:
    """Answer a request by an application, else by a file. Chromium asks nobody else."""
    asked = route.request
    target = urlsplit(asked.url)
    host = {"HTTP_HOST": target.netloc}
    response = client.open(
        f"{target.path}?{target.query}",
        method=asked.method,
        data=asked.post_data_buffer,
        headers={name: asked.headers.get(name, "") for name in _PASSED_ON},
        environ_base=host,
    )
    # Playwright would look for the host of a redirect's target.
    while 300 <= response.status_code < 400:
        target = urlsplit(response.headers["Location"])
        response = client.get(f"{target.path}?{target.query}", environ_base=host)
    file = files and files / target.path.strip("/") / "index.html"
    if response.status_code == HTTPStatus.NOT_FOUND and file and file.is_file():
        route.fulfill(body=file.read_bytes(), content_type="text/html; charset=utf-8")
        return
    route.fulfill(
        status=response.status_code, headers=dict(response.headers), body=response.data
    )


def _answer(route: Route, site: Site | None) -> None:
    file = site.file(route.request.url) if site else None
    if file is None or route.request.resource_type != "image":
        route.abort()
    else:
        route.fulfill(body=file.read_bytes(), content_type=mimetypes.guess_type(file.name)[0])
