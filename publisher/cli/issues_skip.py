"""`publisher issues skip`: have no issue on a day."""

from __future__ import annotations

from typing import Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    ActorOption,
    FolderArgument,
    JsonOption,
    NowOption,
    editing,
    parse_now,
    print_json,
)
from publisher.cli.issue_arguments import (
    DayArgument,
    LanguagesOption,
    NewsletterArgument,
    parse_day,
)
from publisher.cli.terminal_text import echo


def register(app: typer.Typer) -> None:
    """Add the command."""
    example = 'skip weekly 2026-01-09 --lang ar --note "a holiday"'
    app.command("skip", epilog=f"Example: publisher issues {example}")(issues_skip_command)


def issues_skip_command(  # noqa: PLR0913  # options
    newsletter: NewsletterArgument,
    day: DayArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    lang: LanguagesOption = None,
    why: Annotated[
        str, typer.Option("--note", metavar="TEXT", help="The reason; `calendar` shows it.")
    ] = "",
    acting: ActorOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have no issue on a date, whether it is made already or still to come.

    The next issue may have its articles. `restore` undoes it while the issue is not made. One that is being
    sent is stopped by `cancel`.
    """
    from publisher.app.issue_skip import OccurrenceKey, skip_day

    key = OccurrenceKey(newsletter=newsletter, day=parse_day(day), languages=tuple(lang or ()))
    with editing(directory, acting, parse_now(now)) as (state, actor):
        done = skip_day(state, actor, key, why)
    if as_json:
        print_json(
            [
                {
                    "issue": one.name,
                    "state": "skipped",
                    "reason": one.reason,
                    "was_made": one.was_made,
                }
                for one in done
            ]
        )
        return
    for one in done:
        echo(f"{one.name} is skipped: {one.reason}")
