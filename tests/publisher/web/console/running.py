"""`publisher console` in a thread of the tests: all of it but the process and its signals."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

from publisher.app.operation.page_servers import open_console_state
from publisher.clock import Clock, SystemClock
from publisher.config import Settings
from publisher.web.console.context import ConsoleContext
from publisher.web.console.server import CONSOLE_BODY_BYTES, BodyLimits, create_site
from tools.servers.web_servers import web_server


@contextmanager
def running_console(
    settings: Settings, clock: Clock | None = None, url: str = ""
) -> Iterator[Settings]:
    """Serve the console, at `url` behind a web server; give the settings with its address."""
    with open_console_state(settings) as opened:
        context = ConsoleContext(
            current_settings=lambda: settings, opened=opened, clock=clock or SystemClock()
        )
        site = create_site(lambda: context)
        with (
            closing(BodyLimits(lambda: context)) as limits,
            web_server(site, max_body_bytes=CONSOLE_BODY_BYTES, find_limit=limits.find) as (
                _host,
                port,
            ),
        ):
            place = {"url": url or f"http://localhost:{port}", "port": port}
            settings = replace(settings, console=settings.console.model_copy(update=place))
            yield settings
