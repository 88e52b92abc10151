"""`publisher new`: a folder to start from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from publisher.clock import SystemClock
from publisher.errors import UsageError

_EXAMPLE_ARTICLE = "articles/en/hello.md"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("new", epilog="Example: publisher new my-publication")(new_command)


def new_command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")],
) -> None:
    """Write a commented publication.toml and an example article into a new folder."""
    from publisher.config import SETTINGS_FILE

    if (directory / SETTINGS_FILE).exists():
        raise UsageError(
            f"{directory / SETTINGS_FILE}: is there already; choose another folder"
        )
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageError(f"{directory}: is not an empty folder; choose another")
    import shutil
    from importlib.resources import as_file, files

    try:
        with as_file(files("publisher") / "starter") as starter:
            shutil.copytree(starter, directory, dirs_exist_ok=True)
        _date_today(directory / _EXAMPLE_ARTICLE)
    except OSError as error:
        raise UsageError(f"{directory}: can't be made: {error.strerror or error}") from None
    typer.echo(
        f"Made {directory / SETTINGS_FILE} and an example article.\n"
        f"Next: publisher preview weekly --out digest.html {directory}\n"
        f"      publisher subscribers import {directory / 'subscribers.csv'} {directory}\n"
        f"      publisher run {directory}"
    )


def _date_today(article: Path) -> None:
    """Make the example new, or the first issue would leave it out as too old."""
    text = article.read_text("utf-8")
    today = SystemClock().now().date()
    article.write_text(re.sub(r"(?m)^date: .*$", f"date: {today}", text), "utf-8")
