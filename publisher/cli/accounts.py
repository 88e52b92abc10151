"""`publisher accounts`: who may sign in to the editors' console, and with which roles."""

from __future__ import annotations

from typing import Annotated

import typer

from publisher.cli import accounts_change
from publisher.cli.common import (
    CURRENT_FOLDER,
    ActorOption,
    FolderArgument,
    JsonOption,
    editing,
    make_table,
    print_json,
    stdout_console,
)
from publisher.cli.invitation_output import print_invitation

app = typer.Typer(
    no_args_is_help=True,
    help="Add, list, disable and recover accounts of the editors' console, and set their roles.",
    epilog="Example: publisher accounts add ann@example.org --role administrator",
)


@app.command("add", epilog="Example: publisher accounts add ann@example.org --role editor:ar")
def accounts_add_command(  # noqa: PLR0913  # what an account is
    email: accounts_change.EmailArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    role: accounts_change.RoleOption,
    name: Annotated[
        str, typer.Option("--name", help="Who it is.", show_default="the address")
    ] = "",
    language: Annotated[
        str | None,
        typer.Option(
            "--lang",
            metavar="TAG",
            help="The language of the console's pages.",
            show_default="the publication's first",
        ),
    ] = None,
    acting: ActorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add an account, and print the link with which its owner sets up how to sign in.

    The link works once: for 30 minutes for the first administrator, for 24 hours for others. It is
    printed here only. Nothing on the web adds the first account.
    """
    from publisher.app.console_accounts import NewAccount, create_account, parse_roles

    with editing(directory, acting) as (state, actor):
        publication = state.settings.publication
        grants = parse_roles(publication, role)
        new = NewAccount(email, name, language or publication.default_language, grants)
        invitation = create_account(state, actor, new)
    print_invitation(invitation, state.settings.console.url, as_json=as_json)


@app.command("list", epilog="Example: publisher accounts list --json my-publication")
def accounts_list_command(
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    acting: ActorOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the accounts: roles, ways to sign in, sessions, and links that wait."""
    from publisher.app.console_accounts import read_accounts
    from publisher.cli.account_output import account_json, account_row

    with editing(directory, acting) as (state, actor):
        found = read_accounts(state, actor)
    if as_json:
        print_json([account_json(one) for one in found])
        return
    table = make_table("address", "name", "roles", "signs in with", "sessions", "state")
    for one in found:
        table.add_row(*account_row(one))
    stdout_console().print(table)


accounts_change.register(app)
