"""`publisher subscribers`: import, export, list and find subscribers, and act for them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from publisher.app.state import open_state
from publisher.cli import (
    subscriber_add,
    subscriber_data,
    subscriber_import,
    subscriber_requests,
)
from publisher.cli.common import (
    CURRENT_FOLDER,
    ActorOption,
    FolderArgument,
    JsonOption,
    editing,
    parse_now,
    print_json,
    read_settings,
    stdout_console,
    writing_file,
)
from publisher.cli.subscriber_revival import AddressArgument
from publisher.cli.terminal_text import echo

app = typer.Typer(
    no_args_is_help=True,
    help="Import, export, list and find subscribers; unsubscribe, resubscribe, merge and erase them.",
    epilog="Example: publisher subscribers import subscribers.csv my-publication",
)


@app.command("export", epilog="Example: publisher subscribers export --out subscribers.csv")
def subscribers_export_command(
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where to; else standard output."),
    ] = None,
    on_behalf: ActorOption = None,
) -> None:
    """Write all subscribers as CSV, in the form that import takes."""
    with editing(directory, on_behalf) as (state, actor):
        from publisher.app.subscriber_lists import export_list, export_list_to

        if out is None:
            export_list(state, actor, sys.stdout)
            return
        with writing_file(out):
            count = export_list_to(state, actor, out)
    echo(f"{count} subscribers: {out}")


@app.command("list", epilog="Example: publisher subscribers list --json my-publication")
def subscribers_list_command(
    directory: FolderArgument = CURRENT_FOLDER, *, as_json: JsonOption = False
) -> None:
    """List the subscribers."""
    settings = read_settings(directory)

    from publisher.app.subscribers import read_subscribers
    from publisher.cli.subscriber_output import subscriber_json, subscribers_table

    with open_state(settings) as database:
        found = read_subscribers(database)
    if as_json:
        print_json([subscriber_json(one) for one in found])
    else:
        stdout_console().print(subscribers_table(found))


@app.command("find", epilog="Example: publisher subscribers find ann@example.org")
def subscribers_find_command(
    address: AddressArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show one subscriber: preferences, history, proof of consent, and what was returned.

    Exit code 1 if nobody has the address, or if the subscriber was erased: the message says which.
    """
    settings = read_settings(directory)

    from publisher.app.returned_mail import read_returned_mail
    from publisher.app.subscribers import find_record
    from publisher.cli.returned_mail_output import returned_mail_json, returned_mail_table
    from publisher.cli.subscriber_output import record_json, record_tables

    with open_state(settings) as database:
        record = find_record(settings, database, address)
        returned = read_returned_mail(database, record, parse_now(None).now())
    if as_json:
        print_json(record_json(record) | returned_mail_json(returned))
    else:
        stdout_console().print(*record_tables(record), *returned_mail_table(returned), sep="\n")


subscriber_add.register(app)
subscriber_import.register(app)
subscriber_requests.register(app)
subscriber_data.register(app)
