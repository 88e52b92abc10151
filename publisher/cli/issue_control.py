"""`publisher pause`, `resume` and `cancel`: stop an issue that is being sent, and continue it.

They take an issue's name. Those of the group, `publisher issues pause`, take a newsletter and a day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    ActorOption,
    FolderArgument,
    editing,
)
from publisher.cli.terminal_text import echo
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.app.editing_state import Actor, EditingState

IssueArgument = Annotated[
    str, typer.Argument(metavar="ISSUE", help="An issue's name, like weekly-en-2026-01-09.")
]
ReasonOption = Annotated[
    str | None, typer.Option("--why", metavar="TEXT", help="The reason; `status` shows it.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command in (
        ("pause", pause_command),
        ("resume", resume_command),
        ("cancel", cancel_command),
    ):
        app.command(name, epilog=f"Example: publisher {name} weekly-en-2026-01-09")(command)


def pause_command(
    issue: IssueArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    why: ReasonOption = None,
    acting: ActorOption = None,
) -> None:
    """Stop sending one issue, given by its name; `publisher issues pause` stops a whole day."""
    _print(directory, acting, issue, partial(pause_one, why=why))


def resume_command(
    issue: IssueArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    acting: ActorOption = None,
) -> None:
    """Continue one paused issue, as `publisher issues resume` does with all languages of a day."""
    _print(directory, acting, issue, resume_one)


def cancel_command(
    issue: IssueArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    why: ReasonOption = None,
    acting: ActorOption = None,
) -> None:
    """End one issue for good, as `publisher issues cancel` does with all languages of a day."""
    _print(directory, acting, issue, partial(cancel_one, why=why))


def pause_one(state: EditingState, actor: Actor, name: str, why: str | None) -> str:
    """Pause an issue; return what is said about it."""
    from publisher.app.issue_control import pause_sending

    stopped = pause_sending(state, actor, name, why)
    sent, under_way, waiting = (f"{count:,}" for count in stopped)
    return f"{name} is paused: {sent} sent, {under_way} under way, {waiting} waiting"


def resume_one(state: EditingState, actor: Actor, name: str) -> str:
    """Resume an issue; return what is said about it."""
    from publisher.app.issue_control import resume_sending

    resume_sending(state, actor, name)
    return f"{name} continues with the next run of delivery"


def cancel_one(state: EditingState, actor: Actor, name: str, why: str | None) -> str:
    """Cancel an issue; return what is said about it."""
    from publisher.app.issue_control import cancel_sending

    return f"{name} is cancelled: {_who_got_it(cancel_sending(state, actor, name, why))}"


def refuse_folder(directory: Path, name: str) -> None:
    """Raise UsageError if a publication's folder stands where the name of an issue belongs."""
    from publisher.config import SETTINGS_FILE

    if directory == CURRENT_FOLDER and (Path(name) / SETTINGS_FILE).is_file():
        raise UsageError(
            f"{name}: is a publication; name an issue of it first, like weekly-en-2026-01-09 "
            f"{name}; `publisher status {name}` lists them"
        )


def _print(directory: Path, acting: str | None, name: str, verb: Callable[..., str]) -> None:
    refuse_folder(directory, name)
    with editing(directory, acting) as (state, actor):
        echo(verb(state, actor, name))


def _who_got_it(count: Mapping[str, int]) -> str:
    """Return how many got a cancelled issue. Mails that are being sent are completed."""
    if not any(count.values()):
        return "no mail of it was planned"
    done = f"{count['sent']} had it already, {count['cancelled']} won't get it"
    under_way = count["waiting"]
    return f"{done}, {under_way} being sent just now may" if under_way else done
