"""`publisher web`, `console`, `serve` and `webserver`: pages, and the web root by our server or by another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

import typer

from publisher.cli.common import CURRENT_FOLDER, FolderArgument, read_settings
from publisher.cli.exit_codes import echo

if TYPE_CHECKING:
    from publisher.config import Settings


_MAX_PORT = 65_535


def _register_serve(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("serve", epilog="Example: publisher serve --port 8080 my-publication")(
        serve_command
    )
    app.command(
        "webserver",
        epilog="Example: publisher webserver nginx --root /srv/lantern/public my-publication",
    )(webserver_command)


def serve_command(
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    host: Annotated[
        str, typer.Option("--host", help="The address to listen on; 0.0.0.0 is all of them.")
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option("--port", min=0, max=_MAX_PORT, help="The port; 0 is any that is free."),
    ] = 8000,
) -> None:
    """Serve public/ over HTTP until SIGTERM or Ctrl-C; changes nothing and ends with exit code 0.

    Answers as nginx and Caddy do with what `publisher webserver` prints. It has no TLS: for the
    open internet put one of them, or a content network, in front of it or in its place.
    """
    settings = read_settings(directory)

    from publisher import serving

    def ready(address: str, number: int) -> None:
        echo(f"{settings.folders.public} is at {_url(settings, address, number)}")

    serving.serve_site(settings, host, port, ready)


def webserver_command(
    server: Annotated[Literal["nginx", "caddy"], typer.Argument(help="The web server.")],
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    root: Annotated[
        str | None,
        typer.Option(
            "--root",
            metavar="PATH",
            help="Where public/ lies on the web server.",
            show_default="where it lies here",
        ),
    ] = None,
    brotli: Annotated[
        bool, typer.Option("--brotli", help="For an nginx with ngx_brotli; Caddy needs none.")
    ] = False,
) -> None:
    """Print a web server's configuration for this publication: types, freshness, links, CORS."""
    settings = read_settings(directory)

    from publisher import serving

    if server == "nginx":
        text = serving.nginx_config(settings, root, brotli=brotli)
    else:
        text = serving.caddy_config(settings, root)
    echo(text, nl=False)


def _url(settings: Settings, address: str, port: int) -> str:
    host = f"[{address}]" if ":" in address else address
    return f"http://{host}:{port}{urlsplit(settings.publication.url).path}/"


def _register_web(app: typer.Typer) -> None:
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
        from publisher.app.subscribers.provider_reports import webhook_urls

        for provider, url in webhook_urls(settings).items():
            echo(f"{provider}  {url}")
        return

    from publisher.cli.log_setup import set_up_logging
    from publisher.web.pages.server import serve_web

    set_up_logging("INFO")

    def ready(address: str, number: int) -> None:
        shown = f"[{address}]" if ":" in address else address
        path = urlsplit(settings.publication.url).path
        echo(f"{settings.folders.root} is at http://{shown}:{number}{path}/")

    serve_web(settings, host, port, ready)


def _register_console(app: typer.Typer) -> None:
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


def register(app: typer.Typer) -> None:
    """Add what this module has."""
    _register_serve(app)
    _register_web(app)
    _register_console(app)
