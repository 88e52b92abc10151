"""`publisher translations mails` and `feeds`: what a translator chooses."""

from __future__ import annotations

from typing import Annotated

import typer

from publisher.cli.common import CURRENT_FOLDER, ActorOption, FolderArgument, editing
from publisher.cli.terminal_text import echo


def register(app: typer.Typer) -> None:
    """Add the commands."""
    example = "Example: publisher translations"
    account = "--as omar@example.org"
    app.command("mails", epilog=f"{example} mails --off {account}")(mails_command)
    app.command("feeds", epilog=f"{example} feeds --renew {account}")(feeds_command)


def mails_command(
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    wanted: Annotated[
        bool | None,
        typer.Option("--on/--off", help="Whether the account is told what came in."),
    ] = None,
    account: ActorOption = None,
) -> None:
    """Show or choose whether an account gets mails about what is to be translated."""
    with editing(directory, account) as (state, actor):
        from publisher.app.translator_choices import (
            choose_translator_mails,
            read_translator_choices,
        )

        if wanted is not None:
            choose_translator_mails(state, actor, wanted=wanted)
        found = read_translator_choices(state, actor)
    languages = ", ".join(found.mail_languages)
    echo(f"mails about {languages}" if found.wants_mail else "no mails")
    for mail in found.mails:
        reason = f": {mail.reason}" if mail.reason else ""
        echo(f"{mail.due_at:%Y-%m-%d %H:%M} UTC {mail.state}{reason}")


def feeds_command(
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    renew: Annotated[
        bool, typer.Option("--renew", help="Give all private feeds other addresses first.")
    ] = False,
    account: ActorOption = None,
) -> None:
    """Print the addresses of an account's own feeds of what is to be translated.

    Whoever has such an address can read the feed. `publisher console` serves it.
    """
    with editing(directory, account) as (state, actor):
        from publisher.app.calendar_file import renew_private_addresses
        from publisher.app.translator_choices import read_translator_choices

        if renew:
            renew_private_addresses(state, actor)
        found = read_translator_choices(state, actor)
    for language, addresses in found.feeds.items():
        for address in addresses.values():
            echo(f"{language} {address}")
