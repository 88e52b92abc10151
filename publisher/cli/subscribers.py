"""`publisher subscribers`: import, export and list the subscribers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    JsonOption,
    make_table,
    open_state,
    parse_now,
    print_json,
    read_settings,
    stdout_console,
)
from publisher.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from subscribers import Subscriber

app = typer.Typer(
    no_args_is_help=True,
    help="Import, export and list the subscribers.",
    epilog="Example: publisher subscribers import subscribers.csv my-publication",
)

# How many bad rows are printed.
_BAD_ROWS_SHOWN = 50


@app.command(
    "import", epilog="Example: publisher subscribers import subscribers.csv my-publication"
)
def subscribers_import_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file, UTF-8.")],
    directory: FolderArgument = CURRENT_FOLDER,
) -> int:
    """Add subscribers from CSV: email,name,language,timezone,newsletters,status.

    Newsletters are separated by spaces. A bad row is named with its line; the others are added.
    An import never subscribes anybody again who has left, or whose address does not exist.
    """
    settings = read_settings(directory)

    from publisher.cli.progress import show_progress
    from subscribers import import_csv

    with open_state(settings) as database, show_progress() as progress:
        try:
            with file.open("rb") as lines, database.writing() as connection:
                report = import_csv(
                    connection,
                    lines,
                    languages=settings.publication.subscriber_tag,
                    default_language=settings.publication.default_language,
                    known_newsletters=[n.name for n in settings.newsletters],
                    now=parse_now(None).now(),
                    progress=lambda count: progress("rows", count, sys.maxsize),
                )
        except OSError as error:
            raise UsageError(f"{file}: can't be read: {error.strerror or error}") from None
    for row in (*report.bad[:_BAD_ROWS_SHOWN], *report.notes[:_BAD_ROWS_SHOWN]):
        sys.stderr.write(f"{file}: {row}\n")
    if report.refused > _BAD_ROWS_SHOWN:
        sys.stderr.write(f"{file}: and {report.refused - _BAD_ROWS_SHOWN} more bad rows\n")
    typer.echo(
        f"{report.added} added, {report.updated} updated, {report.unchanged} unchanged, "
        f"{report.kept} kept as they were, {report.refused} bad"
    )
    taken = report.added + report.updated + report.unchanged + report.kept
    return 1 if report.refused and not taken else 0


@app.command("export", epilog="Example: publisher subscribers export --out subscribers.csv")
def subscribers_export_command(
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where to; else standard output."),
    ] = None,
) -> None:
    """Write all subscribers as CSV, in the form that import takes."""
    settings = read_settings(directory)

    from subscribers import export_csv

    with open_state(settings) as database, database.reading() as connection:
        if out is None:
            export_csv(connection, sys.stdout)
            return
        try:
            with out.open("w", encoding="utf-8", newline="") as file:
                count = export_csv(connection, file)
        except OSError as error:
            raise UsageError(f"{out}: can't be written: {error.strerror or error}") from None
    typer.echo(f"{count} subscribers: {out}")


@app.command("list", epilog="Example: publisher subscribers list --json my-publication")
def subscribers_list_command(
    directory: FolderArgument = CURRENT_FOLDER, *, as_json: JsonOption = False
) -> None:
    """List the subscribers."""
    settings = read_settings(directory)

    from subscribers import list_subscribers

    with open_state(settings) as database, database.reading() as connection:
        found = list(list_subscribers(connection))
    if as_json:
        print_json([_as_json(one) for one in found])
    else:
        stdout_console().print(_table(found))


def _as_json(subscriber: Subscriber) -> dict[str, object]:
    return {
        "email": subscriber.address,
        "name": subscriber.name,
        "language": subscriber.language,
        "timezone": subscriber.timezone,
        "newsletters": list(subscriber.newsletters),
        "status": subscriber.status.value,
    }


def _table(found: list[Subscriber]) -> Table:
    table = make_table("Address", "Name", "Language", "Time zone", "Newsletters", "Status")
    for one in found:
        newsletters = " ".join(one.newsletters)
        zone = one.timezone or ""
        table.add_row(one.address, one.name, one.language, zone, newsletters, one.status)
    return table
