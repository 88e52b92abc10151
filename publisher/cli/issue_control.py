"""`publisher pause`, `resume` and `cancel`: stop an issue that is being sent, and continue it.

They take an issue's name, or a newsletter and a day; `pause` and `resume` also a newsletter alone.
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
from publisher.cli.issue_arguments import (
    LanguagesOption,
    PerhapsDayArgument,
    WhichArgument,
    refuse_folder,
    split_folder,
)
from publisher.cli.issue_verbs import ChosenIssues
from publisher.cli.terminal_text import echo
from publisher.errors import IssueError

if TYPE_CHECKING:
    from publisher.app.editing_state import Actor, EditingState

_NoteOption = Annotated[
    str | None, typer.Option("--note", metavar="TEXT", help="The reason; `status` shows it.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command in (
        ("pause", pause_command),
        ("resume", resume_command),
        ("cancel", cancel_command),
    ):
        app.command(name, epilog=f"Example: publisher {name} weekly 2026-01-09 --lang ar")(
            command
        )


def pause_command(  # options
    which: WhichArgument,
    day: PerhapsDayArgument = "",
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    lang: LanguagesOption = None,
    note: _NoteOption = None,
    acting: ActorOption = None,
) -> None:
    """Stop sending until `resume`: an issue by its name, those of a day, or all of a newsletter.

    Mails that are being sent are completed.
    """
    chosen = ChosenIssues(which, day, lang, ("sending",))
    _each(directory, acting, chosen, partial(pause_one, why=note))


def resume_command(
    which: WhichArgument,
    day: PerhapsDayArgument = "",
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    lang: LanguagesOption = None,
    acting: ActorOption = None,
) -> None:
    """Continue what is paused where it stopped; deferred mail is tried at once. Takes what `pause` takes."""
    _each(directory, acting, ChosenIssues(which, day, lang, ("paused",)), resume_one)


def cancel_command(  # options
    which: WhichArgument,
    day: PerhapsDayArgument = "",
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    lang: LanguagesOption = None,
    note: _NoteOption = None,
    acting: ActorOption = None,
) -> None:
    """End sending an issue, or those of a day, for good: who has not got it will not get it."""
    _each(directory, acting, ChosenIssues(which, day, lang), partial(cancel_one, why=note))


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


def _each(
    directory: Path, acting: str | None, chosen: ChosenIssues, verb: Callable[..., str]
) -> None:
    """Do it with each issue. One that refuses keeps no other one from being stopped."""
    day, directory = split_folder(chosen.day, directory)
    refuse_folder(directory, chosen.which)
    problems = []
    with editing(directory, acting) as (state, actor):
        for name in chosen._replace(day=day).names(state, actor):
            try:
                echo(verb(state, actor, name))
            except IssueError as error:
                problems.append(str(error))
    if problems:
        raise IssueError("; ".join(problems))


def _who_got_it(count: Mapping[str, int]) -> str:
    """Return how many got a cancelled issue. Mails that are being sent are completed."""
    if not any(count.values()):
        return "no mail of it was planned"
    done = f"{count['sent']} had it already, {count['cancelled']} won't get it"
    under_way = count["waiting"]
    return f"{done}, {under_way} being sent just now may" if under_way else done
