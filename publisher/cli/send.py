"""`publisher send`: send the next issue to one address, as subscribers would get it."""

from __future__ import annotations

from typing import Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    NowOption,
    parse_now,
    read_settings,
)
from publisher.cli.gate_report import gate_summary


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "send", epilog="Example: publisher send weekly --to editor@example.org my-publication"
    )(send_command)


def send_command(
    newsletter: Annotated[
        str, typer.Argument(metavar="NEWSLETTER", help="The newsletter's name.")
    ],
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    to: Annotated[
        str,
        typer.Option(
            "--to", metavar="ADDRESS", help="The recipient; need not be a subscriber."
        ),
    ],
    lang: Annotated[
        str | None,
        typer.Option("--lang", metavar="TAG", help="The edition.", show_default="the first"),
    ] = None,
    now: NowOption = None,
) -> None:
    """Send what the next issue would be to one address, by the transport of all mail.

    This is a test: no subscriber gets it, nothing is recorded, and it may be sent again. Its
    personal links do nothing.
    """
    clock, settings = parse_now(now), read_settings(directory)

    from publisher.app.editions import find_edition
    from publisher.app.mail import send_test

    sent = send_test(settings, clock, find_edition(settings, newsletter, lang), to)
    typer.echo(f"{sent.subject}: sent to {to}. {gate_summary(sent.gate_run.report)}")
