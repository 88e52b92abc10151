"""`publisher up`, `web`, `console`, `serve` and `webserver`: pages, and the web root by our server or by another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

import typer

from publisher.cli import common
from publisher.cli.common import Given
from publisher.cli.exit_codes import Interrupted, echo
from publisher.clock import SystemClock
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.app.start_checks import PipelineParts
    from publisher.config import Settings
    from publisher.web.server import Part

_HostOption = Annotated[
    str | None,
    typer.Option(
        "--host",
        help="The address to listen on; 0.0.0.0 is all of them.",
        show_default="that of publication.toml; of serve, 127.0.0.1",
    ),
]
_PortOption = Annotated[
    int | None,
    typer.Option(
        "--port",
        min=0,
        max=65_535,
        help="The port; 0 is any that is free.",
        show_default="that of publication.toml; of serve, 8000",
    ),
]


@common.command("serve", "--port 8080 my-publication")
def serve_command(given: Given, *, host: _HostOption = None, port: _PortOption = None) -> None:
    """Serve public/ over HTTP until SIGTERM or Ctrl-C; changes nothing and ends with exit code 0.

    Answers as nginx does with what `publisher webserver` prints. It has no TLS: for the open internet
    put nginx, Caddy or a content network in front of it.
    """
    settings = given.settings
    from publisher.web.server import serve

    def ready(_part: str, address: str, number: int) -> None:
        common.end_loading()
        echo(f"{settings.folders.public} is at {_url(settings, address, number)}")

    serve(settings, ["site"], ready, host=host, port=port)


@common.command("webserver", "nginx --root /srv/lantern/public my-publication")
def webserver_command(
    given: Given,
    server: Annotated[Literal["nginx", "caddy"], typer.Argument(help="The web server.")],
    *,
    root: str | None = None,
    brotli: bool = False,
) -> None:
    """Print a web server's configuration for this publication: types, freshness, links, CORS.

    For Caddy there is an example, deploy/Caddyfile.

    --root PATH (where it lies here): Where public/ lies on the web server.
    --brotli: For an nginx with ngx_brotli.
    """
    if server == "caddy":
        raise UsageError(
            "caddy: no configuration is printed for it; copy deploy/Caddyfile of the program's sources, and "
            "replace the host names in it (docs/how-to/serve-the-site.md)"
        )
    settings = given.settings
    from publisher.serving.nginx_site import nginx_config

    echo(nginx_config(settings, root, brotli=brotli), nl=False)


def _url(settings: Settings, address: str, port: int) -> str:
    return f"{_origin(address, port)}{urlsplit(settings.publication.url).path}/"


def _origin(address: str, port: int) -> str:
    host = f"[{address}]" if ":" in address else address
    return f"http://{host}:{port}"


def _serve(
    settings: Settings,
    parts: Sequence[Part],
    host: str | None = None,
    port: int | None = None,
    service: Callable[[], None] | None = None,
) -> None:
    from publisher.cli.log_setup import set_up_logging
    from publisher.web.server import serve

    set_up_logging("INFO")

    def ready(part: Part, address: str, number: int) -> None:
        common.end_loading()
        if part == "pages":
            echo(f"{settings.folders.root} is at {_url(settings, address, number)}")
        else:
            at = f"listening on {_origin(address, number)}/"
            echo(f"the console of {settings.folders.root}: {settings.console.url}/ ({at})")

    serve(settings, parts, ready, host=host, port=port, service=service)


@common.command("up", "my-publication")
def up_command(given: Given) -> None:
    """Run the service, subscribers' pages with public/, and the console in one process; ends with exit code 0.

    For one machine: the same as `publisher run`, `web` and `console` in less memory. Pages and console are
    where web.address and [console] say, or left out if they are switched off. SIGTERM ends all.
    """
    settings = given.settings
    from publisher.app.start_checks import open_locked_parts, wait_for_database
    from publisher.cli.log_setup import set_up_logging

    set_up_logging("INFO")
    enabled: dict[Part, bool] = {
        "pages": settings.web.enabled,
        "console": settings.console.enabled,
    }
    parts = [part for part, is_enabled in enabled.items() if is_enabled]
    if not parts:
        raise UsageError(
            "web.enabled and console.enabled are false, so nothing is served; `publisher run` is the service alone"
        )
    # SIGTERM before the service has its own handlers: nothing has begun, so the stop is clean.
    with suppress(Interrupted):
        wait_for_database(settings)
        with open_locked_parts(settings, SystemClock()) as opened:
            _serve(settings, parts, service=partial(_run_service, opened))


def _run_service(opened: PipelineParts) -> None:
    # Loaded while pages are served already.
    from publisher.app.operation.cycle import pipeline_of
    from publisher.app.operation.run import run_service
    from publisher.cli.operation.cycle_summary import log_report

    common.end_loading()
    run_service(pipeline_of(opened), log_report)


@common.command("web", "--port 8100 my-publication")
def web_command(
    given: Given, *, host: _HostOption = None, port: _PortOption = None, webhooks: bool = False
) -> None:
    """Serve subscribers' pages and public/ over HTTP until SIGTERM or Ctrl-C; ends with exit code 0.

    Runs beside `publisher run`, which makes the database and sends the mail. It has no TLS: for the
    open internet, put nginx or Caddy in front of it, with what `publisher webserver` prints.

    --webhooks: Print the addresses at which mail providers report bounces, and end.
    """
    settings = given.settings
    if webhooks:
        from publisher.app.subscribers.provider_reports import webhook_urls

        for provider, url in webhook_urls(settings).items():
            echo(f"{provider}  {url}")
        return

    _serve(settings, ["pages"], host, port)


@common.command("console", "my-publication")
def console_command(
    given: Given, *, host: _HostOption = None, port: _PortOption = None
) -> None:
    """Serve the editors' console over HTTP until SIGTERM or Ctrl-C; ends with exit code 0.

    Runs beside `publisher run`, which makes the database and sends the mail. It has no TLS: for the
    open internet, put nginx or Caddy in front of it, and set console.url to its https address.
    """
    _serve(given.settings, ["console"], host, port)
