"""`publisher pause`, `resume` and `cancel`: stop an issue that is being sent, and continue it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    ActorOption,
    FolderArgument,
    parse_now,
    read_settings,
)
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.app.editing_state import Actor, EditingState
    from publisher.config import Settings

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
    """Stop sending an issue until `resume`. Mails that are being sent are completed."""
    settings = load_settings_for_issue(directory, issue)

    from publisher.app.issue_control import pause_sending

    with _acting(settings, acting) as (state, actor):
        stopped = pause_sending(state, actor, issue, why)
    sent, under_way, waiting = (f"{count:,}" for count in stopped)
    typer.echo(f"{issue} is paused: {sent} sent, {under_way} under way, {waiting} waiting")


def resume_command(
    issue: IssueArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    acting: ActorOption = None,
) -> None:
    """Continue a paused issue where it stopped; deferred mail is tried at once."""
    settings = load_settings_for_issue(directory, issue)

    from publisher.app.issue_control import resume_sending

    with _acting(settings, acting) as (state, actor):
        resume_sending(state, actor, issue)
    typer.echo(f"{issue} continues with the next run of delivery")


def cancel_command(
    issue: IssueArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    why: ReasonOption = None,
    acting: ActorOption = None,
) -> None:
    """End an issue for good. Subscribers who have not got it yet will not get it."""
    settings = load_settings_for_issue(directory, issue)

    from publisher.app.issue_control import cancel_sending

    with _acting(settings, acting) as (state, actor):
        count = cancel_sending(state, actor, issue, why)
    typer.echo(f"{issue} is cancelled: {_who_got_it(count)}")


def load_settings_for_issue(directory: Path, name: str) -> Settings:
    """Return a publication's settings; raise UsageError if `name` is a folder, not an issue."""
    from publisher.config import SETTINGS_FILE

    if directory == CURRENT_FOLDER and (Path(name) / SETTINGS_FILE).is_file():
        raise UsageError(
            f"{name}: is a publication; name an issue of it first, like weekly-en-2026-01-09 "
            f"{name}; `publisher status {name}` lists them"
        )
    return read_settings(directory)


@contextmanager
def _acting(settings: Settings, acting: str | None) -> Iterator[tuple[EditingState, Actor]]:
    from publisher.app.editing_state import find_terminal_actor, open_editing_state

    with open_editing_state(settings, parse_now(None)) as state:
        yield state, find_terminal_actor(state, acting)


def _who_got_it(count: Mapping[str, int]) -> str:
    """Return how many got a cancelled issue. Mails that are being sent are completed."""
    if not any(count.values()):
        return "no mail of it was planned"
    done = f"{count['sent']} had it already, {count['cancelled']} won't get it"
    under_way = count["waiting"]
    return f"{done}, {under_way} being sent just now may" if under_way else done
