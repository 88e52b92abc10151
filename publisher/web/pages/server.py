"""`publisher web`: subscribers' pages and the static site on one port."""

import re
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from urllib.parse import unquote, urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from publisher.app.operation.attention import find_failure
from publisher.app.operation.page_servers import open_web_state
from publisher.clock import SystemClock
from publisher.config import Settings
from publisher.errors import UsageError
from publisher.secrets import require_own_secret
from publisher.serving import LiveSite, PolledSettings, dynamic_pattern, serve_application
from publisher.web.pages.application import create_app
from publisher.web.pages.responses import WebContext
from publisher.web.security import client_address, with_health

# Requests at once among those that are not brief.
_THREADS = 16
# Seconds that requests have after SIGTERM. Threads and the writer need some more.
_GRACE_SECONDS = 3.0
# Paths of pages that read much, render articles, or may fetch a certificate.
_LONG_PATH = re.compile("/data/|/feeds/|/feedback/")
# Bytes that the server takes; pages take less (`application`). Webhooks bring whole mails.
_MAX_BODY_BYTES = 1024 * 1024


class PublicationSite:
    """Passes each request to the pages or to the static site, by its path."""

    def __init__(
        self, pages: WSGIApplication, site: WSGIApplication, context: WebContext
    ) -> None:
        self._pages = pages
        self._site = site
        self._current_settings = context.current_settings
        self._reads_a_file = context.database.path is not None
        self._pattern: tuple[Settings | None, re.Pattern[str]] = None, re.compile("")

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        settings = self._current_settings()
        path = str(environ.get("PATH_INFO", ""))
        found = self._compiled(settings).fullmatch(path)
        if found is None:
            return self._site(environ, start_response)
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = found["root"], found["path"]
        environ["wsgi.url_scheme"] = urlsplit(settings.publication.url).scheme
        environ["REMOTE_ADDR"] = client_address(
            str(environ.get("REMOTE_ADDR", "")),
            str(environ.get("HTTP_X_FORWARDED_FOR", "")),
            settings.web.trusted_proxies,
        )
        return self._pages(environ, start_response)

    def is_brief(self, path: str) -> bool:
        """Whether a request is about a few rows, and never blocks its thread.

        A server of a database may keep a page waiting, and so may a publication's own templates,
        which run in another process.
        """
        if not self._reads_a_file or _LONG_PATH.search(path):
            return False
        settings = self._current_settings()
        is_page = self._compiled(settings).fullmatch(path) is not None
        return is_page and not settings.folders.templates.exists()

    def _compiled(self, settings: Settings) -> re.Pattern[str]:
        known, pattern = self._pattern
        if known is not settings:
            # WSGI has the bytes of a path as latin-1.
            root = unquote(urlsplit(settings.publication.url).path).encode().decode("latin-1")
            dynamic = dynamic_pattern(settings) or "(?!)"
            pattern = re.compile(f"(?s)(?P<root>{re.escape(root)})(?P<path>/(?:{dynamic}))")
            self._pattern = settings, pattern
        return pattern


def serve_web(
    settings: Settings,
    host: str | None = None,
    port: int | None = None,
    ready: Callable[[str, int], None] = lambda _host, _port: None,
) -> None:
    """Serve subscribers' pages and `public/` until SIGTERM or SIGINT, beside a running service.

    `host` and `port` replace those of the settings. Raise UsageError if the pages are switched off,
    DatabaseError if the service has not made the database yet, and what `serve_application` raises.
    """
    if not settings.web.enabled:
        raise UsageError("web.enabled is false, so there are no pages to serve; set it to true")
    host = settings.web.host if host is None else host
    require_own_secret(settings, host)
    with open_web_state(settings) as state, closing(PolledSettings(settings)) as polled:
        context = WebContext(
            polled.current,
            state.database,
            state.writer,
            state.renderer,
            state.secret,
            SystemClock(),
            state.limits,
            frozenset({host.strip("[]")}),
        )
        site = PublicationSite(create_app(context), LiveSite(polled.current), context)
        serve_application(
            with_health(site, partial(find_failure, state.database, settings)),
            host,
            settings.web.port if port is None else port,
            ready,
            threads=_THREADS,
            max_body_bytes=_MAX_BODY_BYTES,
            grace=_GRACE_SECONDS,
            is_brief=site.is_brief,
        )
