"""`publisher web` in a thread of the tests: all of it but the process and its signals."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from wsgiref.types import StartResponse, WSGIEnvironment

import flask

from publisher.app.operation.page_servers import open_web_state
from publisher.clock import SystemClock
from publisher.config import Settings
from publisher.config.web import WebSettings
from publisher.serving.static_site import StaticSite
from publisher.web.pages.application import create_app
from publisher.web.pages.responses import WebContext
from publisher.web.pages.server import PublicationSite
from tools.servers.web_servers import web_server


@contextmanager
def running_web(
    settings: Settings, add: Callable[[flask.Flask, WebContext], None]
) -> Iterator[Settings]:
    """Serve pages, and those that `add` adds; give the settings with the server's address."""
    late: list[PublicationSite] = []

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return late[0](environ, start_response)

    with open_web_state(settings) as state, web_server(answer, threads=8) as (host, port):
        settings = replace(settings, web=WebSettings(address=f"{host}:{port}"))
        context = WebContext(lambda: settings, state, SystemClock())
        app = create_app(context)
        add(app, context)
        late.append(
            PublicationSite(lambda: app, StaticSite(lambda: settings), lambda: settings)
        )
        yield settings
