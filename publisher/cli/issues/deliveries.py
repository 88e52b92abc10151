"""`publisher deliveries` and `publisher doubt`: who did not get an issue and why, and mail that may have been taken.

Mail in doubt is decided by hand, by a file of Message-IDs, or by the log of the mail server.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.app.opening import open_state
from publisher.cli import common
from publisher.cli.exit_codes import echo
from publisher.cli.issues.arguments import IssueArgument, refuse_folder
from publisher.cli.issues.output import explain_resending
from publisher.delivery.states import (
    REPORTED_STATES,
    WAITING_STATES,
    DeliveryState,
    reported_state,
)
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.delivery.ledger.doubts import Doubt
    from publisher.delivery.ledger.reports import DeliveryRecord
    from publisher.issues.model import Issue


MessageIdsOption = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="FILE",
        help="Only these Message-IDs, one a line; - reads standard input. Empty lines and "
        "lines that begin with # are ignored.",
    ),
]
DoubtToOption = Annotated[
    list[str] | None,
    typer.Option(
        "--to",
        metavar="ADDRESS",
        help="Only this subscriber; may be repeated.",
        show_default="all of them",
    ),
]
# RFC 5322 section 3.6.4, as far as ours go.
_MESSAGE_ID = re.compile(r"[^\s<>@]+@[^\s<>@]+")


@dataclass(frozen=True, slots=True)
class MessageIdLines:
    """The lines of a file that are not empty and no comment, by their numbers from 1."""

    lines: Mapping[int, str]

    @property
    def message_ids(self) -> list[str]:
        """The Message-IDs, without angle brackets."""
        return list(filter(_MESSAGE_ID.fullmatch, map(_without_brackets, self.lines.values())))

    def problems(self, unknown: Collection[str], issue: str) -> Iterator[str]:
        """Yield why lines decided nothing: no Message-ID, or one of `unknown`."""
        for number, text in self.lines.items():
            message_id = _without_brackets(text)
            if not _MESSAGE_ID.fullmatch(message_id):
                example = "write one a line, like <5f1c.42@news.example.org>"
                yield f"line {number}: {text}: is not a Message-ID; {example}"
            elif message_id in unknown:
                yield f"line {number}: {text}: is not in doubt in {issue}"


def read_message_ids(file: Path) -> MessageIdLines:
    """Read a file, or standard input for `-`; raise UsageError if it can't be read."""
    if str(file) == "-" and sys.stdin is None:
        raise UsageError("--from -: standard input is closed")
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise UsageError(f"--from: {file}: can't be read: {error.strerror or error}") from None
    lines = enumerate(content.decode("utf-8-sig", "replace").splitlines(), 1)
    found = {number: line.strip() for number, line in lines}
    return MessageIdLines(
        {number: text for number, text in found.items() if text and not text.startswith("#")}
    )


def _without_brackets(text: str) -> str:
    return text.removeprefix("<").removesuffix(">")


def doubt_reconcile_command(
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    log: Annotated[
        Path,
        typer.Option("--log", metavar="FILE", help="Postfix's log; - reads standard input."),
    ],
    acting: common.ActorOption = None,
    now: common.NowOption = None,
) -> None:
    """Decide what is in doubt by Postfix's log, where it has the Message-ID and a result.

    The rest stays in doubt: look whether the log goes back far enough before you send it again.
    """
    from publisher.app.issues.deliveries import reconcile_doubts

    with (
        common.editing(directory, acting, common.parse_now(now)) as (state, actor),
        _lines_of(log) as lines,
    ):
        done = reconcile_doubts(state, actor, lines)
    echo(f"{done.sent} marked as sent, {done.bounced} returned, {done.left} still in doubt")


@contextmanager
def _lines_of(file: Path) -> Iterator[Iterable[str]]:
    if str(file) == "-":
        yield sys.stdin
        return
    try:
        opened = file.open(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"--log: {file}: can't be read: {error.strerror or error}") from None
    with opened as lines:
        yield lines


class RetriedState(StrEnum):
    """The states whose deliveries can be tried again."""

    FAILED = DeliveryState.FAILED
    BOUNCED = DeliveryState.BOUNCED


