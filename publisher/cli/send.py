"""`publisher send`: send an issue to some addresses as a test, as subscribers would get it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    ActorOption,
    FolderArgument,
    NowOption,
    editing,
    parse_now,
)
from publisher.cli.exit_codes import complain
from publisher.cli.gate_report import count_findings
from publisher.cli.preview_options import DayOption, SubscriberOption, preview_for
from publisher.cli.terminal_text import echo

if TYPE_CHECKING:
    from publisher.app.send_test_mails import SentTest


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "send",
        epilog="Example: publisher send weekly --to editor@example.org --lang en --lang ar my-publication",
    )(send_command)


def send_command(  # noqa: PLR0913  # the options of the command
    newsletter: Annotated[
        str, typer.Argument(metavar="NEWSLETTER", help="The newsletter's name.")
    ],
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    to: Annotated[
        list[str],
        typer.Option(
            "--to",
            metavar="ADDRESS",
            help="The recipient; need not be a subscriber. May be given several times.",
        ),
    ],
    lang: Annotated[
        list[str] | None,
        typer.Option(
            "--lang",
            metavar="TAG",
            help="The edition. May be given several times.",
            show_default="the first",
        ),
    ] = None,
    day: DayOption = None,
    subscriber: SubscriberOption = None,
    account: ActorOption = None,
    now: NowOption = None,
) -> None:
    """Send a test mail of an issue to some addresses, by the transport of all mail.

    No subscriber gets it, the ledger does not have it, and it may be sent again. Its
    subject says so, and its personal links do nothing.
    """
    clock = parse_now(now)

    from publisher.app.dry_run import open_preview
    from publisher.app.editions import find_edition
    from publisher.app.send_test_mails import send_tests

    with editing(directory, account, clock) as (state, actor):
        tags: list[str | None] = [*lang] if lang else [None]
        editions = [find_edition(state.settings, newsletter, tag) for tag in tags]
        with open_preview(state, picks_up=day is None, subscriber=subscriber) as (
            seen,
            renderer,
        ):
            previews = [
                preview_for(seen, renderer, actor, edition, day, subscriber)
                for edition in editions
            ]
            sent = send_tests(state, renderer, actor, previews, to)
    _print(sent)


def _print(sent: list[SentTest]) -> None:
    for one in sent:
        if one.problem is None:
            echo(f"{one.subject}: sent to {one.address}. {count_findings(one.findings)}")
        else:
            complain(f"{one.address}: {one.problem}", 1)
    if any(one.problem for one in sent):
        raise typer.Exit(1)
