"""`publisher deliveries`: which subscribers did not get an issue, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.app.state import open_state
from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    JsonOption,
    print_json_list,
    read_settings,
    rfc3339_or_none,
)
from publisher.cli.default_command import DEFAULT_COMMAND, ListByDefault
from publisher.cli.deliveries_retry import deliveries_retry_command
from publisher.cli.issue_arguments import IssueArgument, refuse_folder
from publisher.cli.terminal_text import echo
from publisher.delivery.states import REPORTED_STATES, WAITING_STATES, DeliveryState
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.app.deliveries import DeliveryRecord

# The words of `status`, and the states that each counts.
_STATE_WORDS = {state.value: (state,) for state in REPORTED_STATES} | {
    "waiting": WAITING_STATES
}
_SHOWN_AS = {state: word for word, states in _STATE_WORDS.items() for state in states}

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
    cls=ListByDefault,
    no_args_is_help=True,
    help="List the subscribers who did not get an issue, and try them again.",
    epilog="Example: publisher deliveries weekly-en-2026-01-09 --state bounced",
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    example = "Example: publisher deliveries"
    _group.command(DEFAULT_COMMAND, epilog=f"{example} weekly-en-2026-01-09 --state bounced")(
        deliveries_command
    )
    _group.command("retry", epilog=f"{example} retry weekly-en-2026-01-09 --cause full")(
        deliveries_retry_command
    )
    app.add_typer(_group, name="deliveries")


def deliveries_command(
    issue: IssueArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the subscribers who did not get an issue: address, state, attempts, next try, reason."""
    wanted = _states(state or [])
    refuse_folder(directory, issue)
    settings = read_settings(directory)

    from publisher.app.deliveries import delivery_pages

    with open_state(settings) as database:
        pages = delivery_pages(settings, database, issue, wanted)
        if as_json:
            print_json_list(_as_json(line) for page in pages for line in page)
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
        words = " or ".join(dict.fromkeys(_SHOWN_AS[one] for one in wanted))
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
            _SHOWN_AS[line.state].replace("_", " "),
            str(line.attempts),
            rfc3339_or_none(line.next_at) or "",
            " ".join((line.reason or "").split()),
        )
        for line in page
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    for *cells, reason in rows:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        yield "  ".join((*padded, reason)).rstrip()


def _as_json(line: DeliveryRecord) -> dict[str, Any]:
    return {
        "subscriber": line.subscriber_id,
        "address": line.address,
        "state": _SHOWN_AS[line.state],
        "attempts": line.attempts,
        "next_try": rfc3339_or_none(line.next_at),
        "since": rfc3339_or_none(line.changed_at),
        "reason": line.reason,
        "reason_key": line.reason_key,
        "advice": line.advice,
    }
