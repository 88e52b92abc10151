"""`publisher demo`: a week of the demo publication."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import console

if TYPE_CHECKING:
    from datetime import datetime

    from publisher.cycle import Report


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo", epilog="Example: publisher demo build/demo")(demo)


def demo(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="A new folder, or that of an earlier demo.")
    ],
) -> int:
    """Publish a week of the demo publication and show what went where."""
    from publisher.cli import summary
    from publisher.cycle import together
    from publisher.database import open_database
    from publisher.demo import publish_demo

    screen = console()
    reports: list[Report] = []

    def told(now: datetime, report: Report) -> None:
        reports.append(report)
        picked = report.picked_up
        screen.print(
            f"{now:%A %Y-%m-%d}: {picked.new} new articles, {report.issues} issues made, "
            f"{report.sent.messages} mails written, {report.feeds} feeds changed"
        )

    settings, now = publish_demo(directory, told)
    total = together(reports)
    database = open_database(settings.folders.database)
    try:
        summary.show(screen, settings, database, total, now)
    finally:
        database.close()
    return 1 if total.problems else 0
