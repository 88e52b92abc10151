"""`publisher doubt`: deliveries that may or may not have been taken, and what to do about them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
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
from publisher.errors import UsageError

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

_Decision = Callable[..., "DoubtDecision"]


@app.command("list", epilog="Example: publisher doubt list --json my-publication")
def doubt_list_command(
    directory: FolderArgument = CURRENT_FOLDER, *, as_json: JsonOption = False
) -> None:
    """List what was sent without an answer, with the Message-ID to look for in the server's log."""
    settings = read_settings(directory)

    from publisher.app.deliveries import list_in_doubt

    with open_state(settings) as database:
        listed = list_in_doubt(settings, database)
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

    done = "marked as sent"
    return _decide(directory, issue, (to, message_ids, now), mark_in_doubt_sent, done)


def _decide(
    directory: Path,
    name: str,
    options: tuple[list[str] | None, Path | None, str | None],
    decide: _Decision,
    done: str,
) -> int:
    to, file, now = options
    settings = load_settings_for_issue(directory, name)

    from publisher.app.deliveries import DoubtChoice

    lines = _read_entries(file) if file else {}
    message_ids = [
        one for text in lines.values() if _MESSAGE_ID.fullmatch(one := _without_brackets(text))
    ]
    choice = DoubtChoice(to or (), message_ids if file else None)
    with open_state(settings) as database:
        decision = decide(settings, database, name, choice, parse_now(now).now())
    problems = dict(_problems(lines, decision.unknown, name))
    for number, problem in problems.items():
        sys.stderr.write(f"publisher: {file}: line {number}: {problem}\n")
    if decision.count or file:
        typer.echo(f"{count_noun(decision.count, 'mail')} {done}")
    else:
        typer.echo(f"nothing of {name} is in doubt")
    return 1 if problems else 0


def _read_entries(file: Path) -> dict[int, str]:
    """Return the lines of a file that are not empty and no comment, by their numbers."""
    lines = ((number, line.strip()) for number, line in enumerate(_read_lines(file), 1))
    return {number: text for number, text in lines if text and not text.startswith("#")}


def _read_lines(file: Path) -> list[str]:
    if str(file) == "-" and sys.stdin is None:
        raise UsageError("--from -: standard input is closed")
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return content.decode("utf-8-sig", "replace").splitlines()
    except OSError as error:
        raise UsageError(f"--from: {file}: can't be read: {error.strerror or error}") from None


def _problems(
    lines: Mapping[int, str], unknown: Collection[str], name: str
) -> Iterator[tuple[int, str]]:
    """Yield the number of each line that decided nothing, and why."""
    for number, text in lines.items():
        if not _MESSAGE_ID.fullmatch(_without_brackets(text)):
            example = "write one a line, like <5f1c.42@news.example.org>"
            yield number, f"{text}: is not a Message-ID; {example}"
        elif _without_brackets(text) in unknown:
            yield number, f"{text}: is not in doubt in {name}"


def _without_brackets(text: str) -> str:
    return text.removeprefix("<").removesuffix(">")


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
