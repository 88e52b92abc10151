"""`publisher doubt`: deliveries that may or may not have been taken, and what to do about them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.app.state import open_state
from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    JsonOption,
    NowOption,
    count_noun,
    format_local,
    parse_now,
    print_json,
    read_settings,
    rfc3339_or_none,
)
from publisher.cli.issue_control import IssueArgument, load_settings_for_issue
from publisher.cli.message_ids import MessageIdsOption, read_message_ids

if TYPE_CHECKING:
    from publisher.app.deliveries import Doubt, DoubtDecision
    from publisher.app.issues import Issue

app = typer.Typer(
    no_args_is_help=True,
    help="List deliveries that are in doubt, and decide about them.",
    epilog="Example: publisher doubt list my-publication",
)

DoubtToOption = Annotated[
    list[str] | None,
    typer.Option(
        "--to",
        metavar="ADDRESS",
        help="Only this subscriber; may be repeated.",
        show_default="all of them",
    ),
]


@app.command("list", epilog="Example: publisher doubt list --json my-publication")
def doubt_list_command(
    directory: FolderArgument = CURRENT_FOLDER, *, as_json: JsonOption = False
) -> None:
    """List deliveries in doubt, with the Message-ID to look for in the server's log."""
    settings = read_settings(directory)

    from publisher.app.deliveries import list_in_doubt

    with open_state(settings) as database:
        listed = list_in_doubt(settings, database)
    if as_json:
        print_json([_as_json(*row) for row in listed])
    else:
        lines = [_as_lines(*row) for row in listed]
        typer.echo("\n".join(lines or ["nothing is in doubt"]))


@app.command("resend", epilog="Example: publisher doubt resend weekly-en-2026-01-09")
def doubt_resend_command(
    issue: IssueArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    to: DoubtToOption = None,
    message_ids: MessageIdsOption = None,
    now: NowOption = None,
) -> int:
    """Send deliveries in doubt again. Some subscribers may get the mail twice (same Message-ID).

    Exit code 1 if a Message-ID in the file is malformed or not in doubt; the others are sent.
    """
    from publisher.app.deliveries import resend_in_doubt

    done = "will be sent again with the next run of delivery"
    return _decide(directory, issue, (to, message_ids, now), resend_in_doubt, done)


@app.command("mark-sent", epilog="Example: publisher doubt mark-sent weekly-en-2026-01-09")
def doubt_mark_sent_command(
    issue: IssueArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    to: DoubtToOption = None,
    message_ids: MessageIdsOption = None,
    now: NowOption = None,
) -> int:
    """Record what is in doubt as sent, for example because the server's log has the Message-ID.

    Exit code 1 if a Message-ID in the file is malformed or not in doubt; the others are recorded.
    """
    from publisher.app.deliveries import mark_in_doubt_sent

    options = (to, message_ids, now)
    return _decide(directory, issue, options, mark_in_doubt_sent, "marked as sent")


def _decide(
    directory: Path,
    name: str,
    options: tuple[list[str] | None, Path | None, str | None],
    decide: Callable[..., DoubtDecision],
    done: str,
) -> int:
    to, file, now = options
    settings = load_settings_for_issue(directory, name)

    from publisher.app.deliveries import DoubtChoice

    instant = parse_now(now).now()
    given = read_message_ids(file) if file else None
    choice = DoubtChoice(to or (), given.message_ids if given else None)
    with open_state(settings) as database:
        decision = decide(settings, database, name, choice, instant)
    problems = list(given.problems(decision.unknown, name)) if given else []
    for problem in problems:
        sys.stderr.write(f"publisher: {file}: {problem}\n")
    if decision.count or file:
        typer.echo(f"{count_noun(decision.count, 'mail')} {done}")
    else:
        typer.echo(f"nothing of {name} is in doubt")
    return 1 if problems else 0


def _as_json(issue: Issue, message_id: str, doubt: Doubt) -> dict[str, object]:
    return {
        "issue": issue.name,
        "subscriber": doubt.subscriber_id,
        "address": doubt.address,
        "message_id": message_id,
        "since": rfc3339_or_none(doubt.since),
        "attempts": doubt.attempts,
        "reason": doubt.reason,
        "reason_key": doubt.reason_key,
        "advice": doubt.advice,
    }


def _as_lines(issue: Issue, message_id: str, doubt: Doubt) -> str:
    """Return two lines; the Message-ID has its own, so that it can be copied at any width."""
    address = doubt.address or f"erased (number {doubt.subscriber_id})"
    tried = f"{count_noun(doubt.attempts, 'attempt')}, since {format_local(doubt.since)}"
    return f"{issue.name}: {address}: {doubt.reason}; {tried}\n    {message_id}"
