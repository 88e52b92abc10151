"""Subscribers' pages and the static site on one port."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from threading import Lock
from urllib.parse import unquote, urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from publisher.app.operation.page_servers import find_failure, open_web_state
from publisher.clock import SystemClock
from publisher.config import Settings
from publisher.errors import UsageError
from publisher.secrets import require_own_secret
from publisher.serving.headers import dynamic_pattern
from publisher.serving.static_site import StaticSite
from publisher.web.wsgi import name_client, with_health


class PublicationSite:
    """Passes each request to the pages or to the static site, by its path."""

    def __init__(
        self,
        pages: Callable[[], WSGIApplication],
        site: WSGIApplication,
        current_settings: Callable[[], Settings],
    ) -> None:
        """`pages` is called at the first request for one, since it loads Flask."""
        self._pages = cache(pages)
        # All that wait after a start would make pages of their own.
        self._making = Lock()
        self._site = site
        self._current_settings = current_settings
        self._pattern: tuple[Settings | None, re.Pattern[str]] = None, re.compile("")

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        settings = self._current_settings()
        path = str(environ.get("PATH_INFO", ""))
        page = self._compiled(settings).fullmatch(path)
        if page is None:
            return self._site(environ, start_response)
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = page["root"], page["path"]
        name_client(environ, settings.publication.url, settings.web.trusted_proxies)
        with self._making:
            pages = self._pages()
        return pages(environ, start_response)

    def _compiled(self, settings: Settings) -> re.Pattern[str]:
        compiled_for, pattern = self._pattern
        if compiled_for is not settings:
            # WSGI has the bytes of a path as latin-1.
            root = unquote(urlsplit(settings.publication.url).path).encode().decode("latin-1")
            dynamic = dynamic_pattern(settings) or "(?!)"
            pattern = re.compile(f"(?s)(?P<root>{re.escape(root)})(?P<path>/(?:{dynamic}))")
            self._pattern = settings, pattern
        return pattern


@contextmanager
def open_pages(
    settings: Settings, current_settings: Callable[[], Settings], host: str
) -> Iterator[WSGIApplication]:
    """Open pages and `public/`, reached as `host`. Raise UsageError if they are off, DatabaseError without a database."""
    if not settings.web.enabled:
        raise UsageError("web.enabled is false, so there are no pages to serve; set it to true")
    require_own_secret(settings, host)
    with open_web_state(settings) as state:
        hosts = frozenset({host.strip("[]")})

        def pages() -> WSGIApplication:
            from publisher.web.pages.application import create_app
            from publisher.web.pages.responses import WebContext

            return create_app(WebContext(current_settings, state, SystemClock(), hosts))

        site = PublicationSite(pages, StaticSite(current_settings), current_settings)
        yield with_health(site, partial(find_failure, state.database, settings))
