"""`publisher console` in a thread of the tests: all of it but the process and its signals."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace

from publisher.app.operation.page_servers import open_console_state
from publisher.clock import Clock, SystemClock
from publisher.config import Settings
from publisher.config.web import ConsoleSettings
from publisher.serving.server import ServerLoop
from publisher.web.console.application import create_console
from publisher.web.console.context import ConsoleContext
from publisher.web.console.server import _MAX_BODY_BYTES, ConsoleSite
from tests.sizes import PATIENCE


@contextmanager
def running_console(
    settings: Settings, clock: Clock | None = None, url: str = ""
) -> Iterator[Settings]:
    """Serve the console, at `url` behind a web server; give the settings with its address."""
    with (
        open_console_state(settings) as opened,
        socket.create_server(("127.0.0.1", 0)) as listener,
        ThreadPoolExecutor(1) as pool,
    ):
        port = listener.getsockname()[1]
        console = ConsoleSettings(url=url or f"http://localhost:{port}", port=port)
        settings = replace(settings, console=console)
        context = ConsoleContext(
            current_settings=lambda: settings, opened=opened, clock=clock or SystemClock()
        )
        site = ConsoleSite(create_console(context), lambda: settings)
        with closing(
            ServerLoop(site, listener, threads=4, max_body_bytes=_MAX_BODY_BYTES)
        ) as loop:
            running = pool.submit(loop.run, grace=0)
            yield settings
            loop.stop()
            running.result(PATIENCE)
