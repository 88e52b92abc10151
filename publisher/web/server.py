"""Start subscribers' pages, the console and the static site: each alone, or all beside the service in one process."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from threading import Thread
from typing import Literal

from publisher.config import Settings
from publisher.config.reload import PolledSettings
from publisher.errors import UsageError
from publisher.serving.server import WebServer, WebSite, running, stopped_by_signals
from publisher.serving.static_site import StaticSite

Part = Literal["site", "pages", "console"]

# Requests at once. Most pages take a millisecond; those that change something wait for a commit, together.
_PAGE_THREADS = 64
_CONSOLE_THREADS = 8  # editors are few, and some pages are rendered for seconds
# Bytes of a body that the server takes; pages take less (`application`). Webhooks bring whole mails.
_PAGE_BODY_BYTES = 1024 * 1024
# What somebody changes whose address is taken, if there are no options of the command line.
_SETTINGS = {
    "pages": ("web.address", "web.address"),
    "console": ("console.host", "console.port"),
}


def serve(
    settings: Settings,
    parts: Sequence[Part],
    ready: Callable[[Part, str, int], None],
    *,
    host: str | None = None,
    port: int | None = None,
    service: Callable[[], None] | None = None,
) -> None:
    """Serve these parts until SIGTERM or SIGINT, or beside `service`, until it returns. Only the main thread gets signals: call it there.

    `host` and `port` replace those of the settings. `ready` is called with the addresses when all
    accept connections. At the end what is being answered is answered first, for three seconds.
    """
    with ExitStack() as stack:
        polled = stack.enter_context(closing(PolledSettings(settings)))
        sites = []
        for part in parts:
            site = stack.enter_context(_open(part, settings, polled.current, host, port))
            sites.append(replace(site, options=_SETTINGS[part]) if service else site)
        server = stack.enter_context(closing(WebServer(sites)))
        stack.enter_context(running(server) if service else stopped_by_signals(server))
        for part, address in zip(parts, server.addresses, strict=True):
            ready(part, *address)
        if "console" in parts:
            Thread(target=_load_console).start()
        (service or server.run)()


def _load_console() -> None:
    # The first request does it too, and waits for it for a second.
    from publisher.web.console import application  # noqa: F401


@contextmanager
def _open(
    part: Part,
    settings: Settings,
    current_settings: Callable[[], Settings],
    host: str | None,
    port: int | None,
) -> Iterator[WebSite]:
    usual = {
        "pages": (settings.web.host, settings.web.port),
        "console": (settings.console.host, settings.console.port),
        "site": ("127.0.0.1", 8000),
    }[part]
    host, port = host or usual[0], usual[1] if port is None else port
    if part == "pages":
        from publisher.web.pages.server import open_pages

        with open_pages(settings, current_settings, host) as pages:
            yield WebSite(
                pages, host, port, threads=_PAGE_THREADS, max_body_bytes=_PAGE_BODY_BYTES
            )
    elif part == "console":
        from publisher.web.console.server import CONSOLE_BODY_BYTES, open_console

        with open_console(settings, current_settings, host) as (console, limits):
            yield WebSite(
                console,
                host,
                port,
                threads=_CONSOLE_THREADS,
                max_body_bytes=CONSOLE_BODY_BYTES,
                find_limit=limits.find,
            )
    else:
        public = settings.folders.public
        if not public.is_dir():
            raise UsageError(f"{public}: is not there yet; publisher run --once makes it")
        yield WebSite(StaticSite(current_settings), host, port)
