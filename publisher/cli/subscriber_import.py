"""`publisher subscribers import`: add subscribers from lists, or say what a list holds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from publisher.app.state import open_state
from publisher.cli.common import CURRENT_FOLDER, FolderArgument, parse_now, read_settings
from publisher.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "import", epilog="Example: publisher subscribers import subscribers.csv my-publication"
    )(subscribers_import_command)


def subscribers_import_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file.")],
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    returned: Annotated[
        list[str] | None,
        typer.Option(
            "--returned",
            metavar="ADDRESS",
            help="An erased address whose subscriber asked to come back; may be repeated.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print what the file says, and change nothing."),
    ] = False,
) -> int:
    """Add subscribers from CSV: email,name,language,timezone,newsletters,status.

    Lists of Excel and exports of Mailchimp, Substack, Ghost, listmonk, Buttondown and Mailman are
    read as they are.

    Newsletters are separated by spaces. A bad row is reported with its line; the others are
    added. An import never resubscribes somebody who has left, who was erased, or whose address does
    not exist.
    """
    settings = read_settings(directory)

    from publisher.app.subscribers import ignored_columns, import_subscribers, preview_import
    from publisher.cli.import_output import preview_lines
    from publisher.cli.progress import show_progress
    from publisher.cli.subscriber_output import import_remarks, import_sentence

    try:
        with file.open("rb") as lines:
            if dry_run:
                preview = preview_import(settings, lines)
            else:
                ignored = ignored_columns(lines)
    except OSError as error:
        raise UsageError(f"{file}: can't be read: {error.strerror or error}") from None
    if dry_run:
        sys.stdout.writelines(f"{line}\n" for line in preview_lines(preview))
        return 0
    if ignored:
        sys.stderr.write(f"{file}: columns that are ignored: {', '.join(ignored)}\n")
    with open_state(settings) as database, show_progress() as progress:
        try:
            with file.open("rb") as lines:
                report = import_subscribers(
                    settings,
                    database,
                    lines,
                    parse_now(None).now(),
                    returned=returned or [],
                    progress=lambda count: progress("rows", count, sys.maxsize),
                )
        except OSError as error:
            raise UsageError(f"{file}: can't be read: {error.strerror or error}") from None
    sys.stderr.writelines(f"{file}: {line}\n" for line in import_remarks(report))
    typer.echo(import_sentence(report))
    return 1 if report.refused and not report.taken else 0
