"""`publisher doubt`: deliveries of which nobody knows whether they were taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    JsonOption,
    count_noun,
    format_local,
    parse_now,
    print_json,
    rfc3339_or_none,
)
from publisher.cli.issue_control import IssueArgument, open_issue
from publisher.config import load_settings
from publisher.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from publisher.delivery.ledger.doubts import Doubt
    from publisher.issues.model import Issue

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
        help="Only this reader; may be said again.",
        show_default="all of them",
    ),
]


@app.command("list", epilog="Example: publisher doubt list --json my-publication")
def doubt_list_command(
    directory: FolderArgument = CURRENT_FOLDER, *, as_json: JsonOption = False
) -> None:
    """List what was sent without an answer, with the Message-ID to look for in the server's log."""
    from contextlib import closing

    from publisher.database import open_database
    from publisher.delivery.ledger.doubts import issues_in_doubt, list_doubts
    from publisher.mail.message_header import message_name
    from publisher.secret_key import load_secret

    settings = load_settings(directory)
    secret, domain = load_secret(settings), settings.publication.sender.domain
    with (
        closing(open_database(settings.folders.database)) as database,
        database.reading() as connection,
    ):
        listed = [
            (issue, doubt, f"<{message_name(secret, issue, doubt.subscriber_id)}@{domain}>")
            for issue in issues_in_doubt(connection)
            for doubt in list_doubts(connection, issue)
        ]
    if as_json:
        print_json([_as_json(*row) for row in listed])
    else:
        for row in listed:
            typer.echo(_as_lines(*row))
        if not listed:
            typer.echo("nothing is in doubt")


@app.command("resend", epilog="Example: publisher doubt resend weekly-en-2026-01-09")
def doubt_resend_command(
    issue: IssueArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    to: DoubtToOption = None,
) -> None:
    """Send again what is in doubt. Who got the first gets a second, with the same Message-ID."""
    from publisher.delivery.ledger.doubts import resend_doubts

    now = parse_now(None).now()
    with open_issue(directory, issue) as (connection, one):
        count = resend_doubts(connection, one, _readers(connection, one, to), now)
    done = f"{count_noun(count, 'mail')} will be sent again with the next turn of delivery"
    typer.echo(done if count else f"nothing of {issue} is in doubt")


@app.command("mark-sent", epilog="Example: publisher doubt mark-sent weekly-en-2026-01-09")
def doubt_mark_sent_command(
    issue: IssueArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    to: DoubtToOption = None,
) -> None:
    """Take what is in doubt for sent, say because the server's log shows the Message-ID."""
    from publisher.delivery.ledger.doubts import mark_doubts_sent

    now = parse_now(None).now()
    with open_issue(directory, issue) as (connection, one):
        count = mark_doubts_sent(connection, one, _readers(connection, one, to), now)
    done = f"{count_noun(count, 'mail')} taken for sent"
    typer.echo(done if count else f"nothing of {issue} is in doubt")


def _readers(
    connection: Connection, issue: Issue, addresses: list[str] | None
) -> list[int] | None:
    """Find the readers that are meant; raises UsageError for one with nothing in doubt."""
    if not addresses:
        return None
    from publisher.delivery.ledger.doubts import list_doubts

    known = {
        doubt.address.lower(): doubt.subscriber_id
        for doubt in list_doubts(connection, issue)
        if doubt.address
    }
    for address in addresses:
        if address.lower() not in known:
            raise UsageError(f"--to: {address}: nothing of {issue.name} is in doubt there")
    return [known[address.lower()] for address in addresses]


def _as_json(issue: Issue, doubt: Doubt, message_id: str) -> dict[str, object]:
    return {
        "issue": issue.name,
        "subscriber": doubt.subscriber_id,
        "address": doubt.address,
        "message_id": message_id,
        "since": rfc3339_or_none(doubt.since),
        "attempts": doubt.attempts,
        "reason": doubt.reason,
    }


def _as_lines(issue: Issue, doubt: Doubt, message_id: str) -> str:
    """Give the Message-ID a line of its own: no table is wide enough to copy it from."""
    address = doubt.address or f"erased (number {doubt.subscriber_id})"
    tried = f"{count_noun(doubt.attempts, 'attempt')}, since {format_local(doubt.since)}"
    return f"{issue.name}: {address}: {doubt.reason}; {tried}\n    {message_id}"
