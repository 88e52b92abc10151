"""`publisher web` in a thread of the tests: all of it but the process and its signals."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace

import flask

from publisher.app.operation.page_servers import open_web_state
from publisher.clock import SystemClock
from publisher.config import Settings
from publisher.config.web import WebSettings
from publisher.serving import LiveSite
from publisher.serving.server import ServerLoop
from publisher.web.pages.application import create_app
from publisher.web.pages.responses import WebContext
from publisher.web.pages.server import PublicationSite
from tests.sizes import PATIENCE


@contextmanager
def running_web(
    settings: Settings, add: Callable[[flask.Flask, WebContext], None]
) -> Iterator[Settings]:
    """Serve pages, and those that `add` adds; give the settings with the server's address."""
    with (
        open_web_state(settings) as state,
        socket.create_server(("127.0.0.1", 0)) as listener,
        ThreadPoolExecutor(1) as pool,
    ):
        address = "{}:{}".format(*listener.getsockname())
        settings = replace(settings, web=WebSettings(address=address))
        context = WebContext(
            lambda: settings,
            state.database,
            state.writer,
            state.renderer,
            state.secret,
            SystemClock(),
            state.limits,
        )
        app = create_app(context)
        add(app, context)
        site = PublicationSite(app, LiveSite(lambda: settings), context)
        with closing(ServerLoop(site, listener, is_brief=site.is_brief)) as loop:
            running = pool.submit(loop.run, grace=0)
            yield settings
            loop.stop()
            running.result(PATIENCE)
