"""`publisher plan`: what goes out when."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from publisher.cli.common import (
    HERE,
    AsJson,
    Directory,
    Now,
    clock_of,
    console,
    instant,
    local,
    print_json,
)
from publisher.config import load

SHIFTED = {
    "gap": "clocks go forward over that time: later than its name",
    "fold": "clocks go back: the first of two",
    None: "",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("plan", epilog="Example: publisher plan --next 20 my-publication")(plan)


def plan(
    directory: Directory = HERE,
    *,
    count: Annotated[
        int, typer.Option("--next", min=1, max=1000, help="How many occurrences to list.")
    ] = 20,
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """List what goes out next, in local time and UTC; changes nothing."""
    clock = clock_of(now)
    settings = load(directory)

    from publisher.cli.facts import planned
    from publisher.database import open_database
    from publisher.issues.planner import upcoming_issues

    database = open_database(settings.folders.database)
    try:
        with database.reading() as connection:
            lines = upcoming_issues(settings, planned(connection, settings), clock.now(), count)
    finally:
        database.close()
    if as_json:
        print_json([_as_json(line, clock.now()) for line in lines])
    else:
        console().print(_table(lines, clock.now()))


def _as_json(line: Any, now: datetime) -> dict[str, object]:
    return {
        "newsletter": line.edition.newsletter,
        "language": line.edition.language,
        "day": line.occurrence.day.isoformat(),
        "local": line.local.isoformat(),
        "timezone": line.edition.timezone,
        "utc": instant(line.occurrence.due_at),
        "shifted": line.occurrence.shifted,
        "overdue": line.occurrence.due_at <= now,
    }


def _table(lines: list[Any], now: datetime) -> Table:
    table = Table()
    for heading in ("Newsletter", "Language", "Local time", "Zone", "UTC", "Note"):
        table.add_column(heading)
    for line in lines:
        table.add_row(
            line.edition.newsletter,
            line.edition.language,
            local(line.local),
            line.edition.timezone,
            f"{line.occurrence.due_at:%a %Y-%m-%d %H:%M}",
            _note(line, now),
        )
    return table


def _note(line: Any, now: datetime) -> str:
    overdue = (
        "due already: goes out with the next cycle" if line.occurrence.due_at <= now else ""
    )
    return "; ".join(filter(None, (overdue, SHIFTED[line.occurrence.shifted])))
