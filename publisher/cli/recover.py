"""`publisher recover`: what was sent since an old database was copied, and what becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    ActorOption,
    FolderArgument,
    JsonOption,
    NowOption,
    editing,
    parse_now,
    print_json,
)
from publisher.cli.recovery_output import recovery_as_json, show_recovery

SendOption = Annotated[
    list[str] | None,
    typer.Option(
        "--send", metavar="ISSUE", help="Send again what is in doubt; may be repeated."
    ),
]
HoldOption = Annotated[
    list[str] | None,
    typer.Option(
        "--hold",
        metavar="ISSUE",
        help="Send nothing of it until `resume`, or `issues schedule` if it was not being sent; may be repeated.",
    ),
]
SkipOption = Annotated[
    list[str] | None,
    typer.Option(
        "--skip",
        metavar="ISSUE",
        help="Never send what is left of it, if nobody has it; may be repeated.",
    ),
]
SentOption = Annotated[
    list[str] | None,
    typer.Option(
        "--sent",
        metavar="ISSUE",
        help="It was sent to all: nobody gets it, or its stories, again; may be repeated.",
    ),
]
JournalOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--journal",
        metavar="FOLDER",
        help="The var/ of another machine that sends; name all of them, on a server.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "recover", epilog="Example: publisher recover --release --send weekly-en-2026-01-09"
    )(recover_command)


def recover_command(  # noqa: PLR0913  # options
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    send: SendOption = None,
    hold: HoldOption = None,
    skip: SkipOption = None,
    sent: SentOption = None,
    journal: JournalOption = None,
    release: Annotated[
        bool,
        typer.Option("--release", help="Apply these decisions, and let mail go out again."),
    ] = False,
    acting: ActorOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show per issue what happened after an old database was copied: sent, not sent, in doubt.

    Nothing changes without --release. What is in doubt is not sent again unless its issue is named.
    """
    from publisher.app.recover import Choices, preview_recovery, recover_database

    choices = Choices(*(frozenset(names or ()) for names in (send, hold, skip, sent)))
    run = recover_database if release else preview_recovery
    with editing(directory, acting, parse_now(now)) as (state, actor):
        found = run(state, actor, choices, journal or ())
        is_shared = isinstance(state.settings.database, str)
    if as_json:
        print_json(recovery_as_json(found, released=release))
    else:
        show_recovery(found, released=release, is_shared=is_shared, names_none=not journal)
