"""`publisher new`: a folder to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from publisher.clock import SystemClock


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("new", epilog="Example: publisher new my-publication")(new_command)


def new_command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")],
) -> None:
    """Write a commented publication.toml and an example article into a new folder."""
    from publisher.app.new import create_publication
    from publisher.config import SETTINGS_FILE

    create_publication(directory, SystemClock().now().date())
    typer.echo(
        f"Made {directory / SETTINGS_FILE} and an example article.\n"
        f"Next: publisher preview weekly --out digest.html {directory}\n"
        f"      publisher subscribers import {directory / 'subscribers.csv'} {directory}\n"
        f"      publisher run {directory}"
    )
