"""`publisher calendar`: what went out and what comes, day by day, in all languages."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from publisher.cli.calendar_output import calendar_as_json, calendar_notes, calendar_table
from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    JsonOption,
    NowOption,
    editing,
    parse_now,
    print_json,
    stdout_console,
    writing_file,
)
from publisher.cli.issue_arguments import parse_day
from publisher.cli.terminal_text import echo
from publisher.errors import UsageError

_WEEKS = 5


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("calendar", epilog="Example: publisher calendar --until 2026-12-31")(
        calendar_command
    )


def calendar_command(  # options
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    first: Annotated[
        str | None,
        typer.Option("--from", metavar="DAY", help="The first day.", show_default="today"),
    ] = None,
    last: Annotated[
        str | None,
        typer.Option("--until", metavar="DAY", help="The last day.", show_default="5 weeks"),
    ] = None,
    ics: Annotated[
        Path | None,
        typer.Option("--ics", metavar="FILE", help="Write an iCalendar file instead."),
    ] = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what went out and what comes, in local time and UTC; changes nothing."""
    since = parse_day(first, "--from") if first else None
    until = parse_day(last, "--until") if last else None
    with editing(directory, None, parse_now(now)) as (state, _actor):
        from publisher.app.calendar import read_calendar

        today = state.clock.now().astimezone(state.settings.zone()).date()
        since = since or today
        # The last day there is: which years are refused is said where days are read.
        until = until or since + min(timedelta(weeks=_WEEKS), date.max - since)
        if until < since:
            raise UsageError(f"--until: {until} is before the first day, {since}")
        if ics is not None:
            from publisher.app.calendar_file import write_calendar

            content = write_calendar(state, since, until)
            with writing_file(ics):
                ics.write_bytes(content)
            return
        calendar = read_calendar(state, since, until)
    if as_json:
        print_json(calendar_as_json(calendar))
        return
    stdout_console().print(calendar_table(calendar))
    echo("\n".join(calendar_notes(calendar)))
