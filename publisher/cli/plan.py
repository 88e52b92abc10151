"""`publisher plan`: the next issues and their times."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from datetime import datetime
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
    make_table,
    parse_now,
    print_json,
    read_settings,
    rfc3339_or_none,
    stdout_console,
)
from publisher.cli.terminal_text import echo

if TYPE_CHECKING:
    from rich.table import Table

    from publisher.app.issues import UpcomingIssue

_CLOCK_CHANGE_NOTES = {
    "gap": "the clocks skip this time: sent later",
    "fold": "the clocks repeat this time: sent the first time",
    None: "",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("plan", epilog="Example: publisher plan --next 20 my-publication")(plan_command)


def plan_command(
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    count: Annotated[
        int, typer.Option("--next", min=1, max=1000, help="How many occurrences to list.")
    ] = 20,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what goes out next, in local time and UTC; changes nothing."""
    clock = parse_now(now)
    settings = read_settings(directory)

    from publisher.app.articles import count_archived_articles
    from publisher.app.issues import list_upcoming

    with open_state(settings) as database:
        lines = list_upcoming(settings, database, clock.now(), count)
        archived = count_archived_articles(database)
    if as_json:
        print_json([_as_json(line, archived, clock.now()) for line in lines])
    else:
        stdout_console().print(_table(lines, clock.now()))
        for line in _archive_lines(archived):
            echo(line)


def _archive_lines(archived: Mapping[str, int]) -> Iterator[str]:
    for source, count in archived.items():
        articles = count_noun(count, "article")
        yield f"{source}: its first import, {articles}, is an archive and is not mailed"
        yield f"    publisher articles announce {shlex.quote(source)}   # mails them all the same"


def _as_json(
    line: UpcomingIssue, archived: Mapping[str, int], now: datetime
) -> dict[str, object]:
    return {
        "newsletter": line.edition.newsletter,
        "language": line.edition.language,
        "day": line.occurrence.day.isoformat(),
        "local": line.local.isoformat(),
        "timezone": line.edition.timezone,
        "utc": rfc3339_or_none(line.occurrence.due_at),
        "shifted": line.occurrence.shifted,
        "local_time": line.edition.local_time,
        "overdue": line.occurrence.due_at <= now,
        # Of an issue that is made already; null if it is not.
        "state": line.state,
        # What it waits for; null for nothing.
        "waits": line.waits or None,
        # Articles of each source that no issue carries, since they are an archive.
        "archive": dict(archived),
    }


def _table(lines: list[UpcomingIssue], now: datetime) -> Table:
    table = make_table("Newsletter", "Language", "Local time", "Zone", "UTC", "Note")
    for line in lines:
        table.add_row(
            line.edition.newsletter,
            line.edition.language,
            format_local(line.local),
            line.edition.timezone,
            f"{line.occurrence.due_at:%a %Y-%m-%d %H:%M}",
            _note(line, now),
        )
    return table


def _note(line: UpcomingIssue, now: datetime) -> str:
    is_overdue = line.occurrence.due_at <= now and not line.waits
    overdue = "due already: the next cycle sends it" if is_overdue else ""
    local = "at each subscriber's local time; made at the time in UTC"
    notes = (
        overdue,
        line.state.replace("_", " ") if line.state else "",
        line.waits,
        local if line.edition.local_time else "",
        _CLOCK_CHANGE_NOTES[line.occurrence.shifted],
    )
    return "; ".join(filter(None, notes))
