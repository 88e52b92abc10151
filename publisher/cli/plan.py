"""`publisher plan`: what goes out when."""

from __future__ import annotations

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
    "gap": "clocks go forward: an hour later than its name",
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
    from publisher.issues.planning import upcoming

    database = open_database(settings.folders.database)
    try:
        with database.reading() as connection:
            lines = upcoming(settings, planned(connection, settings), clock.now(), count)
    finally:
        database.close()
    if as_json:
        print_json([_as_json(line) for line in lines])
    else:
        console().print(_table(lines))


def _as_json(line: Any) -> dict[str, object]:
    return {
        "newsletter": line.edition.newsletter,
        "language": line.edition.language,
        "day": line.occurrence.day.isoformat(),
        "local": line.local.isoformat(),
        "timezone": line.edition.timezone,
        "utc": instant(line.occurrence.due_at),
        "shifted": line.occurrence.shifted,
    }


def _table(lines: list[Any]) -> Table:
    table = Table()
    for heading in ("Newsletter", "Language", "Local time", "Zone", "UTC", "Shifted"):
        table.add_column(heading)
    for line in lines:
        table.add_row(
            line.edition.newsletter,
            line.edition.language,
            local(line.local),
            line.edition.timezone,
            f"{line.occurrence.due_at:%a %Y-%m-%d %H:%M}",
            SHIFTED[line.occurrence.shifted],
        )
    return table
