"""`publisher console`: the editors' console, over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from publisher.cli.common import CURRENT_FOLDER, FolderArgument, read_settings
from publisher.cli.terminal_text import echo

_MAX_PORT = 65_535


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("console", epilog="Example: publisher console my-publication")(console_command)


def console_command(
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    host: Annotated[
        str | None,
        typer.Option(
            "--host",
            help="The address to listen on; 0.0.0.0 is all of them.",
            show_default="console.host in publication.toml",
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            min=0,
            max=_MAX_PORT,
            help="The port; 0 is any that is free.",
            show_default="console.port in publication.toml",
        ),
    ] = None,
) -> None:
    """Serve the editors' console over HTTP until SIGTERM or Ctrl-C; ends with exit code 0.

    Runs beside `publisher run`, which makes the database and sends the mail. It has no TLS: for the
    open internet, put nginx or Caddy in front of it, and set console.url to its https address.
    """
    settings = read_settings(directory)

    from publisher.cli.log_setup import set_up_logging
    from publisher.web.console.server import serve_console

    set_up_logging("INFO")

    def ready(address: str, number: int) -> None:
        shown = f"[{address}]" if ":" in address else address
        at = f"listening on http://{shown}:{number}/"
        echo(f"the console of {settings.folders.root}: {settings.console.url}/ ({at})")

    serve_console(settings, host, port, ready)
