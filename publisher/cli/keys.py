"""`publisher keys`: keys of the API."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli.accounts_change import EmailArgument
from publisher.cli.common import (
    CURRENT_FOLDER,
    ActorOption,
    FolderArgument,
    JsonOption,
    editing,
    format_local,
    make_table,
    print_json,
    rfc3339_or_none,
    stdout_console,
)
from publisher.cli.terminal_text import echo

if TYPE_CHECKING:
    from publisher.app.console_keys import ApiKey

app = typer.Typer(
    no_args_is_help=True,
    help="Make, list and revoke keys of the API.",
    epilog="Example: publisher keys add ann@example.org --label ci --scope view",
)
_DAYS = 90
_MOST_DAYS = 366


@app.command(
    "add", epilog="Example: publisher keys add ann@example.org --label ci --scope view"
)
def keys_add_command(  # noqa: PLR0913  # what a key is good for
    email: EmailArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    label: Annotated[str, typer.Option("--label", help="By which to know the key later.")],
    scope: Annotated[
        list[str],
        typer.Option("--scope", metavar="PERMISSION", help="What it permits; may be repeated."),
    ],
    language: Annotated[
        list[str] | None,
        typer.Option(
            "--lang",
            metavar="TAG",
            help="Only this language; may be repeated.",
            show_default="all of the account",
        ),
    ] = None,
    days: Annotated[
        int, typer.Option("--days", min=1, max=_MOST_DAYS, help="How long it lasts.")
    ] = _DAYS,
    acting: ActorOption = None,
) -> None:
    """Make a key for an account, and print it. It can't be read again.

    It permits at most what the account does. With --as, only a key of one's own account.
    """
    from publisher.app.console_keys import KeyRequest, create_key, parse_scopes

    languages = tuple(language) if language else None
    wanted = KeyRequest(label, parse_scopes(scope), languages, timedelta(days=days))
    with editing(directory, acting) as (state, actor):
        echo(create_key(state, actor, email, wanted))


@app.command("list", epilog="Example: publisher keys list --as ann@example.org")
def keys_list_command(
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    acting: ActorOption = None,
    as_json: JsonOption = False,
) -> None:
    """List keys with what they permit, also those that are over."""
    from publisher.app.console_keys import list_keys

    with editing(directory, acting) as (state, actor):
        found = list_keys(state, actor)
    if as_json:
        print_json([_key_as_json(email, one) for email, one in found])
        return
    table = make_table("key", "account", "label", "permits", "languages", "ends", "last used")
    for email, one in found:
        table.add_row(
            str(one.id),
            email,
            one.label,
            ", ".join(sorted(one.scopes)),
            "all" if one.languages is None else ", ".join(one.languages),
            "revoked" if one.revoked_at else format_local(one.expires_at),
            format_local(one.used_at) if one.used_at else "never",
        )
    stdout_console().print(table)


def _key_as_json(email: str, one: ApiKey) -> dict[str, Any]:
    times = ("created_at", "expires_at", "used_at", "revoked_at")
    return {
        "key": one.id,
        "address": email,
        "label": one.label,
        "scopes": sorted(one.scopes),
        "languages": one.languages,
        **{name: rfc3339_or_none(getattr(one, name)) for name in times},
    }


@app.command("revoke", epilog="Example: publisher keys revoke 3")
def keys_revoke_command(
    number: Annotated[int, typer.Argument(metavar="KEY", help="Its number in the list.")],
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    acting: ActorOption = None,
) -> None:
    """Revoke a key: it is refused from now on."""
    from publisher.app.console_keys import revoke_key

    with editing(directory, acting) as (state, actor):
        revoke_key(state, actor, number)
    echo(f"key {number} is revoked")
