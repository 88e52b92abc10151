"""`publisher deliveries` and `publisher doubt`: who did not get an issue and why, and mail that may have been taken."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
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


_MESSAGE_ID = re.compile(r"[^\s<>@]+@[^\s<>@]+")  # RFC 5322 section 3.6.4, as far as ours go


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
    if str(file) == "-" and sys.stdin is None:
        raise UsageError("--from -: standard input is closed")
    with common.reading_file(file, "--from"):
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    lines = enumerate(map(str.strip, content.decode("utf-8-sig", "replace").splitlines()), 1)
    return MessageIdLines(
        {number: text for number, text in lines if text and not text.startswith("#")}
    )


def _without_brackets(text: str) -> str:
    return text.removeprefix("<").removesuffix(">")


class RetriedState(StrEnum):
    """The states whose deliveries can be tried again."""

    FAILED = DeliveryState.FAILED
    BOUNCED = DeliveryState.BOUNCED


@common.command("deliveries retry", "weekly-en-2026-01-09 --cause full", takes="DIR --as --now")
def deliveries_retry_command(
    given: common.Given,
    issue: IssueArgument,
    *,
    state: list[RetriedState] | None = None,
    cause: list[str] | None = None,
) -> None:
    """Try deliveries again that have bounced or failed, until 7 days after the issue was finished.

    The mails have the same Message-IDs. Addresses that were suppressed stay suppressed:
    `publisher api reviveSubscriber` first.

    --state (both): Only this state; may be repeated.
    --cause KEY (any cause): Only this cause, like full; may be repeated.
    """
    refuse_folder(given.directory, issue)
    from publisher.app.issues.deliveries import retry_deliveries

    states = [DeliveryState(chosen) for chosen in state or []]
    with given.editing() as (editors, actor):
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


@common.command("deliveries list", "weekly-en-2026-01-09 --state bounced", takes="DIR --json")
def deliveries_command(
    given: common.Given, issue: IssueArgument, *, state: StateOption = None
) -> None:
    """List the subscribers who did not get an issue: address, state, attempts, next try, reason."""
    wanted = _states(state or [])
    refuse_folder(given.directory, issue)
    settings = given.settings
    from publisher.app.issues.deliveries import delivery_pages

    with open_state(given.settings) as database:
        pages = delivery_pages(settings, database, issue, wanted)
        if given.as_json:
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
    states: list[DeliveryState] = []
    for word in words:
        name = word.strip().lower().replace(" ", "_").replace("-", "_")
        if name not in _STATE_WORDS:
            raise UsageError(
                f"--state: {word!r} is not a state; use one of: {', '.join(_STATE_WORDS)}"
            )
        states += _STATE_WORDS[name]
    return tuple(dict.fromkeys(states))


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


@common.command("doubt list", "--json my-publication", takes="DIR --json")
def doubt_list_command(given: common.Given) -> None:
    """List deliveries in doubt, with the Message-ID to look for in the server's log."""
    from publisher.app.issues.deliveries import list_in_doubt

    with open_state(given.settings) as database:
        listed = list_in_doubt(given.settings, database)
    if given.as_json:
        common.print_json([_doubt_as_json(*row) for row in listed])
    else:
        lines = [_as_lines(*row) for row in listed]
        echo("\n".join(lines or ["nothing is in doubt"]))


@common.command("doubt resend", "weekly-en-2026-01-09", takes="DIR --as --now")
def doubt_resend_command(
    given: common.Given,
    issue: IssueArgument,
    *,
    to: list[str] | None = None,
    from_: Path | None = None,
) -> int:
    """Send deliveries in doubt again. Some subscribers may get the mail twice (same Message-ID).

    Exit code 1 if a Message-ID in the file is malformed or not in doubt; the others are sent.

    --to ADDRESS (all of them): Only this subscriber; may be repeated.
    --from FILE: Only these Message-IDs, one a line; - reads standard input. Empty lines and
        lines that begin with # are ignored.
    """
    return _decide(given, issue, to or (), from_, resend=True)


@common.command("doubt mark-sent", "weekly-en-2026-01-09", takes="DIR --as --now")
def doubt_mark_sent_command(
    given: common.Given,
    issue: IssueArgument,
    *,
    to: list[str] | None = None,
    from_: Path | None = None,
) -> int:
    """Record what is in doubt as sent, for example because the server's log has the Message-ID.

    Exit code 1 if a Message-ID in the file is malformed or not in doubt; the others are recorded.

    --to ADDRESS (all of them): Only this subscriber; may be repeated.
    --from FILE: Only these Message-IDs, one a line; - reads standard input. Empty lines and
        lines that begin with # are ignored.
    """
    return _decide(given, issue, to or (), from_, resend=False)


def _decide(
    given: common.Given, name: str, to: Sequence[str], file: Path | None, *, resend: bool
) -> int:
    refuse_folder(given.directory, name)
    from publisher.app.issues.deliveries import DoubtChoice, decide_doubts

    listed = read_message_ids(file) if file else None
    choice = DoubtChoice(to, listed.message_ids if listed else None)
    with given.editing() as (state, actor):
        decision = decide_doubts(state, actor, name, choice, resend=resend)
    problems = list(listed.problems(decision.unknown, name)) if listed else []
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


_UNKNOWN = "its Message-ID can't be known, since the secret was changed: look for the address"


def _as_lines(issue: Issue, message_id: str, doubt: Doubt) -> str:
    """Return two lines; the Message-ID has its own, so that it can be copied at any width."""
    address = doubt.address or f"erased (number {doubt.subscriber_id})"
    tried = f"{common.count_noun(doubt.attempts, 'attempt')}, since {common.format_local(doubt.since)}"
    return f"{issue.name}: {address}: {doubt.reason}; {tried}\n    {message_id or _UNKNOWN}"
