"""`publisher subscribers import`: add subscribers from lists, or say what a list holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from publisher.cli.common import CURRENT_FOLDER, ActorOption, FolderArgument, editing
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
    on_behalf: ActorOption = None,
) -> int:
    """Add subscribers from CSV: email,name,language,timezone,newsletters,status.

    Lists of Excel and exports of Mailchimp, Substack, Ghost, listmonk, Buttondown and Mailman are
    read as they are.

    Newsletters are separated by spaces. A bad row is reported with its line; the others are
    added, and the exit code is 1. An import never resubscribes somebody who has left, who was erased, or whose address does
    not exist.
    """
    with _reading(file) as lines:
        report = import_lines(
            directory,
            on_behalf,
            lines,
            dry_run=dry_run,
            returned=returned or (),
            rejects=rejects,
        )
    return _print_preview(report) if dry_run else print_import(str(file), report)


def import_lines(
    directory: Path,
    on_behalf: str | None,
    lines: BinaryIO,
    *,
    dry_run: bool = False,
    **options: Any,
) -> ImportReport:
    """Import the lines of a list, and return what became of them. `options` are those of `import_list`."""
    from publisher.app.subscriber_lists import import_list, preview_list
    from publisher.cli.progress import show_progress

    with editing(directory, on_behalf) as (state, actor), show_progress() as show:
        run = preview_list if dry_run else import_list
        return run(state, actor, lines, progress=partial(show, "rows"), **options)


def _print_preview(report: ImportReport) -> int:
    from publisher.cli.import_output import preview_lines

    for line in preview_lines(report):
        echo(line)
    return 0


def print_import(file: str, report: ImportReport) -> int:
    """Print what became of a list, with its refused rows; return the exit code."""
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
