"""`publisher console` in a thread of the tests: all of it but the process and its signals."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from publisher.app.operation.page_servers import open_console_state
from publisher.clock import Clock, SystemClock
from publisher.config import Settings
from publisher.config.web import ConsoleSettings
from publisher.web.console.context import ConsoleContext
from publisher.web.console.server import CONSOLE_BODY_BYTES, create_site
from tests.publisher.serving.servers import web_server


@contextmanager
def running_console(
    settings: Settings, clock: Clock | None = None, url: str = ""
) -> Iterator[Settings]:
    """Serve the console, at `url` behind a web server; give the settings with its address."""
    late: list[WSGIApplication] = []

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return late[0](environ, start_response)

    with (
        open_console_state(settings) as opened,
        web_server(answer, max_body_bytes=CONSOLE_BODY_BYTES) as (_host, port),
    ):
        console = ConsoleSettings(url=url or f"http://localhost:{port}", port=port)
        settings = replace(settings, console=console)
        context = ConsoleContext(
            current_settings=lambda: settings, opened=opened, clock=clock or SystemClock()
        )
        late.append(create_site(context))
        yield settings
