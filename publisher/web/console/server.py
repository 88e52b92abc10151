"""`publisher console`: the editors' console, in a process of its own."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from publisher.app.console_state import open_console_state
from publisher.clock import SystemClock
from publisher.errors import UsageError
from publisher.serving import PolledSettings, serve_application
from publisher.web.api.application import create_api
from publisher.web.api.context import ApiContext
from publisher.web.console.application import create_console
from publisher.web.console.context import ConsoleContext
from publisher.web.proxies import client_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from publisher.config import Settings

# Requests at once. Editors are few, and some pages are rendered for seconds.
_THREADS = 8
# Seconds that requests have after SIGTERM.
_GRACE_SECONDS = 3.0
# Bytes that the server takes; routes take less, but for an import of subscribers.
_MAX_BODY_BYTES = 20 * 1024 * 1024


class ConsoleSite:
    """Passes each request to the pages, with what proxies say of the client."""

    def __init__(
        self, pages: WSGIApplication, current_settings: Callable[[], Settings]
    ) -> None:
        self._pages = pages
        self._current_settings = current_settings

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        settings = self._current_settings()
        environ["wsgi.url_scheme"] = urlsplit(settings.console.url).scheme
        environ["REMOTE_ADDR"] = client_address(
            str(environ.get("REMOTE_ADDR", "")),
            str(environ.get("HTTP_X_FORWARDED_FOR", "")),
            settings.web.trusted_proxies,
        )
        return self._pages(environ, start_response)


def with_api(pages: WSGIApplication, context: ConsoleContext) -> WSGIApplication:
    """Return an application that has the API below `/api/`, and these pages at all other paths.

    They share the state, and nothing else: the API reads no cookie, and no page takes a key.
    """
    api = create_api(
        ApiContext(
            current_settings=context.current_settings,
            opened=context.opened,
            clock=context.clock,
            hosts=context.hosts,
        )
    )

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        is_api = str(environ.get("PATH_INFO", "")).startswith("/api/")
        return (api if is_api else pages)(environ, start_response)

    return answer


def serve_console(
    settings: Settings,
    host: str | None = None,
    port: int | None = None,
    ready: Callable[[str, int], None] = lambda _host, _port: None,
) -> None:
    """Serve the console until SIGTERM or SIGINT, beside a running service.

    `host` and `port` replace those of the settings. Raise UsageError if it is switched off,
    DatabaseError if the service has not made the database yet, and what `serve_application` raises.
    """
    console = settings.console
    if not console.enabled:
        raise UsageError("console.enabled is false, so there is no console; set it to true")
    host = console.host if host is None else host
    with open_console_state(settings) as opened, closing(PolledSettings(settings)) as polled:
        hosts = frozenset({host.strip("[]")})
        context = ConsoleContext(
            current_settings=polled.current, opened=opened, clock=SystemClock(), hosts=hosts
        )
        serve_application(
            ConsoleSite(with_api(create_console(context), context), polled.current),
            host,
            console.port if port is None else port,
            ready,
            threads=_THREADS,
            max_body_bytes=_MAX_BODY_BYTES,
            grace=_GRACE_SECONDS,
        )
