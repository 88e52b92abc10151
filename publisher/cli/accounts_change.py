"""`publisher accounts roles`, `disable`, `enable`, `end-sessions` and `recover`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    ActorOption,
    FolderArgument,
    JsonOption,
    editing,
)
from publisher.cli.invitation_output import print_invitation
from publisher.cli.terminal_text import echo

if TYPE_CHECKING:
    pass


EmailArgument = Annotated[
    str, typer.Argument(metavar="ADDRESS", help="The account's e-mail address.")
]
RoleOption = Annotated[
    list[str],
    typer.Option(
        "--role",
        metavar="ROLE[:LANGUAGE]",
        help="administrator, editor, approver, translator, subscriber-desk or viewer; may be "
        "repeated. With a language, only for its texts.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to their group."""
    for name, command, options in (
        ("roles", accounts_roles_command, " --role editor:ar --role approver:en"),
        ("disable", accounts_disable_command, ""),
        ("enable", accounts_enable_command, ""),
        ("end-sessions", accounts_end_sessions_command, ""),
        ("recover", accounts_recover_command, ""),
    ):
        app.command(
            name, epilog=f"Example: publisher accounts {name} ann@example.org{options}"
        )(command)


def accounts_roles_command(
    email: EmailArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    role: RoleOption,
    acting: ActorOption = None,
) -> None:
    """Replace all roles of an account by these. They count from its next request."""
    from publisher.app.console_accounts import change_roles, parse_roles, written_grant

    with editing(directory, acting) as (state, actor):
        grants = parse_roles(state.settings.publication, role)
        account = change_roles(state, actor, email, grants)
    echo(f"{account.email}: {', '.join(map(written_grant, account.grants))}")


def accounts_disable_command(
    email: EmailArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    acting: ActorOption = None,
) -> None:
    """Let nobody use an account: its sessions end at once, and its keys are refused."""
    from publisher.app.console_accounts import close_account

    with editing(directory, acting) as (state, actor):
        close_account(state, actor, email)
    echo(f"{email}: disabled")


def accounts_enable_command(
    email: EmailArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    acting: ActorOption = None,
) -> None:
    """Let the owner of a disabled account sign in again, as before."""
    from publisher.app.console_accounts import reopen_account

    with editing(directory, acting) as (state, actor):
        reopen_account(state, actor, email)
    echo(f"{email}: enabled")


def accounts_end_sessions_command(
    email: EmailArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    acting: ActorOption = None,
) -> None:
    """End all sessions of an account. Its owner may sign in again."""
    from publisher.app.console_accounts import end_account_sessions

    with editing(directory, acting) as (state, actor):
        end_account_sessions(state, actor, email)
    echo(f"{email}: has no session now")


def accounts_recover_command(
    email: EmailArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    acting: ActorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a new link for somebody who can't sign in, or whose device was stolen.

    Sessions, passkeys, password and recovery codes of before are deleted. API keys stay:
    `publisher keys list` shows them.
    """
    from publisher.app.console_accounts import recover_account

    with editing(directory, acting) as (state, actor):
        invitation = recover_account(state, actor, email)
    print_invitation(invitation, state.settings.console.url, as_json=as_json)
