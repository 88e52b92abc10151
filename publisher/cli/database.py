"""`publisher database`: the secret that goes with a database on a server."""

from __future__ import annotations

import typer

from publisher.cli.common import CURRENT_FOLDER, FolderArgument, read_settings

app = typer.Typer(
    help="Look after the database.",
    epilog="Example: publisher database adopt-secret my-publication",
    no_args_is_help=True,
)


@app.command("adopt-secret", epilog="Example: publisher database adopt-secret my-publication")
def adopt_secret_command(directory: FolderArgument = CURRENT_FOLDER) -> None:
    """Take this machine's secret as the publication's, after it was changed on purpose.

    Machines with the former secret do not start any more. Links in mails that were sent lead nowhere.
    """
    settings = read_settings(directory)

    from publisher.app.secret_check import adopt_secret

    if adopt_secret(settings):
        typer.echo("the secret was changed: give it to all machines, and start them again")
    else:
        typer.echo("this is the publication's secret")
