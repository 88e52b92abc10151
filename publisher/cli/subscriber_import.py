"""`publisher subscribers import`: add subscribers from lists, or say what a list holds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from publisher.app.state import open_state
from publisher.cli.common import CURRENT_FOLDER, FolderArgument, parse_now, read_settings
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.config import Settings


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

    if dry_run:
        return _preview(settings, file)
    return _import(settings, file, returned or [])


def _preview(settings: Settings, file: Path) -> int:
    from publisher.app.subscribers import preview_import
    from publisher.cli.import_output import preview_lines

    with _reading(file) as lines:
        preview = preview_import(settings, lines)
    sys.stdout.writelines(f"{line}\n" for line in preview_lines(preview))
    return 0


def _import(settings: Settings, file: Path, returned: list[str]) -> int:
    from publisher.app.subscribers import ignored_columns, import_subscribers
    from publisher.cli.progress import show_progress
    from publisher.cli.subscriber_output import import_remarks, import_sentence

    with _reading(file) as lines:
        ignored = ignored_columns(lines)
    if ignored:
        sys.stderr.write(f"{file}: columns that are ignored: {', '.join(ignored)}\n")
    with open_state(settings) as database, show_progress() as progress, _reading(file) as lines:
        report = import_subscribers(
            settings,
            database,
            lines,
            parse_now(None).now(),
            returned=returned,
            progress=lambda count: progress("rows", count, sys.maxsize),
        )
    sys.stderr.writelines(f"{file}: {line}\n" for line in import_remarks(report))
    typer.echo(import_sentence(report))
    return 1 if report.refused and not report.taken else 0


@contextmanager
def _reading(file: Path) -> Iterator[BinaryIO]:
    try:
        with file.open("rb") as lines:
            yield lines
    except OSError as error:
        raise UsageError(f"{file}: can't be read: {error.strerror or error}") from None