RetriedStateOption = Annotated[
    list[RetriedState] | None,
    typer.Option("--state", help="Only this state; may be repeated.", show_default="both"),
]
CauseOption = Annotated[
    list[str] | None,
    typer.Option(
        "--cause",
        metavar="KEY",
        help="Only this cause, like full; may be repeated.",
        show_default="any cause",
    ),
]


def deliveries_retry_command(
    issue: IssueArgument,
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    state: RetriedStateOption = None,
    cause: CauseOption = None,
    acting: common.ActorOption = None,
    now: common.NowOption = None,
) -> None:
    """Try deliveries again that have bounced or failed, until 7 days after the issue was finished.

    The mails have the same Message-IDs. Addresses that were suppressed stay suppressed:
    `publisher api reviveSubscriber` first.
    """
    refuse_folder(directory, issue)

    from publisher.app.issues.deliveries import retry_deliveries

    states = [DeliveryState(one) for one in state or []]
    with common.editing(directory, acting, common.parse_now(now)) as (editors, actor):
        done = retry_deliveries(editors, actor, issue, states, cause or [])
    left = f"; {done.unwanted} not, as the newsletter does not go there any more"
    again = explain_resending(issue, is_paused=done.is_paused)
    what = f"{common.count_noun(done.count, 'mail')} {again}"
    nothing = f"nothing of {issue} is sent again"
    echo((what if done.count else nothing) + (left if done.unwanted else ""))


# The words of `status`, and the states that each counts.
_STATE_WORDS = {state.value: (state,) for state in REPORTED_STATES} | {
    "waiting": WAITING_STATES
}

StateOption = Annotated[
    list[str] | None,
    typer.Option(
        "--state",
        metavar="STATE",
        help=f"Only these states; may be repeated: {', '.join(_STATE_WORDS)}.",
        show_default="all but sent and waiting for the first attempt",
    ),
]

