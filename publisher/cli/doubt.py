"""`publisher doubt`: deliveries that may or may not have been taken, and what to do about them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from publisher.app.state import open_state
from publisher.cli.common import (
    CURRENT_FOLDER,
    ActorOption,
    FolderArgument,
    JsonOption,
    NowOption,
    count_noun,
    editing,
    format_local,
    parse_now,
    print_json,
    read_settings,
    rfc3339_or_none,
)
from publisher.cli.doubt_reconcile import doubt_reconcile_command
from publisher.cli.issue_arguments import IssueArgument, refuse_folder
from publisher.cli.message_ids import DoubtToOption, MessageIdsOption, read_message_ids
from publisher.cli.terminal_text import echo

if TYPE_CHECKING:
    from publisher.app.deliveries import Doubt
    from publisher.app.issues import Issue

_UNKNOWN = "its Message-ID can't be known, since the secret was changed: look for the address"
app = typer.Typer(
    no_args_is_help=True,
    help="List deliveries that are in doubt, and decide about them.",
    epilog="Example: publisher doubt list my-publication",
)

app.command(
    "reconcile",
    epilog="Example: publisher doubt reconcile --log /var/log/mail.log my-publication",
)(doubt_reconcile_command)


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
        echo("\n".join(lines or ["nothing is in doubt"]))


@app.command("resend", epilog="Example: publisher doubt resend weekly-en-2026-01-09")
def doubt_resend_command(
    issue: IssueArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    to: DoubtToOption = None,
    message_ids: MessageIdsOption = None,
    acting: ActorOption = None,
    now: NowOption = None,
) -> int:
    """Send deliveries in doubt again. Some subscribers may get the mail twice (same Message-ID).

    Exit code 1 if a Message-ID in the file is malformed or not in doubt; the others are sent.
    """
    done = "will be sent again with the next run of delivery"
    options = (to, message_ids, acting, now)
    return _decide(directory, issue, options, done, resend=True)


@app.command("mark-sent", epilog="Example: publisher doubt mark-sent weekly-en-2026-01-09")
def doubt_mark_sent_command(
    issue: IssueArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    to: DoubtToOption = None,
    message_ids: MessageIdsOption = None,
    acting: ActorOption = None,
    now: NowOption = None,
) -> int:
    """Record what is in doubt as sent, for example because the server's log has the Message-ID.

    Exit code 1 if a Message-ID in the file is malformed or not in doubt; the others are recorded.
    """
    options = (to, message_ids, acting, now)
    return _decide(directory, issue, options, "marked as sent", resend=False)


def _decide(
    directory: Path,
    name: str,
    options: tuple[list[str] | None, Path | None, str | None, str | None],
    done: str,
    *,
    resend: bool,
) -> int:
    to, file, acting, now = options
    refuse_folder(directory, name)

    from publisher.app.deliveries import DoubtChoice, decide_doubts

    given = read_message_ids(file) if file else None
    choice = DoubtChoice(to or (), given.message_ids if given else None)
    with editing(directory, acting, parse_now(now)) as (state, actor):
        decision = decide_doubts(state, actor, name, choice, resend=resend)
    problems = list(given.problems(decision.unknown, name)) if given else []
    for problem in problems:
        echo(f"publisher: {file}: {problem}", err=True)
    if decision.count or file:
        echo(f"{count_noun(decision.count, 'mail')} {done}")
    else:
        echo(f"nothing of {name} is in doubt")
    return 1 if problems else 0


def _as_json(issue: Issue, message_id: str, doubt: Doubt) -> dict[str, object]:
    return {
        "issue": issue.name,
        "subscriber": doubt.subscriber_id,
        "address": doubt.address,
        "message_id": message_id or None,
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
    return f"{issue.name}: {address}: {doubt.reason}; {tried}\n    {message_id or _UNKNOWN}"
