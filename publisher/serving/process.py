"""Run our own web server on an address until SIGTERM or SIGINT, with the settings of the moment."""

import errno
import os
import signal
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from threading import Event, Thread
from types import FrameType
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog

from publisher.config import Settings
from publisher.config.reload import ReloadedSettings
from publisher.errors import UsageError
from publisher.serving.server import ServerLoop, allow_open_files, limit_memory_arenas
from publisher.serving.static_site import StaticSite

log = structlog.get_logger()

# How long requests that are being answered may take after the signal.
_GRACE_SECONDS = 5.0
# How long an edit of the settings goes unnoticed at most: as long as the service takes.
_SETTINGS_SECONDS = 15.0


class PolledSettings:
    """The settings of the moment. A thread looks at the file every `seconds`, until `close`.

    Requests never do: a file that is still being written is waited for, for seconds.
    """

    def __init__(self, settings: Settings, seconds: float = _SETTINGS_SECONDS) -> None:
        self._live = ReloadedSettings(settings)
        self._seconds = seconds
        self._settings = settings
        self._closed = Event()
        Thread(target=self._look_on, name="settings", daemon=True).start()

    def current(self) -> Settings:
        """Return the settings that count now."""
        return self._settings

    def close(self) -> None:
        """Let the thread end."""
        self._closed.set()

    def _look_on(self) -> None:
        while True:
            try:
                self._settings = self._live.current()
            except Exception:
                log.exception("the settings could not be looked at")
            if self._closed.wait(self._seconds):
                return


class LiveSite:
    """A publication's site with the settings of the moment: freshness, hubs, the path of the URL."""

    def __init__(self, current_settings: Callable[[], Settings]) -> None:
        self._current_settings = current_settings
        settings = current_settings()
        self._site = settings, StaticSite(settings)

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        settings = self._current_settings()
        if settings is not self._site[0]:
            self._site = settings, StaticSite(settings)
        return self._site[1](environ, start_response)


def _ignore_ready(_host: str, _port: int) -> None:
    """Do nothing when the server is ready."""


def serve_site(
    settings: Settings,
    host: str = "127.0.0.1",
    port: int = 8000,
    ready: Callable[[str, int], None] = _ignore_ready,
    grace: float = _GRACE_SECONDS,
) -> None:
    """Serve a publication's `public/` until SIGTERM or SIGINT.

    Raises UsageError if there is nothing to serve yet, and what `serve_application` raises.
    """
    if not settings.folders.public.is_dir():
        public = settings.folders.public
        raise UsageError(f"{public}: is not there yet; publisher run --once makes it")
    with closing(PolledSettings(settings)) as polled:
        serve_application(LiveSite(polled.current), host, port, ready, grace=grace)


def serve_application(
    application: WSGIApplication,
    host: str,
    port: int,
    ready: Callable[[str, int], None] = _ignore_ready,
    *,
    grace: float = _GRACE_SECONDS,
    **options: Any,
) -> None:
    """Answer requests until SIGTERM or SIGINT. Port 0 takes any free port.

    `ready` is called with address and port when connections are accepted. After the signal, no
    new connection is accepted, and requests have `grace` seconds to finish. `options` are those of
    ServerLoop. Call this in the main thread, since signal handlers run there only. Raises
    UsageError if the address can't be bound.
    """
    allow_open_files()
    limit_memory_arenas()
    with _listening(host, port) as listener:
        address, number = listener.getsockname()[:2]
        with (
            closing(ServerLoop(application, listener, **options)) as loop,
            _signals_to(loop.stop),
        ):
            ready(address, number)
            loop.run(grace)


def _listening(host: str, port: int) -> socket.socket:
    """Bind an address; of a name with several addresses, the first."""
    try:
        flags = socket.AI_PASSIVE
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
        family, *_, address = found[0]
        return socket.create_server(address[:2], family=family)
    except socket.gaierror:
        raise UsageError(f"--host: {host!r} is no address of this machine") from None
    except OSError as error:
        problem = os.strerror(error.errno) if error.errno else str(error)
        option = "--host" if error.errno == errno.EADDRNOTAVAIL else "--port"
        raise UsageError(
            f"{host} port {port}: {problem}; choose another with {option}"
        ) from None


@contextmanager
def _signals_to(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` on SIGTERM and SIGINT while this lasts.

    An exception from a signal handler could interrupt a send and lose how far it got.
    """

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop()

    before = [(one, signal.signal(one, handle)) for one in (signal.SIGTERM, signal.SIGINT)]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
