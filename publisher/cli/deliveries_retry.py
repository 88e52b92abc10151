"""`publisher deliveries retry`: try failed deliveries again."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    ActorOption,
    FolderArgument,
    NowOption,
    count_noun,
    editing,
    parse_now,
)
from publisher.cli.issue_arguments import IssueArgument, refuse_folder
from publisher.cli.terminal_text import echo
from publisher.delivery.states import DeliveryState


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
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    state: RetriedStateOption = None,
    cause: CauseOption = None,
    acting: ActorOption = None,
    now: NowOption = None,
) -> None:
    """Try deliveries again that have bounced or failed, until 7 days after the issue was finished.

    The mails have the same Message-IDs. Addresses that were suppressed stay suppressed:
    `publisher subscribers revive` them first.
    """
    refuse_folder(directory, issue)

    from publisher.app.deliveries import retry_deliveries

    states = [DeliveryState(one) for one in state or []]
    with editing(directory, acting, parse_now(now)) as (editors, actor):
        done = retry_deliveries(editors, actor, issue, states, cause or [])
    left = f"; {done.unwanted} not, as the newsletter does not go there any more"
    what = f"{count_noun(done.count, 'mail')} will be sent again with the next run of delivery"
    nothing = f"nothing of {issue} is sent again"
    echo((what if done.count else nothing) + (left if done.unwanted else ""))
