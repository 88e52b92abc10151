"""`publisher subscribers import`: add subscribers from lists, or say what a list holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from publisher.cli.common import CURRENT_FOLDER, FolderArgument, parse_now, read_settings
from publisher.cli.terminal_text import echo
from publisher.errors import UsageError

if TYPE_CHECKING:
    from subscribers import ImportReport


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
        typer.Option(
            "--dry-run", help="Print what the file says and would change, and change nothing."
        ),
    ] = False,
    rejects: Annotated[
        Path | None,
        typer.Option(
            "--rejects",
            metavar="FILE",
            help="Write the rows that are left out to a CSV file, with line and reason.",
        ),
    ] = None,
    on_behalf: Annotated[
        str | None,
        typer.Option("--as", metavar="ADDRESS", help="Act for the account of this address."),
    ] = None,
) -> int:
    """Add subscribers from CSV: email,name,language,timezone,newsletters,status.

    Lists of Excel and exports of Mailchimp, Substack, Ghost, listmonk, Buttondown and Mailman are
    read as they are.

    Newsletters are separated by spaces. A bad row is reported with its line; the others are
    added, and the exit code is 1. An import never resubscribes somebody who has left, who was erased, or whose address does
    not exist.
    """
    from publisher.app.editing_state import find_terminal_actor, open_editing_state
    from publisher.app.subscriber_lists import import_list, preview_list
    from publisher.cli.progress import show_progress

    settings = read_settings(directory)
    with (
        open_editing_state(settings, parse_now(None)) as state,
        _reading(file) as lines,
        show_progress() as show,
    ):
        actor = find_terminal_actor(state, on_behalf)
        run = preview_list if dry_run else import_list
        progress = partial(show, "rows")
        report = run(
            state, actor, lines, returned=returned or (), rejects=rejects, progress=progress
        )
    return _print_preview(report) if dry_run else _print_report(file, report)


def _print_preview(report: ImportReport) -> int:
    from publisher.cli.import_output import preview_lines

    for line in preview_lines(report):
        echo(line)
    return 0


def _print_report(file: Path, report: ImportReport) -> int:
    from publisher.cli.subscriber_output import import_remarks, import_sentence

    if report.columns.ignored:
        ignored = ", ".join(report.columns.ignored)
        echo(f"{file}: columns that are ignored: {ignored}", err=True)
    for line in import_remarks(report):
        echo(f"{file}: {line}", err=True)
    echo(import_sentence(report))
    return 1 if report.refused else 0


@contextmanager
def _reading(file: Path) -> Iterator[BinaryIO]:
    try:
        with file.open("rb") as lines:
            yield lines
    except OSError as error:
        raise UsageError(f"{file}: can't be read: {error.strerror or error}") from None
