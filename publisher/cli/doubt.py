"""`publisher doubt`: deliveries of which nobody knows whether they were taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import (
    HERE,
    AsJson,
    Directory,
    clock_of,
    counted,
    instant,
    local,
    print_json,
)
from publisher.cli.control import IssueName, found
from publisher.config import load
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

To = Annotated[
    list[str] | None,
    typer.Option(
        "--to",
        metavar="ADDRESS",
        help="Only this reader; may be said again.",
        show_default="all of them",
    ),
]


@app.command("list", epilog="Example: publisher doubt list --json my-publication")
def list_(directory: Directory = HERE, *, as_json: AsJson = False) -> None:
    """List what was sent without an answer, with the Message-ID to look for in the server's log."""
    from contextlib import closing

    from publisher.database import open_database
    from publisher.delivery.ledger.doubts import issues_in_doubt, list_doubts
    from publisher.mail.message_header import message_name
    from publisher.secret import secret_of

    settings = load(directory)
    secret, domain = secret_of(settings), settings.publication.sender.domain
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
def resend(issue: IssueName, directory: Directory = HERE, *, to: To = None) -> None:
    """Send again what is in doubt. Who got the first gets a second, with the same Message-ID."""
    from publisher.delivery.ledger.doubts import resend_doubts

    now = clock_of(None).now()
    with found(directory, issue) as (connection, one):
        count = resend_doubts(connection, one, _readers(connection, one, to), now)
    done = f"{counted(count, 'mail')} will be sent again with the next turn of delivery"
    typer.echo(done if count else f"nothing of {issue} is in doubt")


@app.command("mark-sent", epilog="Example: publisher doubt mark-sent weekly-en-2026-01-09")
def mark_sent(issue: IssueName, directory: Directory = HERE, *, to: To = None) -> None:
    """Take what is in doubt for sent, say because the server's log shows the Message-ID."""
    from publisher.delivery.ledger.doubts import mark_doubts_sent

    now = clock_of(None).now()
    with found(directory, issue) as (connection, one):
        count = mark_doubts_sent(connection, one, _readers(connection, one, to), now)
    done = f"{counted(count, 'mail')} taken for sent"
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
        "since": instant(doubt.since),
        "attempts": doubt.attempts,
        "reason": doubt.reason,
    }


def _as_lines(issue: Issue, doubt: Doubt, message_id: str) -> str:
    """Give the Message-ID a line of its own: no table is wide enough to copy it from."""
    address = doubt.address or f"erased (number {doubt.subscriber_id})"
    tried = f"{counted(doubt.attempts, 'attempt')}, since {local(doubt.since)}"
    return f"{issue.name}: {address}: {doubt.reason}; {tried}\n    {message_id}"
