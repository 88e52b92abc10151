"""`publisher doubt`: deliveries that may or may not have been taken, and what to do about them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    JsonOption,
    NowOption,
    count_noun,
    format_local,
    open_state,
    parse_now,
    print_json,
    read_settings,
    rfc3339_or_none,
)
from publisher.cli.issue_control import IssueArgument, load_settings_for_issue, open_issue
from publisher.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from publisher.config import Settings
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
        help="Only this subscriber; may be given again.",
        show_default="all of them",
    ),
]
MessageIdsOption = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="FILE",
        help="Only these Message-IDs, one a line; - reads standard input. Empty lines and "
        "lines that begin with # are ignored.",
    ),
]
# RFC 5322 section 3.6.4, as far as ours go.
_MESSAGE_ID = re.compile(r"[^\s<>@]+@[^\s<>@]+")

# What is done with the deliveries of some subscribers; None is all of them. Returns how many.
_Decision = Callable[["Connection", "Issue", "list[int] | None", datetime], int]


@app.command("list", epilog="Example: publisher doubt list --json my-publication")
def doubt_list_command(
    directory: FolderArgument = CURRENT_FOLDER, *, as_json: JsonOption = False
) -> None:
    """List what was sent without an answer, with the Message-ID to look for in the server's log."""
    settings = read_settings(directory)

    from publisher.delivery.ledger.doubts import issues_in_doubt

    with open_state(settings) as database, database.reading() as connection:
        listed = [
            (issue, doubt, f"<{message_id}>")
            for issue in issues_in_doubt(connection)
            for message_id, doubt in _by_message_id(connection, settings, issue).items()
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
    message_ids: MessageIdsOption = None,
    now: NowOption = None,
) -> int:
    """Send again what is in doubt. Who got the first mail gets a second with the same Message-ID.

    Exit code 1 if a Message-ID in the file is malformed or not in doubt; the others are sent.
    """
    from publisher.delivery.ledger.doubts import resend_doubts

    done = "will be sent again with the next run of delivery"
    return _decide(directory, issue, (to, message_ids, now), resend_doubts, done)


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
    from publisher.delivery.ledger.doubts import mark_doubts_sent

    return _decide(directory, issue, (to, message_ids, now), mark_doubts_sent, "marked as sent")


def _decide(
    directory: Path,
    name: str,
    options: tuple[list[str] | None, Path | None, str | None],
    decision: _Decision,
    done: str,
) -> int:
    to, file, now = options
    instant = parse_now(now).now()
    lines = _read_lines(file) if file else []
    problems: list[str] = []
    with open_issue(directory, name) as (connection, issue):
        chosen: list[int] | None = None
        if to or file:
            settings = load_settings_for_issue(directory, name)
            doubts = _by_message_id(connection, settings, issue)
            chosen = _of_addresses(doubts.values(), issue, to or [])
            chosen += _of_message_ids(doubts, issue, lines, problems)
        count = decision(connection, issue, chosen, instant)
    for problem in problems:
        sys.stderr.write(f"publisher: {file}: {problem}\n")
    if count or file:
        typer.echo(f"{count_noun(count, 'mail')} {done}")
    else:
        typer.echo(f"nothing of {name} is in doubt")
    return 1 if problems else 0


def _read_lines(file: Path) -> list[str]:
    if str(file) == "-" and sys.stdin is None:
        raise UsageError("--from -: standard input is closed")
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return content.decode("utf-8-sig", "replace").splitlines()
    except OSError as error:
        raise UsageError(f"--from: {file}: can't be read: {error.strerror or error}") from None


def _by_message_id(
    connection: Connection, settings: Settings, issue: Issue
) -> dict[str, Doubt]:
    """Return an issue's deliveries in doubt by Message-ID, without the angle brackets."""
    from publisher.delivery.ledger.doubts import list_doubts
    from publisher.mail.message_header import message_id_local_part
    from publisher.secret_key import load_secret

    secret, domain = load_secret(settings), settings.publication.sender.domain
    return {
        f"{message_id_local_part(secret, issue, doubt.subscriber_id)}@{domain}": doubt
        for doubt in list_doubts(connection, issue)
    }


def _of_addresses(doubts: Iterable[Doubt], issue: Issue, addresses: list[str]) -> list[int]:
    """Return the subscribers of these addresses; raise UsageError for one not in doubt."""
    known = {one.address.lower(): one.subscriber_id for one in doubts if one.address}
    for address in addresses:
        if address.lower() not in known:
            raise UsageError(f"--to: {address}: nothing of {issue.name} is in doubt there")
    return [known[address.lower()] for address in addresses]


def _of_message_ids(
    doubts: Mapping[str, Doubt], issue: Issue, lines: list[str], problems: list[str]
) -> Iterator[int]:
    """Yield the subscribers of Message-IDs; add a problem for each line that names none."""
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        message_id = text.removeprefix("<").removesuffix(">")
        if doubt := doubts.get(message_id):
            yield doubt.subscriber_id
        elif _MESSAGE_ID.fullmatch(message_id):
            problems.append(f"line {number}: {text}: is not in doubt in {issue.name}")
        else:
            example = "write one a line, like <5f1c.42@news.example.org>"
            problems.append(f"line {number}: {text}: is not a Message-ID; {example}")


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
    """Return two lines; the Message-ID has its own, so that it can be copied at any width."""
    address = doubt.address or f"erased (number {doubt.subscriber_id})"
    tried = f"{count_noun(doubt.attempts, 'attempt')}, since {format_local(doubt.since)}"
    return f"{issue.name}: {address}: {doubt.reason}; {tried}\n    {message_id}"
