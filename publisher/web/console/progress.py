"""The counts of an issue that is being sent, for many people who look every two seconds.

The page's part with the counts is rendered once for all of them, in each language. A browser that was
let in gets it for `_PERMITTED` without another look at its session and account: those cost more than the
counts. Every other page of the console looks at each request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import flask
from werkzeug.http import parse_cookie

from publisher.app.sending_status import SendingStatus, SendingWatch
from publisher.errors import PublisherError
from publisher.web.console.cookies import CONSOLE_COOKIE
from publisher.web.security import SAFE_METHODS

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from publisher.config import Settings
    from publisher.web.console.context import ConsoleContext, ConsoleRequest

# For everybody who looks at this process's pages.
watch = SendingWatch()
# By issue and language of the page: the counts and settings that it shows, and its HTML.
_shown: dict[tuple[str, str], tuple[tuple[SendingStatus, ...], Settings, bytes]] = {}
_MAX_SHOWN = 100
_PATH = re.compile(r"/issues/([^/]+)/sending/progress/")
# How much later than elsewhere a session that was ended by another process counts as ended.
_PERMITTED = timedelta(seconds=20)
# Browsers that are remembered.
_MAX_PERMITTED = 1000


def progress_values(looks: tuple[SendingStatus, ...], issue: str) -> dict[str, Any]:
    """Return what templates show of an issue in all its languages."""
    return {
        "looks": looks,
        "look": next(one for one in looks if one.name == issue),
        "is_changing": any(one.is_changing for one in looks),
    }


def sending_progress(request: ConsoleRequest, issue: str) -> flask.Response:
    """Return the part of the page that is fetched every two seconds."""
    looks = watch.look_at_group(request.state, issue)
    shown = _shown_html(looks, request.settings, issue, request.language)
    if shown is None:
        page = request.page("sending_progress.html", **progress_values(looks, issue))
        if len(_shown) >= _MAX_SHOWN:
            _shown.clear()
        shown = page.get_data()
        _shown[issue, request.language] = looks, request.settings, shown
    response = flask.Response(shown, mimetype="text/html")
    response.headers["Content-Language"] = request.language
    return response


def _shown_html(
    looks: tuple[SendingStatus, ...], settings: Settings, issue: str, language: str
) -> bytes | None:
    """Return the HTML with certain counts, if it was rendered before."""
    shown = _shown.get((issue, language))
    # The counts of a moment are the same objects, so that comparing them takes no time.
    is_same = shown is not None and shown[0] == looks and shown[1] is settings
    return shown[2] if shown is not None and is_same else None


class _Permitted(NamedTuple):
    """A browser that was let in: until when, and the header fields of its answer."""

    until: datetime
    language: str
    fields: list[tuple[str, str]]


class RepeatedProgress:
    """Passes requests to the pages, but answers a repeated one for counts by itself."""

    def __init__(self, pages: WSGIApplication, context: ConsoleContext) -> None:
        self._pages = pages
        self._context = context
        self._permitted: dict[tuple[str, ...], _Permitted] = {}
        # How often it was emptied: who was let in before that is asked again.
        self._emptied = 0

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        asked = _PATH.fullmatch(str(environ.get("PATH_INFO", "")))
        if asked is None or environ["REQUEST_METHOD"] != "GET" or environ.get("QUERY_STRING"):
            return self._pass_on(environ, start_response)
        browser = _browser(environ)
        repeated = self._repeat(browser, asked[1])
        if repeated is None:
            return self._pages(environ, self._remembering(browser, start_response))
        html, fields = repeated
        start_response("200 OK", fields)
        return [html]

    def _pass_on(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        try:
            return self._pages(environ, start_response)
        finally:
            # Somebody has signed out, or lost a role.
            if environ["REQUEST_METHOD"] not in SAFE_METHODS:
                self._emptied += 1
                self._permitted.clear()

    def _repeat(
        self, browser: tuple[str, ...], issue: str
    ) -> tuple[bytes, list[tuple[str, str]]] | None:
        """Return HTML and header fields for a browser that was let in, unless they have to be made."""
        permitted = self._permitted.get(browser)
        now = self._context.clock.now()
        if permitted is None or not permitted.until - _PERMITTED <= now < permitted.until:
            return None
        settings = self._context.current_settings()
        try:
            looks = watch.look_at_group(self._context.state(settings, may_write=False), issue)
        except PublisherError:  # the pages have words for it
            return None
        html = _shown_html(looks, settings, issue, permitted.language)
        if html is None:
            return None
        return html, [*permitted.fields, ("Content-Length", str(len(html)))]

    def _remembering(
        self, browser: tuple[str, ...], start_response: StartResponse
    ) -> Callable[..., Any]:
        """Return a function that remembers the browser of an answer with counts."""
        emptied = self._emptied

        def start(status: str, fields: list[tuple[str, str]], *rest: Any) -> Any:
            if status.startswith("200 ") and emptied == self._emptied:
                self._remember(browser, fields)
            return start_response(status, fields, *rest)

        return start

    def _remember(self, browser: tuple[str, ...], fields: list[tuple[str, str]]) -> None:
        language = next((value for name, value in fields if name == "Content-Language"), "")
        kept = [one for one in fields if one[0] != "Content-Length"]
        if len(self._permitted) >= _MAX_PERMITTED:
            self._permitted.clear()
        until = self._context.clock.now() + _PERMITTED
        self._permitted[browser] = _Permitted(until, language, kept)


def _browser(environ: WSGIEnvironment) -> tuple[str, ...]:
    """Return what an answer depends on: host, path and session."""
    cookies = parse_cookie(str(environ.get("HTTP_COOKIE", "")))
    host, path = str(environ.get("HTTP_HOST", "")), str(environ["PATH_INFO"])
    return host, path, cookies.get(CONSOLE_COOKIE, "")
