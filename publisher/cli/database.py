"""`publisher database`: copy it elsewhere, and the secret that goes with one on a server."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    JsonOption,
    count_noun,
    make_table,
    parse_now,
    print_json,
    read_settings,
    stdout_console,
)
from publisher.cli.terminal_text import echo

app = typer.Typer(
    help="Look after the database.",
    epilog="Example: publisher database copy var/publisher.db ADDRESS",
    no_args_is_help=True,
)


@app.command(
    "copy",
    epilog="Example: publisher database copy var/publisher.db ADDRESS",
)
def copy_command(
    source: Annotated[str, typer.Argument(metavar="FROM", help="A file, or an address.")],
    target: Annotated[
        str, typer.Argument(metavar="TO", help="A new file, or an empty database's address.")
    ],
    *,
    as_json: JsonOption = False,
) -> None:
    """Copy a publication's database into another one, and compare every row.

    Stop all processes of the publication first. Nothing is kept if anything differs. Afterwards mail
    is sent from TO only; FROM sends nothing until `publisher recover --release`.
    """
    from publisher.app.database_copy import copy_publication

    secret = os.environ.get("PUBLISHER_SECRET")
    copied = copy_publication(source, target, parse_now(None), secret)
    if as_json:
        print_json(
            [
                {"table": name, "rows": content.rows, "checksum": content.checksum}
                for name, content in copied
            ]
        )
        return
    table = make_table("table", "rows", "checksum")
    for name, content in copied:
        table.add_row(name, str(content.rows), content.checksum)
    stdout_console().print(table)
    total = sum(content.rows for _name, content in copied)
    echo(f"{total} rows in {len(copied)} tables were copied; both sides are equal")


@app.command("adopt-secret", epilog="Example: publisher database adopt-secret my-publication")
def adopt_secret_command(directory: FolderArgument = CURRENT_FOLDER) -> None:
    """Take this machine's secret as the publication's, after it was changed on purpose.

    Machines with the former secret do not start any more. Links in mails that were sent lead nowhere.
    """
    settings = read_settings(directory)

    from publisher.app.deliveries import list_in_doubt
    from publisher.app.secret_check import adopt_secret
    from publisher.app.state import open_state

    if not adopt_secret(settings, parse_now(None).now()):
        echo("this is the publication's secret")
        return
    echo(
        "the secret was changed: give it to all machines, and start them again. Take who was erased "
        "off your lists: an import would add them again"
    )
    with open_state(settings) as database:
        if found := len(list_in_doubt(settings, database)):
            echo(
                f"{count_noun(found, 'mail')} in doubt: the server's log has the Message-IDs of the former secret, which nobody can "
                "compute any more. Look for the addresses there, and decide by them: publisher doubt list"
            )