_group = typer.Typer(
    cls=common.ListByDefault,
    no_args_is_help=True,
    help="List the subscribers who did not get an issue, and try them again.",
    epilog="Example: publisher deliveries weekly-en-2026-01-09 --state bounced",
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    example = "Example: publisher deliveries"
    _group.command(
        common.DEFAULT_COMMAND, epilog=f"{example} weekly-en-2026-01-09 --state bounced"
    )(deliveries_command)
    _group.command("retry", epilog=f"{example} retry weekly-en-2026-01-09 --cause full")(
        deliveries_retry_command
    )
    app.add_typer(_group, name="deliveries")


def deliveries_command(
    issue: IssueArgument,
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    state: StateOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """List the subscribers who did not get an issue: address, state, attempts, next try, reason."""
    wanted = _states(state or [])
    refuse_folder(directory, issue)
    settings = common.read_settings(directory)

    from publisher.app.issues.deliveries import delivery_pages

    with open_state(settings) as database:
        pages = delivery_pages(settings, database, issue, wanted)
        if as_json:
            common.print_json_list(_deliveries_as_json(line) for page in pages for line in page)
        else:
            _print_pages(pages, issue, wanted)


def _print_pages(
    pages: Iterator[list[DeliveryRecord]], issue: str, wanted: Sequence[DeliveryState]
) -> None:
    is_any = False
    for page in pages:
        for row in _columns(page, with_heading=not is_any):
            echo(row)
        is_any = True
    if not is_any:
        words = " or ".join(dict.fromkeys(map(reported_state, wanted)))
        everybody = f"no delivery of {issue} has failed; publisher status shows its state"
        echo(f"nothing of {issue} is {words.replace('_', ' ')}" if words else everybody)


def _states(words: list[str]) -> tuple[DeliveryState, ...]:
    found: list[DeliveryState] = []
    for word in words:
        name = word.strip().lower().replace(" ", "_").replace("-", "_")
        if name not in _STATE_WORDS:
            raise UsageError(
                f"--state: {word!r} is not a state; use one of: {', '.join(_STATE_WORDS)}"
            )
        found += _STATE_WORDS[name]
    return tuple(dict.fromkeys(found))


def _columns(page: list[DeliveryRecord], *, with_heading: bool) -> Iterator[str]:
    """Yield one line per delivery, at any window width, so that the output can be searched."""
    rows = [("Address", "State", "Attempts", "Next try", "Reason")] if with_heading else []
    rows += [
        (
            line.address or f"erased (number {line.subscriber_id})",
            reported_state(line.state).replace("_", " "),
            str(line.attempts),
            common.rfc3339_or_none(line.next_at) or "",
            " ".join((line.reason or "").split()),
        )
        for line in page
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    for *cells, reason in rows:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        yield "  ".join((*padded, reason)).rstrip()


def _deliveries_as_json(line: DeliveryRecord) -> dict[str, Any]:
    return {
        "subscriber": line.subscriber_id,
        "address": line.address,
        "state": reported_state(line.state),
        "attempts": line.attempts,
        "next_try": common.rfc3339_or_none(line.next_at),
        "since": common.rfc3339_or_none(line.changed_at),
        **common.fields_as_json(line, "reason", "reason_key", "advice"),
    }


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
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    as_json: common.JsonOption = False,
) -> None:
    """List deliveries in doubt, with the Message-ID to look for in the server's log."""
    settings = common.read_settings(directory)

    from publisher.app.issues.deliveries import list_in_doubt

    with open_state(settings) as database:
        listed = list_in_doubt(settings, database)
    if as_json:
        common.print_json([_doubt_as_json(*row) for row in listed])
    else:
        lines = [_as_lines(*row) for row in listed]
        echo("\n".join(lines or ["nothing is in doubt"]))


@app.command("resend", epilog="Example: publisher doubt resend weekly-en-2026-01-09")
def doubt_resend_command(
    issue: IssueArgument,
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    to: DoubtToOption = None,
    message_ids: MessageIdsOption = None,
    acting: common.ActorOption = None,
    now: common.NowOption = None,
) -> int:
    """Send deliveries in doubt again. Some subscribers may get the mail twice (same Message-ID).

    Exit code 1 if a Message-ID in the file is malformed or not in doubt; the others are sent.
    """
    options = (to, message_ids, acting, now)
    return _decide(directory, issue, options, resend=True)


@app.command("mark-sent", epilog="Example: publisher doubt mark-sent weekly-en-2026-01-09")
def doubt_mark_sent_command(
    issue: IssueArgument,
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    to: DoubtToOption = None,
    message_ids: MessageIdsOption = None,
    acting: common.ActorOption = None,
    now: common.NowOption = None,
) -> int:
    """Record what is in doubt as sent, for example because the server's log has the Message-ID.

    Exit code 1 if a Message-ID in the file is malformed or not in doubt; the others are recorded.
    """
    options = (to, message_ids, acting, now)
    return _decide(directory, issue, options, resend=False)


def _decide(
    directory: Path,
    name: str,
    options: tuple[list[str] | None, Path | None, str | None, str | None],
    *,
    resend: bool,
) -> int:
    to, file, acting, now = options
    refuse_folder(directory, name)

    from publisher.app.issues.deliveries import DoubtChoice, decide_doubts

    given = read_message_ids(file) if file else None
    choice = DoubtChoice(to or (), given.message_ids if given else None)
    with common.editing(directory, acting, common.parse_now(now)) as (state, actor):
        decision = decide_doubts(state, actor, name, choice, resend=resend)
    problems = list(given.problems(decision.unknown, name)) if given else []
    for problem in problems:
        echo(f"publisher: {file}: {problem}", err=True)
    if decision.count or file:
        again = explain_resending(name, is_paused=decision.is_paused)
        echo(
            f"{common.count_noun(decision.count, 'mail')} {again if resend else 'marked as sent'}"
        )
    else:
        echo(f"nothing of {name} is in doubt")
    return 1 if problems else 0


def _doubt_as_json(issue: Issue, message_id: str, doubt: Doubt) -> dict[str, object]:
    return {
        "issue": issue.name,
        "subscriber": doubt.subscriber_id,
        "address": doubt.address,
        "message_id": message_id or None,
        "since": common.rfc3339_or_none(doubt.since),
        **common.fields_as_json(doubt, "attempts", "reason", "reason_key", "advice"),
    }


def _as_lines(issue: Issue, message_id: str, doubt: Doubt) -> str:
    """Return two lines; the Message-ID has its own, so that it can be copied at any width."""
    address = doubt.address or f"erased (number {doubt.subscriber_id})"
    tried = f"{common.count_noun(doubt.attempts, 'attempt')}, since {common.format_local(doubt.since)}"
    return f"{issue.name}: {address}: {doubt.reason}; {tried}\n    {message_id or _UNKNOWN}"
