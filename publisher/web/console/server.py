"""`publisher console`: the editors' console, in a process of its own."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from threading import Event, Thread
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from werkzeug.http import parse_cookie

from publisher.app.accounts.sign_in import is_signed_in
from publisher.app.operation.attention import find_failure
from publisher.app.operation.page_servers import open_console_state
from publisher.app.subscribers.lists import MAX_LIST_BYTES, run_waiting_imports
from publisher.clock import SystemClock
from publisher.config import Settings
from publisher.errors import DatabaseError, UsageError
from publisher.secrets import require_own_secret
from publisher.serving import PolledSettings, serve_application
from publisher.web.api.application import create_api
from publisher.web.api.requests import ApiContext
from publisher.web.console.application import create_console
from publisher.web.console.context import CONSOLE_COOKIE, IMPORT_PATH, ConsoleContext
from publisher.web.security import client_address, with_health

log = structlog.get_logger()

# Requests at once. Editors are few, and some pages are rendered for seconds.
_THREADS = 8
# Seconds that requests have after SIGTERM.
_GRACE_SECONDS = 3.0
# Bytes of a body: a list of the API has 8 MB. Only somebody who is signed in can upload a larger one.
_MAX_BODY_BYTES = 9 * 1024 * 1024
_MAX_UPLOAD_BYTES = MAX_LIST_BYTES + _MAX_BODY_BYTES
# Seconds between two looks for lists that wait to be imported.
_LOOK_SECONDS = 1.0


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


def limit_body(context: ConsoleContext, path: str, fields: Mapping[str, str]) -> int:
    """Return how many bytes a body may have. Lists of strangers would fill the disk before a page is asked."""
    token = parse_cookie(fields.get("COOKIE", "")).get(CONSOLE_COOKIE)
    if path != IMPORT_PATH or not token:
        return _MAX_BODY_BYTES
    state = context.state(context.current_settings(), may_write=False)
    try:
        return _MAX_UPLOAD_BYTES if is_signed_in(state, token) else _MAX_BODY_BYTES
    except DatabaseError:
        return _MAX_BODY_BYTES


@contextmanager
def importing(context: ConsoleContext) -> Iterator[None]:
    """Import lists of subscribers in a thread while the block lasts. What is cut off begins again next time."""
    stop = Event()

    def look() -> None:
        try:
            state = context.state(context.current_settings(), may_write=True)
            run_waiting_imports(state, stop.is_set)
        except Exception:
            log.exception("lists that wait to be imported could not be looked for")

    def work() -> None:
        while not stop.wait(_LOOK_SECONDS):
            look()

    thread = Thread(target=work, name="imports", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_GRACE_SECONDS)


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
    require_own_secret(settings, host)
    with open_console_state(settings) as opened, closing(PolledSettings(settings)) as polled:
        hosts = frozenset({host.strip("[]")})
        context = ConsoleContext(
            current_settings=polled.current, opened=opened, clock=SystemClock(), hosts=hosts
        )
        site = ConsoleSite(with_api(create_console(context), context), polled.current)
        with importing(context):
            serve_application(
                with_health(site, partial(find_failure, opened.reading, settings)),
                host,
                console.port if port is None else port,
                ready,
                threads=_THREADS,
                max_body_bytes=partial(limit_body, context),
                grace=_GRACE_SECONDS,
            )
