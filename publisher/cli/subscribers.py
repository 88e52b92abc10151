"""`publisher subscribers`: readers in, out, and listed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    JsonOption,
    parse_now,
    print_json,
    stdout_console,
)
from publisher.cli.progress import show_progress
from publisher.config import Settings, load_settings
from publisher.database import Database, open_database
from publisher.errors import UsageError
from subscribers import Subscriber, export_csv, import_csv, list_subscribers

app = typer.Typer(
    no_args_is_help=True,
    help="Import, export and list the readers.",
    epilog="Example: publisher subscribers import readers.csv my-publication",
)

# A terminal shows the first bad rows; --json and files are for the rest.
_BAD_ROWS_SHOWN = 50


@contextmanager
def _open(directory: Path) -> Iterator[tuple[Settings, Database]]:
    settings = load_settings(directory)
    database = open_database(settings.folders.database)
    try:
        yield settings, database
    finally:
        database.close()


@app.command(
    "import", epilog="Example: publisher subscribers import readers.csv my-publication"
)
def subscribers_import_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file, UTF-8.")],
    directory: FolderArgument = CURRENT_FOLDER,
) -> int:
    """Take in readers from CSV: email,name,language,timezone,newsletters,status.

    Newsletters are separated by spaces. A bad row is named with its line; the others go in.
    Nobody who has left, or whose address is dead, is made a reader again by an import.
    """
    with _open(directory) as (settings, database), show_progress() as tell:
        try:
            with file.open("rb") as lines, database.writing() as connection:
                report = import_csv(
                    connection,
                    lines,
                    languages=settings.publication.reader_tag,
                    default_language=settings.publication.default_language,
                    known_newsletters=[n.name for n in settings.newsletters],
                    now=parse_now(None).now(),
                    progress=lambda count: tell("rows", count, sys.maxsize),
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


@app.command("export", epilog="Example: publisher subscribers export --out readers.csv")
def subscribers_export_command(
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where to; else standard output."),
    ] = None,
) -> None:
    """Write all readers as CSV, in the form that import takes."""
    with _open(directory) as (_settings, database), database.reading() as connection:
        if out is None:
            export_csv(connection, sys.stdout)
            return
        try:
            with out.open("w", encoding="utf-8", newline="") as file:
                count = export_csv(connection, file)
        except OSError as error:
            raise UsageError(f"{out}: can't be written: {error.strerror or error}") from None
    typer.echo(f"{count} readers: {out}")


@app.command("list", epilog="Example: publisher subscribers list --json my-publication")
def subscribers_list_command(
    directory: FolderArgument = CURRENT_FOLDER, *, as_json: JsonOption = False
) -> None:
    """List the readers."""
    with _open(directory) as (_settings, database), database.reading() as connection:
        found = list(list_subscribers(connection))
    if as_json:
        print_json([_as_json(reader) for reader in found])
    else:
        stdout_console().print(_table(found))


def _as_json(reader: Subscriber) -> dict[str, object]:
    return {
        "email": reader.address,
        "name": reader.name,
        "language": reader.language,
        "timezone": reader.timezone,
        "newsletters": list(reader.newsletters),
        "status": reader.status.value,
    }


def _table(found: list[Subscriber]) -> Table:
    table = Table()
    for heading in ("Address", "Name", "Language", "Time zone", "Newsletters", "Status"):
        table.add_column(heading, overflow="fold")
    for reader in found:
        table.add_row(
            reader.address,
            reader.name,
            reader.language,
            reader.timezone or "",
            " ".join(reader.newsletters),
            reader.status,
        )
    return table
