"""`publisher audit`: who did what in the console, at the terminal and by the API."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    ActorOption,
    FolderArgument,
    JsonOption,
    editing,
    make_table,
    print_json,
    rfc3339_or_none,
    stdout_console,
)
from publisher.cli.default_command import DEFAULT_COMMAND, ListByDefault
from publisher.cli.terminal_text import echo

app = typer.Typer(
    cls=ListByDefault,
    help="Show who did what, and check that nobody has changed the record.",
    epilog="Example: publisher audit my-publication",
)


@app.command(DEFAULT_COMMAND, epilog="Example: publisher audit --limit 20 my-publication")
def audit_command(
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=10_000, help="How many entries.")
    ] = 100,
    before: Annotated[
        int | None,
        typer.Option("--before", metavar="NUMBER", help="Only entries before this one."),
    ] = None,
    acting: ActorOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the entries of the audit log, the latest first; times are UTC."""
    from publisher.app.audit_log import read_audit_log

    with editing(directory, acting) as (state, actor):
        found = read_audit_log(state, actor, before=before, limit=limit)
    if as_json:
        print_json(
            [
                {
                    "number": number,
                    "at": rfc3339_or_none(one.at),
                    "actor": one.actor,
                    "verb": one.verb,
                    "object": one.object,
                    "details": one.details,
                    "network": one.network,
                }
                for number, one in found
            ]
        )
        return
    table = make_table("number", "at", "who", "did", "to", "details")
    for number, one in found:
        details = json.dumps(one.details, ensure_ascii=False, sort_keys=True)
        at = f"{one.at:%Y-%m-%d %H:%M:%S}"
        table.add_row(str(number), at, one.actor, one.verb, one.object, details)
    stdout_console().print(table)


@app.command("verify", epilog="Example: publisher audit verify my-publication")
def audit_verify_command(
    directory: FolderArgument = CURRENT_FOLDER, *, acting: ActorOption = None
) -> int:
    """Check each entry against its hash, and that none is missing. Exit code 1 if one is.

    Entries that were cut off at the end are not noticed: compare the last number with a backup's.
    """
    from publisher.app.audit_log import verify_audit_log

    with editing(directory, acting) as (state, actor):
        check = verify_audit_log(state, actor)
    if check.fault is None:
        echo(f"no entry was changed, up to number {check.last}")
        return 0
    what = {
        "changed": "is not as it was written",
        "missing": "does not follow the one before: entries are missing",
    }[check.fault.fault]
    echo(f"entry {check.fault.row} {what}")
    return 1
