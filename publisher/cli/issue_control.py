"""`publisher pause`, `resume` and `cancel`: stop an issue that is being sent, and continue it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.app.state import open_state
from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    parse_now,
    read_settings,
)
from publisher.errors import UsageError

if TYPE_CHECKING:
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
) -> None:
    """Stop sending an issue until `resume`. Mails that are being sent are completed."""
    settings = load_settings_for_issue(directory, issue)

    from publisher.app import issues

    with open_state(settings) as database:
        issues.pause(database, issue, why, parse_now(None).now())
    typer.echo(f"{issue} is paused")


def resume_command(issue: IssueArgument, directory: FolderArgument = CURRENT_FOLDER) -> None:
    """Continue a paused issue where it stopped; deferred mail is tried at once."""
    settings = load_settings_for_issue(directory, issue)

    from publisher.app import issues

    with open_state(settings) as database:
        issues.resume(database, issue, parse_now(None).now())
    typer.echo(f"{issue} continues with the next run of delivery")


def cancel_command(
    issue: IssueArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    why: ReasonOption = None,
) -> None:
    """End an issue for good. Subscribers who have not got it yet will not get it."""
    settings = load_settings_for_issue(directory, issue)

    from publisher.app import issues

    with open_state(settings) as database:
        count = issues.cancel(database, issue, why, parse_now(None).now())
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


def _who_got_it(count: Mapping[str, int]) -> str:
    """Return how many got a cancelled issue. Mails that are being sent are completed."""
    if not any(count.values()):
        return "no mail of it was planned"
    done = f"{count['sent']} had it already, {count['cancelled']} won't get it"
    under_way = count["waiting"]
    return f"{done}, {under_way} being sent just now may" if under_way else done
