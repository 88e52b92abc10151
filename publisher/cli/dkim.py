"""`publisher dkim`: what the domain's name server has to hold for our signatures."""

from __future__ import annotations

import typer

from publisher.cli.common import CURRENT_FOLDER, FolderArgument, read_settings
from publisher.cli.terminal_text import echo


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("dkim", epilog="Example: publisher dkim my-publication")(dkim_command)


def dkim_command(directory: FolderArgument = CURRENT_FOLDER) -> None:
    """Print the TXT records that belong to the keys of the tables delivery.dkim, for a zone file."""
    settings = read_settings(directory)

    from publisher.app.dkim import dkim_records

    records = dkim_records(settings)
    for record in records:
        echo(record)
    if not records:
        echo("publication.toml has no [[delivery.dkim]]: nothing is signed", err=True)
