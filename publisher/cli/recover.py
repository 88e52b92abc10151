"""`publisher recover`: what was sent since an old database was copied, and what becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    ActorOption,
    FolderArgument,
    JsonOption,
    NowOption,
    count_noun,
    editing,
    make_table,
    parse_now,
    print_json,
    rfc3339_or_none,
    stdout_console,
)

if TYPE_CHECKING:
    from publisher.app.recover import RecoveredIssue, Recovery


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
        "--skip", metavar="ISSUE", help="Never send what is left of it; may be repeated."
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
_NAME_ALL = "Each machine that sends has to be named by --journal."
_NO_WITNESS = "This var/ has no witness, so its last mails may be lost: recover where there is one, and name this one there."
_COLUMNS = ("state", "sent", "not_sent", "in_doubt", "reason")


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

    choices = Choices(*(frozenset(names or ()) for names in (send, hold, skip)))
    run = recover_database if release else preview_recovery
    with editing(directory, acting, parse_now(now)) as (state, actor):
        found = run(state, actor, choices, journal or ())
        is_shared = isinstance(state.settings.database, str)
    if as_json:
        print_json(_as_json(found, released=release))
    else:
        _show(found, released=release, is_shared=is_shared, names_none=not journal)


def _show(found: Recovery, *, released: bool, is_shared: bool, names_none: bool) -> None:
    console = stdout_console()
    console.print(found.reason)
    if found.is_complete:
        console.print("Witness and journal have everything that was sent since.")
    elif is_shared and names_none:
        console.print(
            "Other machines may have sent, so what was due may have been sent. Name the var/ of each "
            "machine that sends by --journal; if there is one machine, its own"
        )
    else:
        missing = count_noun(found.missing_pages, "transaction")
        console.print(
            f"Witness or journal are missing, or have gaps ({missing} known to be lost): what was due "
            "may have been sent"
        )
        if is_shared:
            console.print(_NAME_ALL if found.has_own_witness else _NO_WITNESS)
    if found.left:
        who = count_noun(found.left, "subscriber")
        console.print(f"{who} left since, or their mail was returned: they get no mail again.")
    table = make_table("Issue", "State", "Surely sent", "Surely not", "In doubt", "Why")
    for one in found.issues:
        numbers = (one.sent, one.not_sent, one.in_doubt)
        table.add_row(one.name, _state(one), *map(str, numbers), one.reason or "")
    console.print(table if found.issues else "No issue is concerned.")
    console.print(
        "Mail goes out again with the next run."
        if released
        else "Nothing is changed yet: add --release, and --send, --hold or --skip ISSUE to choose."
    )


def _state(one: RecoveredIssue) -> str:
    return one.state.replace("_", " ") if one.state else "not in this database"


def _as_json(found: Recovery, *, released: bool) -> dict[str, object]:
    return {
        "reason": found.reason,
        "copied_at": rfc3339_or_none(found.copied_at),
        "complete": found.is_complete,
        "missing_pages": found.missing_pages,
        "left": found.left,
        "released": released,
        "issues": [
            {"issue": one.name} | {name: getattr(one, name) for name in _COLUMNS}
            for one in found.issues
        ],
    }
