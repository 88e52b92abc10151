"""The editors' console and the API on one port."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import cache, partial
from threading import Lock
from typing import TYPE_CHECKING
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.http import parse_cookie

from publisher.app.accounts.keys import has_sender
from publisher.app.operation.page_servers import find_failure, open_console_state
from publisher.clock import SystemClock
from publisher.config import Settings
from publisher.errors import DatabaseError, UsageError
from publisher.log import log
from publisher.secrets import require_own_secret
from publisher.web.console import MAX_DRAFT_BYTES, MAX_LIST_BYTES
from publisher.web.wsgi import name_client, with_health

if TYPE_CHECKING:
    from publisher.web.console.context import ConsoleContext

# Bytes of a body: each route of pages and of the API takes fewer (`application`), but for a list.
CONSOLE_BODY_BYTES = MAX_LIST_BYTES + 9 * 1024 * 1024
# Bytes of a body of whom no session and no key lets in: twice what any page takes of them. Whoever has a session's
# token may have written a long text until it ended, which is shown once more to be sent again.
_STRANGER_BYTES, _ENDED_SESSION_BYTES = 128 * 1024, MAX_DRAFT_BYTES
# Seconds for the database to say who sends a body. The loop waits, which answers everybody.
_SENDER_SECONDS = 0.5


def create_site(context: Callable[[], ConsoleContext]) -> WSGIApplication:
    """Return an application with the API below `/api/`, and the console elsewhere.

    Each is loaded at its first request, which takes a second.
    """
    lock = Lock()

    @cache
    def console() -> WSGIApplication:
        from publisher.web.console.application import create_console

        return create_console(context())

    @cache
    def api() -> WSGIApplication:
        from publisher.web.api.application import create_api

        return create_api(context())

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        is_api = str(environ.get("PATH_INFO", "")).startswith("/api/")
        with lock:
            settings = context().current_settings()
            application = api() if is_api else console()
        name_client(environ, settings.console.url, settings.web.trusted_proxies)
        return application(environ, start_response)

    return answer


class BodyLimits:
    """How many bytes of a body the server takes: of strangers few, since it stores them before anybody is asked."""

    def __init__(self, context: Callable[[], ConsoleContext]) -> None:
        self._context = context
        self._thread = ThreadPoolExecutor(1, "senders")
        self._look: Future[bool] | None = None

    def find(self, fields: Mapping[str, str]) -> int:
        """Return the limit for a request with these header fields (`WebSite.find_limit`)."""
        from publisher.web.console.context import CONSOLE_COOKIE

        token = parse_cookie(fields.get("COOKIE", "")).get(CONSOLE_COOKIE, "")
        key = fields.get("AUTHORIZATION", "").partition(" ")[2].strip()
        if (token or key) and self._has_sender(token, key):
            return CONSOLE_BODY_BYTES
        return _ENDED_SESSION_BYTES if token else _STRANGER_BYTES

    def _has_sender(self, token: str, key: str) -> bool:
        """Ask in a thread: a database that does not answer must not hold up the loop again and again."""
        if self._look is not None and not self._look.done():
            return False
        state = self._context().state(may_write=False)
        self._look = self._thread.submit(has_sender, state, token, key)
        try:
            return self._look.result(_SENDER_SECONDS)
        except (TimeoutError, DatabaseError) as error:
            log.warning("nobody could say who sends a body", reason=str(error))
            return False

    def close(self) -> None:
        """End the thread, without waiting for the database."""
        self._thread.shutdown(wait=False, cancel_futures=True)


@contextmanager
def open_console(
    settings: Settings, current_settings: Callable[[], Settings], host: str
) -> Iterator[tuple[WSGIApplication, BodyLimits]]:
    """Open console and API, reached as `host`, and limits of bodies. Raise UsageError if off, DatabaseError without a database."""
    if not settings.console.enabled:
        raise UsageError("console.enabled is false, so there is no console; set it to true")
    require_own_secret(settings, host)
    if settings.console.openid is not None:
        from publisher.app.accounts.openid import open_provider

        open_provider(settings)
    with open_console_state(settings) as opened:

        @cache
        def context() -> ConsoleContext:
            from publisher.web.console.context import ConsoleContext

            hosts = frozenset({host.strip("[]")})
            return ConsoleContext(
                current_settings=current_settings,
                opened=opened,
                clock=SystemClock(),
                hosts=hosts,
            )

        with closing(BodyLimits(context)) as limits:
            find_problem = partial(find_failure, opened.reading, settings)
            site = create_site(context)
            yield with_health(site, find_problem), limits
