"""`publisher backup` and `publisher restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    NowOption,
    parse_now,
    read_settings,
)
from publisher.cli.terminal_text import echo


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("backup", epilog="Example: publisher backup /backup my-publication")(
        backup_command
    )
    app.command(
        "restore", epilog="Example: publisher restore /backup/publisher-20260109T120000Z"
    )(restore_command)


def backup_command(
    target: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where backups are kept.")],
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    now: NowOption = None,
) -> None:
    """Copy database and secret into a new folder below FOLDER, while everything runs.

    The copy is marked: nothing is sent from it until `publisher recover --release`.
    """
    from publisher.app.backup import back_up_publication

    backup = back_up_publication(read_settings(directory), target, parse_now(now))
    echo(f"{backup.folder}")


def restore_command(
    backup: Annotated[Path, typer.Argument(metavar="BACKUP", help="A folder of a backup.")],
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    now: NowOption = None,
) -> None:
    """Put a backup in the place of the database file, which is kept under another name.

    On a server the backup goes into an empty database. Stop all processes of the publication first.
    Nothing is planned or sent until `publisher recover --release`.
    """
    from publisher.app.backup import restore_publication

    restored = restore_publication(read_settings(directory), backup, parse_now(now))
    echo(
        f"restored as it was at {restored.made_at:%Y-%m-%d %H:%M:%S} UTC. Nothing is sent: see what "
        "was sent since with `publisher recover`, and decide with its option --release"
    )
