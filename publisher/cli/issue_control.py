"""`publisher pause`, `resume` and `cancel`: stop an issue that is being sent, and continue it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    open_state,
    parse_now,
    read_settings,
)
from publisher.delivery.states import summarize_counts
from publisher.errors import IssueError, TransitionError, UsageError
from publisher.issues.model import IssueState

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from publisher.config import Settings
    from publisher.issues.model import Issue

IssueArgument = Annotated[
    str, typer.Argument(metavar="ISSUE", help="An issue's name, like weekly-en-2026-01-09.")
]
ReasonOption = Annotated[
    str | None, typer.Option("--why", metavar="TEXT", help="The reason; `status` shows it.")
]


# By the state that an issue can't change to.
_REMEDIES = {
    "paused": "only an issue that is being sent can be paused",
    "cancelled": "sent mail can't be recalled, so correct it in the next issue",
    "sending": "its remaining mail stays unsent",
}


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
    from publisher.delivery.ledger import lifecycle

    now = parse_now(None).now()
    with open_issue(directory, issue) as (connection, one):
        lifecycle.pause_issue(connection, one, why or "paused by hand", now)
    typer.echo(f"{issue} is paused")


def resume_command(issue: IssueArgument, directory: FolderArgument = CURRENT_FOLDER) -> None:
    """Continue a paused issue where it stopped; deferred mail is tried at once."""
    from publisher.delivery.ledger import lifecycle

    now = parse_now(None).now()
    with open_issue(directory, issue) as (connection, one):
        # A ready issue may become one that is sent, but not before it has a ledger.
        if one.state is not IssueState.PAUSED:
            remedy = "`publisher status` shows which issues are paused"
            raise IssueError(f"{issue}: is {one.state}, not paused; {remedy}")
        lifecycle.resume_issue(connection, one, now)
    typer.echo(f"{issue} continues with the next run of delivery")


def cancel_command(
    issue: IssueArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    why: ReasonOption = None,
) -> None:
    """End an issue for good. Subscribers who have not got it yet will not get it."""
    from publisher.delivery.ledger import counts, lifecycle

    now = parse_now(None).now()
    with open_issue(directory, issue) as (connection, one):
        lifecycle.cancel_issue(connection, one, why or "cancelled by hand", now)
        count = summarize_counts(counts.count_rows(connection, [one.id])[one.id])
    typer.echo(f"{issue} is cancelled: {_who_got_it(count)}")


@contextmanager
def open_issue(directory: Path, name: str) -> Iterator[tuple[Connection, Issue]]:
    """Open a transaction and find an issue in it; raise UsageError if there is none of the name.

    A TransitionError becomes an IssueError that names the issue.
    """
    settings = load_settings_for_issue(directory, name)
    with open_state(settings) as database, database.writing() as connection:
        issue = require_issue(connection, name)
        try:
            yield connection, issue
        except TransitionError as error:
            raise IssueError(f"{name}: {_refusal_text(error)}") from error


def load_settings_for_issue(directory: Path, name: str) -> Settings:
    """Return a publication's settings; raise UsageError if `name` is a folder, not an issue."""
    from publisher.config import SETTINGS_FILE

    if directory == CURRENT_FOLDER and (Path(name) / SETTINGS_FILE).is_file():
        raise UsageError(
            f"{name}: is a publication; name an issue of it first, like weekly-en-2026-01-09 "
            f"{name}; `publisher status {name}` lists them"
        )
    return read_settings(directory)


def require_issue(connection: Connection, name: str) -> Issue:
    """Return the issue of a name; raise UsageError if there is none."""
    from publisher.issues import store

    issue = store.issue_by_name(connection, name)
    if issue is None:
        raise UsageError(f"{name}: no such issue; `publisher status` lists them")
    return issue


def _who_got_it(count: Mapping[str, int]) -> str:
    """Return how many got a cancelled issue. Mails that are being sent are completed."""
    if not any(count.values()):
        return "no mail of it was planned"
    done = f"{count['sent']} had it already, {count['cancelled']} won't get it"
    under_way = count["waiting"]
    return f"{done}, {under_way} being sent just now may" if under_way else done


def _refusal_text(error: TransitionError) -> str:
    if error.source == error.target:
        return f"is {error.source} already"
    remedy = _REMEDIES.get(error.target, "`publisher status` shows the state of each issue")
    return f"is {error.source}, and can't become {error.target}; {remedy}"
