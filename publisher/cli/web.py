"""`publisher web`: subscribers' pages and the site, over HTTP."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

import typer

from publisher.cli.common import CURRENT_FOLDER, FolderArgument, read_settings
from publisher.cli.terminal_text import echo

_MAX_PORT = 65_535


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("web", epilog="Example: publisher web --port 8100 my-publication")(web_command)


def web_command(
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    host: Annotated[
        str | None,
        typer.Option(
            "--host",
            help="The address to listen on; 0.0.0.0 is all of them.",
            show_default="web.address in publication.toml",
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            min=0,
            max=_MAX_PORT,
            help="The port; 0 is any that is free.",
            show_default="web.address in publication.toml",
        ),
    ] = None,
    webhooks: Annotated[
        bool,
        typer.Option(
            "--webhooks",
            help="Print the addresses at which mail providers report bounces, and end.",
        ),
    ] = False,
) -> None:
    """Serve subscribers' pages and public/ over HTTP until SIGTERM or Ctrl-C; ends with exit code 0.

    Runs beside `publisher run`, which makes the database and sends the mail. It has no TLS: for the
    open internet, put nginx or Caddy in front of it, with what `publisher webserver` prints.
    """
    settings = read_settings(directory)
    if webhooks:
        from publisher.app.feedback import webhook_urls

        for provider, url in webhook_urls(settings).items():
            echo(f"{provider}  {url}")
        return

    from publisher.cli.log_setup import set_up_logging
    from publisher.web.server import serve_web

    set_up_logging("INFO")

    def ready(address: str, number: int) -> None:
        shown = f"[{address}]" if ":" in address else address
        path = urlsplit(settings.publication.url).path
        echo(f"{settings.folders.root} is at http://{shown}:{number}{path}/")

    serve_web(settings, host, port, ready)
